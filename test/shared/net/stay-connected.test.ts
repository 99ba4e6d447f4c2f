import { expect, test } from "bun:test";
import { AppError } from "../../../shared/base/errors.ts";
import { Log, silentLog } from "../../../shared/base/log.ts";
import { Random } from "../../../shared/base/random.ts";
import type { Connection } from "../../../shared/net/connection.ts";
import { dialer } from "../../../shared/net/dial.ts";
import { announce } from "../../../shared/net/discovery.ts";
import { siteOf } from "../../../shared/net/site.ts";
import { stayConnected } from "../../../shared/net/stay-connected.ts";
import { newKey } from "../../../shared/net/token.ts";
import { appErrorOf } from "../../support/app-error.ts";
import { connectTo, listenHere, Note, OTHER_KEY } from "./support.ts";

/** Time that passes only where a test says so; pauses are kept and end at once. */
class Pauses {
  readonly list: number[] = [];
  nowMs = 0;
  wallMs = (): number => this.nowMs;
  monotonicMs = (): number => this.nowMs;
  async sleep(ms: number): Promise<void> {
    this.list.push(ms);
    this.nowMs += ms;
    await Bun.sleep(1);
  }
}

const unavailable = (): never => {
  throw new AppError("unavailable", "cannot reach trainer");
};

test("a session is run again after its server came back on the same port", async () => {
  const stop = new AbortController();
  const first = await listenHere(stop.signal, (link) => link.send(Note, { words: "first" }));
  const { port } = first.address;
  const heard: string[] = [];
  const clock = new Pauses();
  const running = stayConnected(
    { dial: (signal) => connectTo(first.address, signal), signal: stop.signal, log: silentLog, clock },
    async (link: Connection) => {
      for await (const body of link.messages()) {
        heard.push(Note.decode(body).words);
        if (heard.length === 1) void first[Symbol.asyncDispose]();
        else stop.abort();
      }
    },
  );
  while (clock.list.length < 3) await Bun.sleep(5);
  await using _second = await listenHere(stop.signal, (link) => link.send(Note, { words: "second" }), {
    port,
  });
  await running;
  expect(heard).toEqual(["first", "second"]);
});

test("pauses grow while nobody answers, and start again after a session that lasted", async () => {
  const stop = new AbortController();
  await using listener = await listenHere(stop.signal, () => {});
  const clock = new Pauses();
  let tries = 0;
  await stayConnected(
    {
      dial: (signal) => (++tries === 8 ? connectTo(listener.address, signal) : unavailable()),
      signal: stop.signal,
      log: silentLog,
      clock: {
        ...clock,
        sleep: async (ms) => {
          await clock.sleep(ms);
          if (clock.list.length === 9) stop.abort();
        },
      },
      random: new Random(1),
    },
    async () => {
      clock.nowMs += 60_000;
    },
  );
  expect(clock.list.slice(0, 7).map((ms) => Math.abs(Math.round(Math.log2(ms / 250))))).toEqual([
    0, 1, 2, 3, 4, 5, 6,
  ]);
  expect(clock.list[7]).toBeLessThan(300);
  expect(clock.list[8]).toBeLessThan(600);
});

test("a peer without a known address is looked for, and reached where it is", async () => {
  const stop = new AbortController();
  const site = siteOf(newKey(), "a worker"); // a key that no other test's trainer answers to
  await using listener = await listenHere(stop.signal, () => {}, { site });
  using _found = announce({
    site,
    role: "trainer",
    address: listener.address,
    signal: stop.signal,
    log: silentLog,
  });
  const dial = dialer(site, "worker", { role: "trainer", address: undefined }, 4000);
  await stayConnected({ dial, signal: stop.signal, log: silentLog }, async (link) => {
    expect(link.peer.address.port).toBe(listener.address.port);
    stop.abort();
  });
});

test("a refusal at the start is thrown: another try will not mend a wrong key", async () => {
  const stop = new AbortController();
  await using listener = await listenHere(stop.signal, () => {});
  const site = siteOf(OTHER_KEY, "stranger");
  const running = stayConnected(
    { dial: (signal) => connectTo(listener.address, signal, { site }), signal: stop.signal, log: silentLog },
    async () => {},
  );
  expect(await appErrorOf(running)).toMatchObject({ kind: "refused" });
});

test("an error of the session that is not about the link is thrown", async () => {
  const stop = new AbortController();
  await using listener = await listenHere(stop.signal, () => {});
  const running = stayConnected(
    { dial: (signal) => connectTo(listener.address, signal), signal: stop.signal, log: silentLog },
    async () => {
      throw new AppError("data-loss", "the disk is full");
    },
  );
  expect(await appErrorOf(running)).toMatchObject({ kind: "data-loss" });
});

test("the same trouble is told once, with what to do", async () => {
  const stop = new AbortController();
  const lines: string[] = [];
  const clock = new Pauses();
  await stayConnected(
    {
      dial: (signal) => {
        if (clock.list.length === 5) stop.abort();
        return connectTo({ host: "127.0.0.1", port: 1 }, signal);
      },
      signal: stop.signal,
      log: new Log("test", [(line) => lines.push(line)]),
      clock,
    },
    async () => {},
  );
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/cannot reach trainer 127\.0\.0\.1:1: connection refused.*hint=.*--role trainer/);
});

test("an abort ends it at once, in a session or in a pause", async () => {
  const inSession = new AbortController();
  await using listener = await listenHere(new AbortController().signal, () => {});
  await stayConnected(
    { dial: (signal) => connectTo(listener.address, signal), signal: inSession.signal, log: silentLog },
    async (link) => {
      setTimeout(() => inSession.abort(), 10);
      for await (const _ of link.messages()) throw new Error("nothing is sent");
    },
  );
  const inPause = new AbortController();
  setTimeout(() => inPause.abort(), 10);
  await stayConnected({ dial: unavailable, signal: inPause.signal, log: silentLog }, async () => {});
});
