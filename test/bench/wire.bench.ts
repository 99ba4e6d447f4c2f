import { silentLog } from "../../shared/base/log.ts";
import { connect } from "../../shared/net/connect.ts";
import type { Connection } from "../../shared/net/connection.ts";
import { listen } from "../../shared/net/listener.ts";
import { openSite } from "../../shared/net/site.ts";
import { newToken } from "../../shared/net/token.ts";
import { bytes, u32 } from "../../shared/wire/codec.ts";
import { Dispatch, defineMessage } from "../../shared/wire/message.ts";

/** Links between two processes over TLS on loopback: how many bytes a second, and how long an answer takes. */

const Piece = defineMessage(0xf000, "Piece", { bytes: bytes(1 << 20) });
const Question = defineMessage(0xf001, "Question", { number: u32 });
const Answer = defineMessage(0xf002, "Answer", { number: u32, receivedBytes: u32 });

const SIZES = {
  smoke: { pieces: 8, questions: 20, small: 200 },
  full: { pieces: 2000, questions: 5000, small: 200_000 },
} as const;

export async function run(size: "smoke" | "full"): Promise<Record<string, number>> {
  const { pieces, questions, small } = SIZES[size];
  const token = newToken();
  await using child = Bun.spawn([process.execPath, import.meta.path], {
    env: { ...process.env, VIGIA_TOKEN: token },
    stdout: "pipe",
    stdin: "pipe", // closed when this process ends, which ends the child
  });
  const line = new TextDecoder().decode((await child.stdout.getReader().read()).value);
  const stop = new AbortController();
  const site = await openSite({ token, log: silentLog });
  const address = { host: "127.0.0.1", port: Number(line) };
  await using link = await connect({
    site,
    role: "client",
    address,
    expect: ["trainer"],
    signal: stop.signal,
  });
  const inbox = link.messages();
  const ask = async (number: number): Promise<number> => {
    await link.send(Question, { number });
    return Answer.decode((await inbox.next()).value as Buffer).receivedBytes;
  };

  await ask(0);
  const payload = new Uint8Array(1 << 20).fill(7);
  const piecesMs = await timed(async () => {
    for (let i = 0; i < pieces; i++) await link.send(Piece, { bytes: payload });
    const received = await ask(0);
    if (received !== (pieces * payload.length) % 2 ** 32) throw new Error(`${received} B arrived`);
  });
  const trips: number[] = [];
  for (let i = 0; i < questions; i++) trips.push(await timed(() => ask(i)));
  const tiny = new Uint8Array(16);
  const smallMs = await timed(async () => {
    for (let i = 0; i < small; i++) await link.send(Piece, { bytes: tiny });
    await ask(0);
  });
  trips.sort((a, b) => a - b);
  child.stdin.end();
  await child.exited;
  return {
    megabytesPerSecond: (pieces * payload.length) / 1e3 / piecesMs,
    smallMessagesPerSecond: (1000 * small) / smallMs,
    roundTripMedianMicroseconds: 1000 * trips[Math.floor(trips.length / 2)]!,
    roundTrip99thMicroseconds: 1000 * trips[Math.floor(trips.length * 0.99)]!,
    senderMegabytes: process.memoryUsage().rss / 1e6,
    receiverPeakMegabytes: (child.resourceUsage()?.maxRSS ?? 0) / 1e6,
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

/** The other process: counts bytes, answers questions. */
async function serve(): Promise<void> {
  const stop = new AbortController();
  const site = await openSite({ log: silentLog });
  await using listener = await listen({
    site,
    role: "trainer",
    host: "127.0.0.1",
    port: 0,
    accept: ["client"],
    signal: stop.signal,
    log: silentLog,
    async onConnection(link: Connection) {
      let receivedBytes = 0;
      const dispatch = new Dispatch()
        .on(Piece, (piece) => {
          receivedBytes = (receivedBytes + piece.bytes.length) % 2 ** 32;
        })
        .on(Question, ({ number }) => link.send(Answer, { number, receivedBytes }));
      for await (const body of link.messages()) await dispatch.run(body);
    },
  });
  process.stdout.write(`${listener.address.port}\n`);
  for await (const _ of Bun.stdin.stream()) {
    // Nothing is said here; its end is the end.
  }
}

if (import.meta.main) await serve();
