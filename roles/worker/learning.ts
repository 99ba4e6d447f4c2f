import { AppError, type ErrorKind } from "../../shared/base/errors.ts";
import { Random } from "../../shared/base/random.ts";
import { type Deferred, deferred } from "../../shared/base/wait.ts";
import type { LearningPlan } from "../../shared/learn/plan.ts";
import { SliceOptimizer } from "../../shared/learn/slice-optimizer.ts";
import type { EngineOptions } from "../../shared/nn/engine.ts";
import type { ParameterLayout } from "../../shared/nn/graph.ts";
import { buildNetwork } from "../../shared/nn/networks/config.ts";
import type { SliceRule } from "../../shared/training/replica.ts";
import type { Slice } from "../../shared/training/slices.ts";
import type { SampleRow, Scores } from "../../shared/wire/messages/training.ts";
import { type ChunksResult, type Compute, optimizerRule, optimizerState } from "./compute.ts";
import type { LearningReply, LearningRequest, ShardFile } from "./learning-protocol.ts";

/** Opens a thread that learns for one job. Throws `input` when the pictures do not fit, `unavailable` without engine. */
export async function openLearning(
  plan: LearningPlan,
  shards: readonly ShardFile[],
  engine: EngineOptions,
): Promise<Compute> {
  const learning = new Learning(plan, buildNetwork(plan.network).parameters);
  await learning.open(shards, engine);
  return learning;
}

class Learning implements Compute {
  readonly parameterCount: number;
  readonly #plan: LearningPlan;
  readonly #layout: ParameterLayout;
  readonly #thread: Worker;
  readonly #weights: SharedArrayBuffer;
  readonly #sum: SharedArrayBuffer;
  readonly #cancelled = new SharedArrayBuffer(4);
  readonly #waiting = new Map<number, Deferred<LearningReply>>();
  #lastId = 0;
  #engine = "";

  constructor(plan: LearningPlan, layout: ParameterLayout) {
    this.#plan = plan;
    this.#layout = layout;
    this.parameterCount = layout.totalCount;
    this.#weights = new SharedArrayBuffer(4 * layout.totalCount);
    this.#sum = new SharedArrayBuffer(4 * layout.totalCount);
    this.#thread = new Worker(new URL("./learn.thread.ts", import.meta.url).href);
    this.#thread.onmessage = ({ data }: MessageEvent<LearningReply>) => {
      const id = data.kind === "opened" ? 0 : data.id;
      this.#waiting.get(id)?.resolve(data);
      this.#waiting.delete(id);
    };
    this.#thread.onerror = ({ message }) => this.#fail(new AppError("bug", `learning stopped: ${message}`));
  }

  get engine(): string {
    return this.#engine;
  }

  async open(shards: readonly ShardFile[], engine: EngineOptions): Promise<void> {
    const reply = await this.#ask(0, {
      kind: "open",
      plan: this.#plan,
      shards,
      engine,
      weights: this.#weights,
      sum: this.#sum,
      cancelled: this.#cancelled,
    }).catch(async (error) => {
      await this[Symbol.asyncDispose]();
      throw error;
    });
    if (reply.kind === "opened") this.#engine = reply.engine;
  }

  startWeights(): Float32Array {
    return this.#layout.start((name) => new Random("weights", this.#plan.seed, name));
  }

  sliceRule({ from, to }: Slice, state: readonly Float32Array[] | undefined): SliceRule {
    const kept = state === undefined ? undefined : optimizerState(state);
    return optimizerRule(new SliceOptimizer(this.#layout, this.#plan, from, to, kept));
  }

  async computeChunks(
    request: Parameters<Compute["computeChunks"]>[0],
    signal: AbortSignal,
  ): Promise<ChunksResult> {
    const { weights, ...rest } = request;
    const id = ++this.#lastId;
    new Float32Array(this.#weights).set(weights);
    const cancel = (): void => {
      Atomics.store(new Int32Array(this.#cancelled), 0, id);
    };
    signal.addEventListener("abort", cancel, { once: true });
    try {
      const reply = await this.#ask(id, { kind: "chunks", id, ...rest });
      if (reply.kind !== "chunks" || signal.aborted)
        throw new AppError("cancelled", "the round was given up");
      return { sum: new Float32Array(this.#sum), loss: reply.loss };
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  async evaluate(weights: Float32Array, split: SampleRow["split"]): Promise<Scores> {
    const id = ++this.#lastId;
    new Float32Array(this.#weights).set(weights);
    const reply = await this.#ask(id, { kind: "evaluate", id, split });
    if (reply.kind !== "evaluated") throw new AppError("bug", `${reply.kind} in answer to an evaluation`);
    return reply.scores;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#fail(new AppError("cancelled", "learning was closed"));
    this.#thread.terminate();
  }

  async #ask(id: number, request: LearningRequest): Promise<LearningReply> {
    const waiting = deferred<LearningReply>();
    this.#waiting.set(id, waiting);
    this.#thread.postMessage(request);
    const reply = await waiting.promise;
    if (reply.kind !== "failed") return reply;
    throw new AppError(reply.errorKind as ErrorKind, reply.message, {
      cause: reply.stack === undefined ? undefined : Object.assign(new Error(""), { stack: reply.stack }),
    });
  }

  #fail(error: AppError): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}
