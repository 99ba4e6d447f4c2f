import {
  type ChunksResult,
  type Compute,
  optimizerRule,
  optimizerState,
  ownOptimizerRule,
} from "../../../roles/worker/compute.ts";
import { runWith } from "../../../roles/worker/main.ts";
import { Log, stderrSink } from "../../../shared/base/log.ts";
import { Random } from "../../../shared/base/random.ts";
import type { LearningPlan } from "../../../shared/learn/plan.ts";
import { OwnOptimizer, SliceOptimizer } from "../../../shared/learn/slice-optimizer.ts";
import type { Address } from "../../../shared/net/connection.ts";
import { siteOf } from "../../../shared/net/site.ts";
import { parseToken } from "../../../shared/net/token.ts";
import { buildNetwork } from "../../../shared/nn/networks/config.ts";
import { checksumOf } from "../../../shared/training/slices.ts";

/**
 * A worker process whose learning is a sum that a test can check: least squares toward a target that each chunk moves
 * a little, and its time a wait of the length that it is told. Everything else is the real thing. It writes a line
 * with the port at which it listens, as `port N`, and for each round one with the checksum of the weights that it
 * begins with, as `round checksum`, and `scoring progress` when it begins to score. The thresholds that it answers are the progress at which it was asked.
 */
export interface ToyWorkerStart {
  readonly trainer: Address;
  /** Where it listens for other workers. */
  readonly host: string;
  readonly token: string;
  readonly name: string;
  /** What a chunk takes. */
  readonly chunkMs: number;
  /** What scoring takes. */
  readonly scoreMs: number;
}

/** Where a weight is drawn to, but for what each chunk adds. */
function targetOf(place: number): number {
  return ((place % 17) - 8) / 20;
}

class Toy implements Compute {
  readonly engine = "toy";
  readonly parameterCount: number;
  readonly #plan: LearningPlan;
  readonly #chunkMs: number;
  readonly #scoreMs: number;
  #progress = 0;

  constructor(plan: LearningPlan, { chunkMs, scoreMs }: ToyWorkerStart) {
    this.#plan = plan;
    this.#chunkMs = chunkMs;
    this.#scoreMs = scoreMs;
    this.parameterCount = this.#layout.totalCount;
  }

  get #layout() {
    return buildNetwork(this.#plan.network).parameters;
  }

  startWeights(): Float32Array {
    return this.#layout.start((name) => new Random("toy", this.#plan.seed, name));
  }

  sliceRule({ from, to }: { from: number; to: number }, state: readonly Float32Array[] | undefined) {
    const kept = state === undefined ? undefined : optimizerState(state);
    return optimizerRule(new SliceOptimizer(this.#layout, this.#plan, from, to, kept));
  }

  ownRule() {
    return ownOptimizerRule(new OwnOptimizer(this.#layout, this.#plan));
  }

  async computeChunks(
    request: Parameters<Compute["computeChunks"]>[0],
    signal: AbortSignal,
  ): Promise<ChunksResult> {
    const { weights, firstChunk, chunkCount, scale, progress } = request;
    this.#progress = progress;
    const round = Math.floor(firstChunk / this.#plan.chunksPerRound);
    if (chunkCount > 0) process.stdout.write(`${round} ${checksumOf(weights)}\n`);
    const sum = new Float32Array(this.parameterCount);
    let dueMs = performance.now();
    for (let chunk = firstChunk; chunk < firstChunk + chunkCount; chunk++) {
      dueMs += this.#chunkMs;
      for (let i = 0; i < sum.length; i++) {
        sum[i] = sum[i]! + scale * (weights[i]! - targetOf(i) - 0.02 * ((chunk + i) % 5));
      }
      await Bun.sleep(Math.max(0, dueMs - performance.now()));
      signal.throwIfAborted();
    }
    return { sum, loss: { squares: 1 } };
  }

  async evaluate(weights: Float32Array) {
    process.stdout.write(`scoring ${this.#progress}\n`);
    await Bun.sleep(this.#scoreMs);
    const distance = weights.reduce((so, value, i) => so + (value - targetOf(i)) ** 2, 0) / weights.length;
    const map50 = 1 / (1 + distance);
    const thresholds = this.#plan.classes.map(() => this.#progress);
    return { images: 1, map50, map: map50, precision: 1, recall: 1, accuracy: 1, thresholds };
  }

  async quantize() {
    return [];
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

if (import.meta.main) {
  const start = JSON.parse(process.argv[2] ?? "") as ToyWorkerStart;
  const { trainer, host, token, name } = start;
  const site = siteOf(parseToken(token), name);
  const stop = new AbortController();
  process.on("SIGTERM", () => stop.abort());
  const log = new Log(name, process.env.TOY_LOG === undefined ? [] : [stderrSink]);
  await runWith(
    {
      site,
      trainer,
      listen: { host, port: 0 },
      threads: 1,
      device: "cpu",
      onReady: ({ port }) => process.stdout.write(`port ${port}\n`),
    },
    { signal: stop.signal, log },
    async (plan) => new Toy(plan, start),
  );
  process.exit(0);
}
