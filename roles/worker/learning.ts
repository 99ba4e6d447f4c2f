import { AppError, type ErrorKind } from "../../shared/base/errors.ts";
import { type Deferred, deferred, onAbort, throwIfAborted } from "../../shared/base/wait.ts";
import type { PicturePack } from "../../shared/learn/picture-pack.ts";
import type { LearningPlan } from "../../shared/learn/plan.ts";
import { OwnOptimizer, SliceOptimizer } from "../../shared/learn/slice-optimizer.ts";
import { startWeights } from "../../shared/learn/start-weights.ts";
import type { EngineOptions } from "../../shared/nn/engine.ts";
import type { ParameterLayout } from "../../shared/nn/graph.ts";
import { buildNetwork } from "../../shared/nn/networks/config.ts";
import type { Levels } from "../../shared/nn/quantize/activations.ts";
import type { OwnRule, SliceRule } from "../../shared/training/replica.ts";
import type { Slice } from "../../shared/training/slices.ts";
import type { SampleRow, Scores } from "../../shared/wire/messages/training.ts";
import {
  type ChunksResult,
  type Compute,
  optimizerRule,
  optimizerState,
  ownOptimizerRule,
} from "./compute.ts";
import {
  CANCELLED,
  type LearningReply,
  type LearningRequest,
  type ShardFile,
  type SharedMemory,
  SUMMED,
} from "./learning-protocol.ts";

/**
 * Opens threads that learn for one job. Each computes chunks of its own with an engine of its own, which uses cores
 * better than one engine with many threads: nothing waits inside a layer. More engines than the worker's share of a
 * round has chunks would only take memory; cores beyond are shared between the engines.
 *
 * @param engine `threads`: cores to use
 * @param workers who share a round's chunks, this one included
 * @throws {AppError} `input` when the pictures do not fit in memory, `unavailable` without an engine
 */
export async function openLearning(
  plan: LearningPlan,
  shards: readonly ShardFile[],
  engine: EngineOptions,
  workers = 1,
): Promise<Learning> {
  const learning = new Learning(plan, buildNetwork(plan.network).parameters, shards, engine);
  await learning.open(enginesFor(engine.threads, plan.chunksPerRound, workers));
  return learning;
}

interface EngineCount {
  readonly engines: number;
  /** Of each. */
  readonly threads: number;
}

/** How many engines a worker opens, and with how many threads each. @param cores to use */
export function enginesFor(cores: number, chunksPerRound: number, workers: number): EngineCount {
  const share = Math.ceil(chunksPerRound / workers);
  const engines = Math.max(1, Math.min(cores, share, ENGINES_MAX));
  return { engines, threads: Math.max(1, Math.floor(cores / engines)) };
}

/** An engine for the detector at 320 px takes about 150 MB. */
const ENGINES_MAX = 8;
/** Others have left for good when the share of so many rounds in a row had more chunks than there are engines. */
const CROWDED_ROUNDS = 5;

/** A thread that learns. Asked one thing at a time. */
class LearnThread {
  readonly #thread: Worker;
  #waiting: Deferred<LearningReply> | undefined;
  /** Why it answers nothing any more. */
  #failure: AppError | undefined;

  constructor() {
    this.#thread = new Worker(new URL("./learn.thread.ts", import.meta.url).href, { name: "learn" });
    this.#thread.onmessage = ({ data }: MessageEvent<LearningReply>) => this.#waiting?.resolve(data);
    // After an error that nobody caught, a thread ends.
    this.#thread.onerror = ({ message }) => {
      this.#failure = new AppError("bug", `learning stopped: ${message}`);
      this.#waiting?.reject(this.#failure);
    };
  }

  async ask(request: LearningRequest): Promise<LearningReply> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#waiting = deferred<LearningReply>();
    this.#thread.postMessage(request);
    const reply = await this.#waiting.promise;
    if (reply.kind !== "failed") return reply;
    throw new AppError(reply.errorKind as ErrorKind, reply.message, {
      cause: reply.stack === undefined ? undefined : Object.assign(new Error(""), { stack: reply.stack }),
    });
  }

  close(): void {
    this.#waiting?.reject(new AppError("cancelled", "learning was closed"));
    this.#thread.terminate();
  }
}

/** A worker's learning for one job. Where other workers leave and its share grows, it opens more engines. */
class Learning implements Compute {
  readonly parameterCount: number;
  readonly #plan: LearningPlan;
  readonly #layout: ParameterLayout;
  readonly #shards: readonly ShardFile[];
  readonly #options: EngineOptions;
  #threads: readonly LearnThread[] = [];
  /** Those that will take over, while they open. */
  #next: readonly LearnThread[] | undefined;
  #pack: PicturePack | undefined;
  #crowdedRounds = 0;
  #isClosed = false;
  readonly #memory: SharedMemory;
  readonly #weights: Float32Array;
  readonly #sum: Float32Array;
  readonly #signs: Int32Array;
  #lastId = 0;
  #engine = "";
  /** What the threads do; the next begins when it is over, however it ends. */
  #busy: Promise<unknown> = Promise.resolve();

