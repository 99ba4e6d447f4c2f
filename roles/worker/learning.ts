import { AppError, type ErrorKind } from "../../shared/base/errors.ts";
import { type Deferred, deferred, onAbort, throwIfAborted } from "../../shared/base/wait.ts";
import type { LearningPlan } from "../../shared/learn/plan.ts";
import { OwnOptimizer, SliceOptimizer } from "../../shared/learn/slice-optimizer.ts";
import { startWeights } from "../../shared/learn/start-weights.ts";
import type { EngineOptions } from "../../shared/nn/engine.ts";
import type { ParameterLayout } from "../../shared/nn/graph.ts";
import { buildNetwork } from "../../shared/nn/networks/config.ts";
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
): Promise<Compute> {
  const { engines, threads } = enginesFor(engine.threads, plan.chunksPerRound, workers);
  const learning = new Learning(plan, buildNetwork(plan.network).parameters, engines);
  await learning.open(shards, { ...engine, threads });
  return learning;
}

/** How many engines a worker opens, and with how many threads each. @param cores to use */
export function enginesFor(
  cores: number,
  chunksPerRound: number,
  workers: number,
): { readonly engines: number; readonly threads: number } {
  const share = Math.ceil(chunksPerRound / workers);
  const engines = Math.max(1, Math.min(cores, share, ENGINES_MAX));
  return { engines, threads: Math.max(1, Math.floor(cores / engines)) };
}

/** An engine for the detector at 320 px takes about 150 MB. */
const ENGINES_MAX = 8;

/** A thread that learns. Asked one thing at a time. */
class LearnThread {
  readonly #thread: Worker;
  #waiting: Deferred<LearningReply> | undefined;

  constructor() {
    this.#thread = new Worker(new URL("./learn.thread.ts", import.meta.url).href, { name: "learn" });
    this.#thread.onmessage = ({ data }: MessageEvent<LearningReply>) => this.#waiting?.resolve(data);
    this.#thread.onerror = ({ message }) =>
      this.#waiting?.reject(new AppError("bug", `learning stopped: ${message}`));
  }

  async ask(request: LearningRequest): Promise<LearningReply> {
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

class Learning implements Compute {
  readonly parameterCount: number;
  readonly #plan: LearningPlan;
  readonly #layout: ParameterLayout;
  readonly #threads: readonly LearnThread[];
  readonly #memory: SharedMemory;
  readonly #weights: Float32Array;
  readonly #sum: Float32Array;
  readonly #signs: Int32Array;
  #lastId = 0;
  #engine = "";
  /** What the threads do; the next begins when it is over, however it ends. */
  #busy: Promise<unknown> = Promise.resolve();

  constructor(plan: LearningPlan, layout: ParameterLayout, engines: number) {
    this.#plan = plan;
    this.#layout = layout;
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
    this.#threads = Array.from({ length: engines }, () => new LearnThread());
  }

  get engine(): string {
    return this.#engine;
  }

  /** The first thread packs the pictures, the others share them. */
  async open(shards: readonly ShardFile[], engine: EngineOptions): Promise<void> {
    const request = { kind: "open", plan: this.#plan, shards, engine, memory: this.#memory } as const;
    try {
      const [first, ...others] = this.#threads;
      const reply = await first!.ask({ ...request, pack: undefined });
      if (reply.kind !== "opened") throw new AppError("bug", `${reply.kind} in answer to an opening`);
      await Promise.all(others.map((thread) => thread.ask({ ...request, pack: reply.pack })));
      this.#engine = reply.engine;
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
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
    return { sum: this.#sum, loss };
  }

  evaluate(weights: Float32Array, split: SampleRow["split"]): Promise<Scores> {
    return this.#inTurn(async () => {
      this.#weights.set(weights);
      const reply = await this.#threads[0]!.ask({ kind: "evaluate", id: ++this.#lastId, split });
      if (reply.kind !== "evaluated") throw new AppError("bug", `${reply.kind} in answer to an evaluation`);
      return reply.scores;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const thread of this.#threads) thread.close();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#busy.then(work, work);
    this.#busy = mine.catch(() => {});
    return mine;
  }
}

/** Waits for all, then throws the first error there is. */
async function allSettled<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
