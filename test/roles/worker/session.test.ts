import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Compute } from "../../../roles/worker/compute.ts";
import { runWith } from "../../../roles/worker/main.ts";
import { RingDoor } from "../../../roles/worker/ring-links.ts";
import { JobPlace, serveTrainer } from "../../../roles/worker/session.ts";
import { silentLog } from "../../../shared/base/log.ts";
import { deferred } from "../../../shared/base/wait.ts";
import { encodePng } from "../../../shared/image/codec.ts";
import { planFor } from "../../../shared/learn/plan.ts";
import { connect } from "../../../shared/net/connect.ts";
import type { Connection } from "../../../shared/net/connection.ts";
import { listen } from "../../../shared/net/listener.ts";
import { BlobStore } from "../../../shared/store/blobs.ts";
import { messageTag } from "../../../shared/wire/message.ts";
import {
  BlobMissing,
  BlobPiece,
  BlobWanted,
  CloseJob,
  JobReady,
  OpenJob,
  PrepareTask,
  TaskDone,
} from "../../../shared/wire/messages/training.ts";
import { testSite } from "../../support/site-roles.ts";
import { tempFolder } from "../../support/temp.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };
const TIMEOUT_MS = 20_000;
const NOBODYS = "0".repeat(64);

/** What a worker holds of jobs that it opened. */
class Engines {
  opened = 0;
  held = 0;
  most = 0;
  /** Resolves when the first job is being opened, and what lets it go on. */
  readonly first = deferred();
  readonly goOn = deferred();
  /** Resolves when a job is given up. */
  readonly gone = deferred();

  async open(): Promise<Compute> {
    this.opened++;
    this.most = Math.max(this.most, ++this.held);
    this.first.resolve();
    await this.goOn.promise;
    return {
      engine: "none",
      parameterCount: 4,
      startWeights: () => new Float32Array(4),
      sliceRule: () => ({ state: [], update() {}, merge() {} }),
      ownRule: () => ({ state: [], taken: 0, step() {} }),
      computeChunks: () => Promise.reject(new Error("not asked for")),
      evaluate: () => Promise.reject(new Error("not asked for")),
      quantize: () => Promise.reject(new Error("not asked for")),
      [Symbol.asyncDispose]: async () => {
        this.held--;
        this.gone.resolve();
      },
    };
  }
}

const openJob = {
  jobId: 1,
  createdMs: 5,
  plan: { ...planFor({ network: { kind: "mlp" } }, { classes: ["a", "b"], pictures: 8 }) },
  shards: [],
  peers: [],
};

/** A worker and a trainer's door; `serve` is the trainer on the link number `nth`, from 1. Ends when `over` resolves. */
async function play(
  engines: Engines,
  serve: (link: Connection, nth: number) => Promise<void>,
  over: Promise<void>,
): Promise<void> {
  using folder = tempFolder();
  const site = testSite();
  const stop = new AbortController();
  const { signal } = stop;
  let links = 0;
  await using trainer = await listen({
    site,
    role: "trainer",
    ...LOOPBACK,
    accept: ["worker"],
    signal,
    log: silentLog,
    onConnection: (link) => serve(link, ++links),
  });
  const options = { site, trainer: trainer.address, listen: LOOPBACK, threads: 1, device: "cpu" } as const;
  const dataDir = join(folder.path, "worker");
  const worker = runWith({ ...options, dataDir }, { signal, log: silentLog }, () => engines.open());
  await over;
  stop.abort();
  await worker;
}

/** Reads until such a message has come. */
async function until(messages: AsyncIterator<Buffer>, { tag }: { readonly tag: number }): Promise<void> {
  for (;;) {
    const { done, value } = await messages.next();
    if (done === true || messageTag(value) === tag) return;
  }
}

/** Lets the engines be made when the worker has seen everything that was sent, and waits until it is ready. */
async function letOpen(link: Connection, messages: AsyncIterator<Buffer>, engines: Engines): Promise<void> {
  await link.send(BlobWanted, { sha256: NOBODYS });
  await until(messages, BlobMissing); // it answers in order
  engines.goOn.resolve();
  await until(messages, JobReady);
}

