import { expect, test } from "bun:test";
import { connectCode } from "../../../shared/net/connect-code.ts";

/** What Bun says of every connection that did not come about. */
const failure = Object.assign(new Error("Failed to connect"), { code: "ECONNREFUSED" });
const host = "192.168.1.20";

test.each([
  ["a machine that refuses", { host, elapsedMs: 3, hasNetwork: true }, "ECONNREFUSED"],
  [
    "one that refuses once the first packet was lost",
    { host, elapsedMs: 1050, hasNetwork: true },
    "ECONNREFUSED",
  ],
  ["an address that no machine has", { host, elapsedMs: 3070, hasNetwork: true }, "EHOSTUNREACH"],
  ["a machine without a network", { host, elapsedMs: 1, hasNetwork: false }, "ENETUNREACH"],
  ["this machine, without a network", { host: "127.0.0.1", elapsedMs: 1, hasNetwork: false }, "ECONNREFUSED"],
])("%s is told as what it is", (_, circumstances, code) => {
  expect(connectCode(failure, circumstances)).toBe(code);
});

test("other codes stay", () => {
  const unknown = Object.assign(new Error("DNS"), { code: "ENOTFOUND" });
  expect(connectCode(unknown, { host: "trainer.lan", elapsedMs: 5000, hasNetwork: false })).toBe("ENOTFOUND");
});
