import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Subprocess } from "bun";
import { run as runTrainer } from "../../roles/trainer/main.ts";
import { Log, stderrSink } from "../../shared/base/log.ts";
import { type Deferred, deferred, within } from "../../shared/base/wait.ts";
import type { Dataset, Sample } from "../../shared/dataset/types.ts";
import { encodeJpeg } from "../../shared/image/codec.ts";
import { connect } from "../../shared/net/connect.ts";
import type { Address, Connection } from "../../shared/net/connection.ts";
import type { Site } from "../../shared/net/site.ts";
import { ModelClient } from "../../shared/training/fetch-model.ts";
import type { JobClient, JobNews } from "../../shared/training/submit.ts";
import { testSite } from "../support/site-roles.ts";
import type { ToyWorkerStart } from "./worker/toy-worker.ts";

const TOY_WORKER = resolve(import.meta.dir, "worker/toy-worker.ts");
const MAIN = resolve(import.meta.dir, "../../src/main.ts");
const SHOWN_SINKS = process.env.TOY_LOG === undefined ? [] : [stderrSink];
const TOLD_WITHIN_MS = 60_000;

/** A toy worker's process, and the lines that it has written: the checksum of its weights before each round. */
export interface ToyWorker {
  readonly process: Subprocess<"ignore", "pipe", "inherit">;
  /** Round to checksum. */
  readonly rounds: Map<number, string>;
  /** The rounds in the order in which it began them, one that was repeated again. */
  readonly begun: readonly number[];
  /** Resolves when it has begun so many different rounds; rejects when it ends before that. */
  inRounds(count: number): Promise<void>;
  /** Where it listens for other workers. */
  readonly port: Promise<number>;
  /** When it begins to score for the first time: the progress at which its last round was. */
  readonly scoring: Promise<number>;
}

/** A round that all of its workers have completed. */
export interface CompletedRound {
  /** Of the weights, so far. */
  readonly steps: number;
  readonly workers: number;
}

export interface SiteOptions {
  /** Gets each line of the trainer's log. */
  readonly onLine?: (line: string) => void;
  readonly checkpointEveryMs?: number;
}

/** A trainer in this process and workers in their own, on loopback, with a site key of their own. */
export class TrainingSite implements AsyncDisposable {
  readonly site: Site = testSite();
  readonly #folder: string;
  readonly #log: Log;
  readonly #onLine: (line: string) => void;
  readonly #checkpointEveryMs: number;
  /** Rounds in the order in which they were completed. */
  readonly rounds: CompletedRound[] = [];
  #connected = 0;
  readonly #waiting = new Set<() => void>();
  readonly #workers: ToyWorker[] = [];
  readonly #processes: Subprocess[] = [];
  #trainer:
    | { readonly stop: AbortController; readonly ended: Promise<void>; readonly address: Address }
    | undefined;

  constructor(folder: string, { onLine = () => {}, checkpointEveryMs = 300 }: SiteOptions = {}) {
    this.#folder = folder;
    this.#onLine = onLine;
    this.#log = new Log("trainer", [(line) => this.#hear(line), ...SHOWN_SINKS], "debug");
    this.#checkpointEveryMs = checkpointEveryMs;
  }

  #hear(line: string): void {
    const round = / round job=\d+ round=(\d+) workers=(\d+)/.exec(line);
    if (round !== null) this.rounds.push({ steps: Number(round[1]), workers: Number(round[2]) });
    const joined = / worker joined .*workers=(\d+)/.exec(line) ?? / worker gone, (\d+) worker/.exec(line);
    if (joined !== null) this.#connected = Number(joined[1]);
    if (round !== null || joined !== null) for (const look of this.#waiting) look();
    this.#onLine(line);
  }

