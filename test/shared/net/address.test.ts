import { expect, test } from "bun:test";
import { asToldBy, formatAddress, parseAddress, plainHost } from "../../../shared/net/address.ts";

test.each([
  ["10.0.0.2:7700", "10.0.0.2", 7700],
  ["10.0.0.2", "10.0.0.2", 7000],
  ["trainer.local:80", "trainer.local", 80],
  ["7700", "127.0.0.1", 7700],
  [":7700", "127.0.0.1", 7700],
  ["[::1]:7700", "::1", 7700],
  ["[fe80::1]", "fe80::1", 7000],
  ["fe80::1", "fe80::1", 7000],
  ["0.0.0.0:0", "0.0.0.0", 0],
  [" pc-3:1 ", "pc-3", 1],
])("reads %p", (text, host, port) => {
  expect(parseAddress(text, 7000)).toEqual({ host, port });
});

test.each(["", ":", "a b:1", "http://pc:80", "pc:port", "[pc]:1", "[::1", "1:2:3", "pc:65536", "pc:-1"])(
  "refuses %p and says what an address looks like",
  (text) => {
    expect(() => parseAddress(text, 7000)).toThrow(
      expect.objectContaining({ kind: "usage", hint: expect.any(String) }),
    );
  },
);

test("an address survives its text form", () => {
  for (const address of [
    { host: "10.0.0.2", port: 1 },
    { host: "::1", port: 2 },
  ]) {
    expect(parseAddress(formatAddress(address), 9)).toEqual(address);
  }
});

test("an address on the teller's own loopback is one on the teller's host", () => {
  const trainer = { host: "10.0.0.2", port: 7700 };
  expect(asToldBy(trainer, { host: "127.0.0.1", port: 4000 })).toEqual({ host: "10.0.0.2", port: 4000 });
  expect(asToldBy(trainer, { host: "10.0.0.9", port: 4000 })).toEqual({ host: "10.0.0.9", port: 4000 });
});

test("an IPv4 host that came through an IPv6 socket is written plainly", () => {
  expect(plainHost("::ffff:10.0.0.2")).toBe("10.0.0.2");
  expect(plainHost("fe80::1")).toBe("fe80::1");
});