  /** @param options `threads`: cores to use */
  constructor(
    plan: LearningPlan,
    layout: ParameterLayout,
    shards: readonly ShardFile[],
    options: EngineOptions,
  ) {
    this.#plan = plan;
    this.#layout = layout;
    this.#shards = shards;
    this.#options = options;
    this.parameterCount = layout.totalCount;
    const bytes = 4 * layout.totalCount;
    this.#memory = {
      weights: new SharedArrayBuffer(bytes),
      sum: new SharedArrayBuffer(bytes),
      signs: new SharedArrayBuffer(8),
    };
    this.#weights = new Float32Array(this.#memory.weights);
    this.#sum = new Float32Array(this.#memory.sum);
    this.#signs = new Int32Array(this.#memory.signs);
  }

  get engine(): string {
    return this.#engine;
  }

  get engineCount(): number {
    return this.#threads.length;
  }

  /** Opens engines, which take over from those there are between two rounds. Throws when it cannot. */
  async open({ engines, threads }: EngineCount): Promise<void> {
    const next = Array.from({ length: engines }, () => new LearnThread());
    this.#next = next;
    try {
      const engine = { ...this.#options, threads };
      const [plan, shards, memory] = [this.#plan, this.#shards, this.#memory];
      const request = { kind: "open", plan, shards, engine, memory } as const;
      // The first thread ever packs the pictures, the others share them.
      const [first, ...others] = next;
      const reply = await first!.ask({ ...request, pack: this.#pack });
      if (reply.kind !== "opened") throw new AppError("bug", `${reply.kind} in answer to an opening`);
      this.#pack = reply.pack;
      this.#engine = reply.engine;
      await Promise.all(others.map((thread) => thread.ask({ ...request, pack: reply.pack })));
      await this.#inTurn(async () => {
        if (this.#isClosed) throw new AppError("cancelled", "learning was closed");
        closeAll(this.#threads);
        this.#threads = next;
      });
    } catch (error) {
      closeAll(next);
      throw error;
    }
    this.#next = undefined;
  }

  /** Opens more engines where the share of a round has had more chunks than there are, for long enough. */
  #growFor(chunkCount: number): void {
    this.#crowdedRounds = chunkCount > this.#threads.length ? this.#crowdedRounds + 1 : 0;
    if (this.#crowdedRounds < CROWDED_ROUNDS || this.#next !== undefined) return;
    const count = enginesFor(this.#options.threads, chunkCount, 1);
    if (count.engines <= this.#threads.length) return;
    // Without memory for more (`#next` stays, so it is tried once), those there are go on.
    this.open(count).catch(() => {});
  }

  startWeights(): Float32Array {
    return startWeights(this.#plan);
  }

  sliceRule({ from, to }: Slice, state: readonly Float32Array[] | undefined): SliceRule {
    const kept = state === undefined ? undefined : optimizerState(state);
    return optimizerRule(new SliceOptimizer(this.#layout, this.#plan, from, to, kept));
  }

  ownRule(): OwnRule {
    return ownOptimizerRule(new OwnOptimizer(this.#layout, this.#plan));
  }

  computeChunks(
    request: Parameters<Compute["computeChunks"]>[0],
    signal: AbortSignal,
  ): Promise<ChunksResult> {
    return this.#inTurn(() => this.#compute(request, signal));
  }

  async #compute(
    { weights, ...request }: Parameters<Compute["computeChunks"]>[0],
    signal: AbortSignal,
  ): Promise<ChunksResult> {
    throwIfAborted(signal, "the round was given up");
    const id = ++this.#lastId;
    this.#weights.set(weights);
    Atomics.store(this.#signs, SUMMED, 0);
    const giveUp = (): void => {
      Atomics.store(this.#signs, CANCELLED, id);
    };
    using _abort = onAbort(signal, giveUp);
    if (request.chunkCount === 0) this.#sum.fill(0);
    const threads = this.#threads.slice(0, request.chunkCount);
    const loss: Record<string, number> = {};
    const asked = threads.map((thread, place) =>
      thread.ask({ kind: "chunks", id, place, threads: threads.length, ...request }).catch((error) => {
        // The others would wait for its turn.
        giveUp();
        throw error;
      }),
    );
    for (const reply of await allSettled(asked)) {
      if (reply.kind !== "chunks" || signal.aborted)
        throw new AppError("cancelled", "the round was given up");
      for (const [name, value] of Object.entries(reply.loss)) loss[name] = (loss[name] ?? 0) + value;
    }
    this.#growFor(request.chunkCount);
    return { sum: this.#sum, loss };
  }

  evaluate(weights: Float32Array, split: SampleRow["split"], thresholds: readonly number[]): Promise<Scores> {
    return this.#inTurn(async () => {
      this.#weights.set(weights);
      const reply = await this.#threads[0]!.ask({ kind: "evaluate", id: ++this.#lastId, split, thresholds });
      if (reply.kind !== "evaluated") throw new AppError("bug", `${reply.kind} in answer to an evaluation`);
      return reply.scores;
    });
  }

  quantize(weights: Float32Array): Promise<readonly Levels[]> {
    return this.#inTurn(async () => {
      this.#weights.set(weights);
      const reply = await this.#threads[0]!.ask({ kind: "quantize", id: ++this.#lastId });
      if (reply.kind !== "quantized") throw new AppError("bug", `${reply.kind} in answer to quantizing`);
      return reply.levels;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    closeAll(this.#threads);
    closeAll(this.#next ?? []);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#busy.then(work, work);
    this.#busy = mine.catch(() => {});
    return mine;
  }
}

function closeAll(threads: readonly LearnThread[]): void {
  for (const thread of threads) thread.close();
}

/** Waits for all, then throws the first error there is. */
async function allSettled<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