test(
  "a picture that two tasks want at once is asked for once, and the link goes on",
  async () => {
    const over = deferred();
    const png = await encodePng({ width: 8, height: 8, data: new Uint8Array(3 * 64).fill(90) });
    const sha256 = createHash("sha256").update(png).digest("hex");
    const sample = {
      id: "a",
      split: "train" as const,
      sha256,
      fileBytes: png.length,
      width: 8,
      height: 8,
      labels: [],
    };
    const asked: string[] = [];
    const done: number[] = [];
    const links: number[] = [];
    const serve = async (link: Connection, nth: number): Promise<void> => {
      links.push(nth);
      for (const taskId of [1, 2])
        await link.send(PrepareTask, { taskId, cacheSidePx: 32, samples: [sample] });
      await link.send(BlobWanted, { sha256: NOBODYS }); // answered after the tasks were taken
      for await (const message of link.messages()) {
        const tag = messageTag(message);
        if (tag === BlobWanted.tag) asked.push(BlobWanted.decode(message).sha256);
        if (tag === BlobMissing.tag) {
          for (const wanted of asked)
            await link.send(BlobPiece, { sha256: wanted, offset: 0, totalBytes: png.length, piece: png });
        }
        if (tag === TaskDone.tag && done.push(TaskDone.decode(message).taskId) === 2) over.resolve();
      }
    };
    await play(new Engines(), serve, over.promise);
    expect(asked).toEqual([sha256]);
    expect(done.sort()).toEqual([1, 2]);
    expect(links).toEqual([1]);
  },
  TIMEOUT_MS,
);

test(
  "a job that is closed and opened again while it is being opened is opened once, and nothing is left behind",
  async () => {
    const engines = new Engines();
    const over = deferred();
    const serve = async (link: Connection): Promise<void> => {
      const messages = link.messages();
      await link.send(OpenJob, openJob);
      await engines.first.promise;
      await link.send(CloseJob, { jobId: 1 });
      await link.send(OpenJob, openJob);
      await letOpen(link, messages, engines);
      over.resolve();
    };
    await play(engines, serve, over.promise);
    expect(engines.most).toBe(1);
    expect(engines.held).toBe(0);
  },
  TIMEOUT_MS,
);

test(
  "a link that breaks while a job is being opened leaves no second set of engines beside that of the next link",
  async () => {
    const engines = new Engines();
    const over = deferred();
    const serve = async (link: Connection, nth: number): Promise<void> => {
      const messages = link.messages();
      await link.send(OpenJob, openJob);
      if (nth === 1) {
        await engines.first.promise;
        await link.close("the trainer is gone");
        return;
      }
      await letOpen(link, messages, engines);
      over.resolve();
    };
    await play(engines, serve, over.promise);
    expect(engines.opened).toBe(2);
    expect(engines.most).toBe(1);
    expect(engines.held).toBe(0);
  },
  TIMEOUT_MS,
);

test(
  "a job that ended while the worker was away is forgotten: its trainer is back and does not open it",
  async () => {
    using folder = tempFolder();
    const site = testSite();
    const { signal } = new AbortController();
    const engines = new Engines();
    engines.goOn.resolve();
    let links = 0;
    await using trainer = await listen({
      site,
      role: "trainer",
      ...LOOPBACK,
      accept: ["worker"],
      signal,
      log: silentLog,
      async onConnection(link) {
        if (++links === 1) {
          await link.send(OpenJob, openJob);
          await until(link.messages(), JobReady);
        } else await engines.gone.promise;
        await link.close();
      },
    });
    await using place = new JobPlace();
    const store = new BlobStore(join(folder.path, "blobs"));
    const parts = { site, threads: 1, store, door: new RingDoor(silentLog), place, log: silentLog };
    for (const forgetAfterMs of [TIMEOUT_MS, 20]) {
      const { address } = trainer;
      await using link = await connect({ site, role: "worker", address, expect: ["trainer"], signal });
      await serveTrainer(link, { ...parts, openCompute: () => engines.open(), forgetAfterMs });
      expect(place.member === undefined).toBe(forgetAfterMs === 20);
    }
    expect(engines.opened).toBe(1);
  },
  TIMEOUT_MS,
);
