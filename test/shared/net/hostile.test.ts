import { expect, setDefaultTimeout, test } from "bun:test";
import {
  MESSAGE_SIZE_BYTES_MAX,
  RECEIVE_WINDOW_BYTES,
  UNPROVED_LINK_COUNT_MAX,
} from "../../../shared/base/limits.ts";
import { Log } from "../../../shared/base/log.ts";
import { Random } from "../../../shared/base/random.ts";
import { deferred, expired } from "../../../shared/base/wait.ts";
import { selfSignedCertificate } from "../../../shared/net/certificate.ts";
import type { Connection } from "../../../shared/net/connection.ts";
import type { ListenOptions } from "../../../shared/net/listener.ts";
import { siteOf } from "../../../shared/net/site.ts";
import { Introduction } from "../../../shared/wire/messages/greeting.ts";
import { envelope } from "../../../shared/wire/split.ts";
import { appErrorOf } from "../../support/app-error.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { RawPeer } from "./raw-peer.ts";
import { relayTo } from "./relay.ts";
import { connectTo, listenHere, Note, OTHER_KEY, Parcel } from "./support.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

/** A trainer that answers notes, what it logged, and the links that it took. */
async function trainer(more: Partial<ListenOptions> = {}) {
  const stop = new AbortController();
  const lines: string[] = [];
  const links: Connection[] = [];
  let heard = deferred();
  const hear = (line: string): void => {
    lines.push(line);
    heard.resolve();
  };
  const listener = await listenHere(
    stop.signal,
    async (link) => {
      links.push(link);
      for await (const body of link.messages()) await link.send(Note, Note.decode(body));
    },
    { log: new Log("test", [hear]), ...more },
  );
  return {
    signal: stop.signal,
    address: listener.address,
    lines,
    links,
    /** Resolves when so many lines have these words. */
    async says(words: string, count: number): Promise<void> {
      while (lines.filter((line) => line.includes(words)).length < count) {
        heard = deferred();
        await heard.promise;
      }
    },
    /** It still serves a worker that behaves. */
    async serves(): Promise<boolean> {
      await using link = await connectTo(listener.address, stop.signal);
      await link.send(Note, { words: "hello" });
      return Note.decode((await link.messages().next()).value!).words === "hello";
    },
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
}

function prefix(size: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(size);
  return out;
}

test("a worker with another site key is refused, and both ends say what to do", async () => {
  await using server = await trainer();
  const error = await appErrorOf(
    connectTo(server.address, server.signal, { site: siteOf(OTHER_KEY, "stranger") }),
  );
  expect(error).toMatchObject({ kind: "refused", message: expect.stringContaining("the site key differs") });
  expect(error.hint).toContain("--token the trainer prints");
  expect(await server.serves()).toBe(true);
  expect(server.links).toHaveLength(1);
  expect(server.lines.join("\n")).toMatch(/stranger.*the site key differs/);
});

test("somebody in the middle with a certificate of their own cannot pass links on", async () => {
  await using server = await trainer();
  const { keyPem, certificatePem } = selfSignedCertificate();
  using relay = relayTo(server.address, { tls: { key: keyPem, cert: certificatePem } });
  expect(await appErrorOf(connectTo(relay.address, server.signal))).toMatchObject({ kind: "refused" });
  expect(server.links).toHaveLength(0);
});

test("a relay that only passes bytes on is no harm", async () => {
  await using server = await trainer();
  using relay = relayTo(server.address);
  await using link = await connectTo(relay.address, server.signal);
  await link.send(Note, { words: "through" });
  expect(Note.decode((await link.messages().next()).value!).words).toBe("through");
});

test.each([1, 7, 1000])("a stream cut into pieces of at most %i bytes arrives whole", async (bytesMax) => {
  await using server = await trainer();
  const random = new Random("cut", bytesMax);
  using relay = relayTo(server.address, {
    cut(chunk) {
      const pieces: Buffer[] = [];
      for (let at = 0; at < chunk.length; ) {
        const size = 1 + random.below(bytesMax);
        pieces.push(chunk.subarray(at, at + size));
        at += size;
      }
      return pieces;
    },
  });
  await using link = await connectTo(relay.address, server.signal);
  const inbox = link.messages();
  for (const words of ["a", "b".repeat(900), "c"]) {
    await link.send(Note, { words });
    expect(Note.decode((await inbox.next()).value!).words).toBe(words);
  }
});

test.each([4097, 2 ** 31, 2 ** 32 - 1])(
  "before the proof, a message of %i bytes is refused by its size alone",
  async (size) => {
    await using server = await trainer();
    using peer = await RawPeer.to(server.address);
    peer.write(prefix(size));
    await peer.closed;
    expect(server.lines.join()).toContain(`message of ${size} B`);
    expect(await server.serves()).toBe(true);
  },
);

test("before the proof, nothing but a greeting is answered", async () => {
  await using server = await trainer();
  using peer = await RawPeer.to(server.address);
  peer.write(Note.pack({ words: "let me in" }));
  await peer.closed;
  expect(server.links).toHaveLength(0);
});

test("somebody who greets without end, or not at all, is let go when the time is over", async () => {
  await using server = await trainer({ greetingTimeoutMs: 150 });
  using silent = await RawPeer.to(server.address);
  using slow = await RawPeer.to(server.address, { tls: false });
  using half = await RawPeer.to(server.address);
  half.write(prefix(100));
  await Promise.all([silent.closed, slow.closed, half.closed]);
  expect(server.lines.filter((line) => line.includes("no greeting within 150 ms"))).toHaveLength(3);
});

test("those who do not greet take no more than their share of links, which are others' when they go", async () => {
  // Longer than the test: the first must not be let go while the last one comes.
  await using server = await trainer({ greetingTimeoutMs: BUSY_MACHINE_MS });
  const idle = await Promise.all(
    Array.from({ length: UNPROVED_LINK_COUNT_MAX }, () => RawPeer.to(server.address, { tls: false })),
  );
  expect(await appErrorOf(connectTo(server.address, server.signal))).toMatchObject({ kind: "unavailable" });
  for (const peer of idle) peer[Symbol.dispose]();
  await server.says("a link did not come about", UNPROVED_LINK_COUNT_MAX);
  expect(await server.serves()).toBe(true);
});

test("other protocols on the port end quickly and leave the listener whole", async () => {
  await using server = await trainer();
  using browser = await RawPeer.to(server.address, { tls: false });
  browser.write(Buffer.from("GET / HTTP/1.1\r\nHost: trainer\r\n\r\n"));
  await browser.closed;
  const response = fetch(`https://127.0.0.1:${server.address.port}/`, { tls: { rejectUnauthorized: false } });
  await expect(response).rejects.toThrow();
  expect(await server.serves()).toBe(true);
});

test("random bytes from a stranger end only that stranger's link", async () => {
  await using server = await trainer({ greetingTimeoutMs: 300 });
  const random = new Random("strangers");
  await Promise.all(
    Array.from({ length: 30 }, async (_, i) => {
      using peer = await RawPeer.to(server.address, { tls: i % 2 === 0 });
      const noise = Buffer.from(Array.from({ length: 1 + random.below(500) }, () => random.below(256)));
      if (random.chance(0.5)) noise.writeUInt32LE(noise.length, 0);
      peer.write(
        random.chance(0.3) ? Buffer.concat([envelope(Introduction.encode(someone())), noise]) : noise,
      );
      await peer.closed;
    }),
  );
  expect(server.links).toHaveLength(0);
  expect(await server.serves()).toBe(true);
});

function someone() {
  return {
    role: "worker" as const,
    name: "x",
    nodeId: "0".repeat(16),
    nonce: Buffer.alloc(32),
    listenPort: 1,
  };
}

test("after the proof, a message over the limit ends the link by its size alone", async () => {
  await using server = await trainer();
  using peer = await RawPeer.to(server.address, { greet: true });
  peer.write(prefix(MESSAGE_SIZE_BYTES_MAX + 1));
  await peer.closed;
  expect(server.links[0]!.closed.reason).toMatchObject({ kind: "protocol" });
});

test("after the proof, a malformed message ends the link with its reason", async () => {
  await using server = await trainer();
  using peer = await RawPeer.to(server.address, { greet: true });
  peer.write(envelope(Note.encode({ words: "cut" }).subarray(0, -1)));
  await peer.closed;
  expect(server.lines.join()).toContain("malformed Note");
});

test("random bytes after the proof end only that link, for a reason of the protocol", async () => {
  await using server = await trainer();
  const random = new Random("proved noise");
  for (let i = 0; i < 40; i++) {
    using peer = await RawPeer.to(server.address, { greet: true });
    const body = Buffer.from(Array.from({ length: 2 + random.below(60) }, () => random.below(256)));
    if (random.chance(0.8)) body.writeUInt16LE(random.pick([1, 2, 3, 4, 5, 6, 7, Note.tag]), 0);
    peer.write(Buffer.concat([envelope(body), envelope(Note.encode({ words: "x" }).subarray(1)), prefix(0)]));
    await peer.closed;
  }
  expect(server.links).toHaveLength(40);
  for (const { closed } of server.links) expect(["protocol", "cancelled"]).toContain(closed.reason.kind);
  expect(server.lines.filter((line) => line.includes("error"))).not.toContainEqual(
    expect.stringContaining("TypeError"),
  );
  expect(await server.serves()).toBe(true);
});

test("a peer that ignores its window is ended before it fills the memory", async () => {
  const taken = Promise.withResolvers<Connection>();
  const stop = new AbortController();
  await using listener = await listenHere(stop.signal, (link) => taken.resolve(link)); // and reads nothing
  using peer = await RawPeer.to(listener.address, { greet: true });
  const flood = Parcel.pack({ number: 0, contents: Buffer.alloc(1 << 20) });
  let sent = 0;
  for (let at = 0; await expired(peer.closed, 1); ) {
    const count = peer.write(flood.subarray(at));
    if (count < 0) break;
    sent += count;
    at = (at + count) % flood.length;
  }
  const link = await taken.promise;
  expect(link.closed.reason).toMatchObject({ kind: "protocol", message: expect.stringContaining("window") });
  // What the kernel buffers held is beside the window.
  expect(sent).toBeLessThan(4 * RECEIVE_WINDOW_BYTES);
});

test("nobody at an address, and somebody who does not speak, are told apart", async () => {
  const { signal } = new AbortController();
  const nobody = await appErrorOf(connectTo({ host: "127.0.0.1", port: 1 }, signal));
  expect(nobody).toMatchObject({
    kind: "unavailable",
    message: "cannot reach trainer 127.0.0.1:1: connection refused",
    hint: expect.stringContaining("vigia --role trainer"),
  });
  const unknown = await appErrorOf(connectTo({ host: "no-such-machine.invalid", port: 1 }, signal));
  expect(unknown.message).toContain("no machine of that name");

  using other = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.write("220 mail ready\r\n");
      },
      data() {},
    },
  });
  const mail = await appErrorOf(connectTo({ host: "127.0.0.1", port: other.port }, signal));
  expect(mail.message).toContain("does not speak TLS");
});

test("a server that takes the connection and says nothing is given up", async () => {
  using silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const address = { host: "127.0.0.1", port: silent.port };
  const { signal } = new AbortController();
  expect(await appErrorOf(connectTo(address, signal, { timeoutMs: 100 }))).toMatchObject({
    kind: "unavailable",
    message: expect.stringContaining("no greeting within 100 ms"),
  });
});

test("a port in use is named, with what to do", async () => {
  await using server = await trainer();
  const error = await appErrorOf(trainer({ port: server.address.port }));
  expect(error).toMatchObject({
    kind: "unavailable",
    message: expect.stringContaining(`port ${server.address.port} is in use`),
    hint: expect.stringContaining("--listen"),
  });
});

test("giving up while connecting ends the attempt", async () => {
  using silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const stop = new AbortController();
  const attempt = appErrorOf(connectTo({ host: "127.0.0.1", port: silent.port }, stop.signal));
  await Bun.sleep(20);
  stop.abort();
  expect(await attempt).toMatchObject({ kind: "cancelled" });
  expect(await appErrorOf(connectTo({ host: "127.0.0.1", port: silent.port }, stop.signal))).toMatchObject({
    kind: "cancelled",
  });
});