  /** Resolves as soon as something is so, seen at each round and each worker that comes or goes. */
  async #until(isSo: () => boolean, what: string): Promise<void> {
    const so = deferred();
    const look = (): void => {
      if (isSo()) so.resolve();
    };
    this.#waiting.add(look);
    look();
    try {
      await within(so.promise, TOLD_WITHIN_MS, what);
    } finally {
      this.#waiting.delete(look);
    }
  }

  /**
   * Resolves at the end of the first such round from now: what is done then is done while the job runs. News of a job
   * come too seldom for that.
   */
  async untilRound(isIt: (round: CompletedRound) => boolean): Promise<void> {
    const first = this.rounds.length;
    await this.#until(() => this.rounds.slice(first).some(isIt), "waiting for a round");
  }

  /** Resolves when so many workers are connected: a job that is handed in then is all theirs from its beginning. */
  async untilConnected(workers: number): Promise<void> {
    await this.#until(() => this.#connected >= workers, `waiting for ${workers} workers`);
  }

  get address(): Address {
    if (this.#trainer === undefined) throw new Error("no trainer runs");
    return this.#trainer.address;
  }

  /** @param port the one of the trainer before, to start it again; any free one otherwise */
  async startTrainer(port = 0): Promise<void> {
    const stop = new AbortController();
    const ready = deferred<Address>();
    const ended = runTrainer(
      {
        site: this.site,
        listen: { host: "127.0.0.1", port },
        dataDir: join(this.#folder, "trainer"),
        checkpointEveryMs: this.#checkpointEveryMs,
        onReady: ready.resolve,
      },
      { signal: stop.signal, log: this.#log },
    );
    ended.catch(ready.reject);
    this.#trainer = { stop, ended, address: await ready.promise };
  }

  async stopTrainer(): Promise<void> {
    this.#trainer?.stop.abort();
    await this.#trainer?.ended;
    this.#trainer = undefined;
  }

  /** @param where the trainer's address from there, its own, and what the command begins with; beside the trainer otherwise */
  startWorker(
    name: string,
    chunkMs: number,
    where: {
      readonly trainer?: Address;
      readonly host?: string;
      readonly prefix?: readonly string[];
      /** What scoring takes. */
      readonly scoreMs?: number;
      readonly gives?: ToyWorkerStart["gives"];
    } = {},
  ): ToyWorker {
    const { trainer = this.address, host = "127.0.0.1", prefix = [], scoreMs = 0, gives = "state" } = where;
    const start: ToyWorkerStart = { trainer, host, token: this.site.token, name, chunkMs, scoreMs, gives };
    const child = Bun.spawn([...prefix, process.execPath, TOY_WORKER, JSON.stringify(start)], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    });
    const port = deferred<number>();
    const scoring = deferred<number>();
    const rounds = new RoundsSeen();
    const said = { port: port.promise, scoring: scoring.promise };
    const worker: ToyWorker = {
      process: child,
      rounds: rounds.checksums,
      begun: rounds.begun,
      inRounds: (count) => rounds.reach(count),
      ...said,
    };
    this.#workers.push(worker);
    this.#processes.push(child);
    void readLines(child, rounds, port, scoring);
    return worker;
  }

  /**
   * A worker as people start it, which really learns.
   *
   * @param prefix what its command begins with
   * @param data where it keeps what it fetched; a temporary folder otherwise
   */
  startRealWorker({
    prefix = [],
    data,
    threads = 1,
  }: {
    prefix?: readonly string[];
    data?: string;
    threads?: number;
  } = {}): Subprocess {
    const { host, port } = this.address;
    const words = ["--role", "worker", "--trainer", `${host}:${port}`, "--threads", `${threads}`, "--quiet"];
    if (data !== undefined) words.push("--data", data);
    const child = Bun.spawn([...prefix, process.execPath, MAIN, ...words], {
      env: { ...process.env, VIGIA_TOKEN: this.site.token },
      stdio: ["ignore", "ignore", "inherit"],
    });
    this.#processes.push(child);
    return child;
  }

  async client(): Promise<Connection> {
    const { signal } = new AbortController();
    return connect({ site: this.site, role: "client", address: this.address, expect: ["trainer"], signal });
  }

  /** Submits a job of `rounds` rounds of 6 chunks of a small network, and returns its number. */
  async submit(client: JobClient, name: string, dataset: Dataset, rounds: number): Promise<number> {
    const epochs = (rounds * 6 * 2) / (dataset.splits.train ?? []).length;
    const options = { network: "mlp", hidden: 8, epochs, chunkSize: 2, chunksPerRound: 6, seed: 3 } as const;
    return client.submit({ name, dataset, options });
  }

  /** The file of a model. */
  async model(name: string, version = 0): Promise<Uint8Array> {
    await using link = await this.client();
    return await new ModelClient(link).fetch(name, version);
  }

  /** Every weights' checksum that any worker began a round with, by round. */
  checksums(): Map<number, Set<string>> {
    const all = new Map<number, Set<string>>();
    for (const { rounds } of this.#workers) {
      for (const [round, checksum] of rounds) all.set(round, (all.get(round) ?? new Set()).add(checksum));
    }
    return all;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#processes) child.kill("SIGKILL");
    await Promise.all(this.#processes.map(({ exited }) => exited));
    await this.stopTrainer();
  }
}

/** The rounds that a worker has begun, and who waits for how many. */
class RoundsSeen {
  readonly checksums = new Map<number, string>();
  readonly begun: number[] = [];
  readonly #waiting: { readonly count: number; readonly reached: Deferred<void> }[] = [];
  #fault: Error | undefined;

  async reach(count: number): Promise<void> {
    if (this.checksums.size >= count) return;
    if (this.#fault !== undefined) throw this.#fault;
    const reached = deferred();
    this.#waiting.push({ count, reached });
    await reached.promise;
  }

  add(round: number, checksum: string): void {
    this.checksums.set(round, checksum);
    this.begun.push(round);
    for (const { count, reached } of this.#waiting) if (this.checksums.size >= count) reached.resolve();
  }

  end(fault: Error): void {
    this.#fault = fault;
    for (const { reached } of this.#waiting) reached.reject(fault);
  }
}

async function readLines(
  child: ToyWorker["process"],
  rounds: RoundsSeen,
  port: Deferred<number>,
  scoring: Deferred<number>,
): Promise<void> {
  let rest = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const [word, value] = line.split(" ");
      if (word === "port") port.resolve(Number(value));
      else if (word === "scoring") scoring.resolve(Number(value));
      else rounds.add(Number(word), value ?? "");
    }
  }
  const fault = new Error("the worker has ended");
  for (const waiter of [port, scoring]) waiter.reject(fault);
  rounds.end(fault);
}

/** The last news of a job, once it has ended. */
export async function ended(client: JobClient, jobId: number): Promise<JobNews> {
  let last: JobNews | undefined;
  for await (const news of client.follow(jobId)) last = news;
  if (last === undefined) throw new Error("no news of the job");
  return last;
}

/**
 * Follows a job until it has done so many samples (or has ended). News come at most twice a second: a job that must
 * still be running afterwards needs many more.
 */
export async function untilSamples(client: JobClient, jobId: number, samples: number): Promise<void> {
  for await (const { status } of client.follow(jobId)) if (status.samples >= samples) return;
}

/** A data set of small grey-and-coloured pictures of two classes, written to disk. */
export async function tinyDataset(folder: string, pictures = 12, seed = 0): Promise<Dataset> {
  mkdirSync(folder, { recursive: true });
  const samples: Sample[] = [];
  for (let i = 0; i < pictures; i++) {
    const [width, height] = [32, 24];
    const data = Uint8Array.from({ length: width * height * 3 }, (_, at) => (at * (i + 1) + seed) % 251);
    const path = join(folder, `p${i}.jpg`);
    writeFileSync(path, await encodeJpeg({ width, height, data }, 90));
    samples.push({ id: `p${i}`, path, width, height, labels: [{ classIndex: i % 2, box: [2, 2, 20, 20] }] });
  }
  return { root: folder, classes: ["cat", "dog"], splits: { train: samples }, defects: [] };
}
