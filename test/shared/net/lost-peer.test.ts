import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { Connection } from "../../../shared/net/connection.ts";
import { appErrorOf } from "../../support/app-error.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { listenHere, Note, Parcel } from "./support.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

// Shorter than the program's, so that the test need not wait; but a busy machine may hold up a process for many beats.
const PACE = { heartbeatMs: 50, deadlineMsMin: 1500, deadlineMsMax: 3000 };

/** What the worker's process runs: says hello and then only listens. */
const WORKER = `
  const { connectTo, Note } = await import(${JSON.stringify(join(import.meta.dir, "support.ts"))});
  const address = { host: "127.0.0.1", port: Number(process.env.PORT) };
  const link = await connectTo(address, new AbortController().signal, { pace: ${JSON.stringify(PACE)} });
  await link.send(Note, { words: "hello" });
  for await (const _ of link.messages());
  process.exit();`;

interface WorkerProcess extends AsyncDisposable {
  readonly process: Bun.Subprocess;
  /** This end of its link, and what comes through it after the hello. */
  readonly link: Connection;
  readonly inbox: AsyncIterableIterator<Buffer>;
}

/** A worker in another process that has said hello. */
async function workerProcess(): Promise<WorkerProcess> {
  const stop = new AbortController();
  const accepted = Promise.withResolvers<Connection>();
  const listener = await listenHere(stop.signal, (link) => accepted.resolve(link), { pace: PACE });
  const env = { ...process.env, PORT: String(listener.address.port) };
  const child = Bun.spawn([process.execPath, "-e", WORKER], { env });
  const link = await accepted.promise;
  const inbox = link.messages();
  expect(Note.decode((await inbox.next()).value!).words).toBe("hello");
  return {
    process: child,
    link,
    inbox,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await listener[Symbol.asyncDispose]();
    },
  };
}

test("a frozen peer is noticed in bounded time, by readers and by senders that wait for it", async () => {
  await using worker = await workerProcess();
  worker.process.kill("SIGSTOP");
  const startMs = performance.now();
  const stuck = (async () => {
    for (;;) await worker.link.send(Parcel, { number: 0, contents: Buffer.alloc(1 << 20) });
  })();
  const [reader, sender] = await Promise.all([appErrorOf(worker.inbox.next()), appErrorOf(stuck)]);
  expect(reader).toMatchObject({ kind: "unavailable", message: expect.stringContaining("silent") });
  expect(sender.kind).toBe("unavailable");
  const tookMs = performance.now() - startMs;
  expect(tookMs).toBeGreaterThan(PACE.deadlineMsMin - 1000);
  expect(tookMs).toBeLessThan(PACE.deadlineMsMax + 2000);
});

test("a quiet peer is not lost", async () => {
  await using worker = await workerProcess();
  await Bun.sleep(2 * PACE.deadlineMsMin);
  expect(worker.link.closed.aborted).toBe(false);
});

test("a killed peer is noticed at once", async () => {
  await using worker = await workerProcess();
  const startMs = performance.now();
  worker.process.kill("SIGKILL");
  expect(await appErrorOf(worker.inbox.next())).toMatchObject({
    kind: "unavailable",
    message: expect.stringMatching(/the link to worker "a worker" at 127\.0\.0\.1:\d+ is lost/),
  });
  expect(performance.now() - startMs).toBeLessThan(PACE.deadlineMsMin);
});
