import { readFile } from "node:fs/promises";
import { errorKind, errorLine } from "../../shared/base/errors.ts";
import { Log, stderrSink } from "../../shared/base/log.ts";
import { decodeShard, type PreparedPicture } from "../../shared/dataset/prepared.ts";
import { type Learner, openLearner } from "../../shared/learn/learner.ts";
import { openEngine } from "../../shared/nn/open-engine.ts";
import type { LearningReply, LearningRequest, ShardFile } from "./learning-protocol.ts";
import { scoreLearner } from "./score.ts";

/** Computes gradients in a thread, so that the worker's sockets stay awake meanwhile. One request at a time. */

interface Opened {
  readonly learner: Learner;
  readonly shards: readonly ShardFile[];
  readonly weights: Float32Array;
  readonly sum: Float32Array;
  readonly cancelled: Int32Array;
  /** Private copies: the engines' native code does not take shared memory. */
  readonly ownWeights: Float32Array;
  readonly gradient: Float32Array;
}

let opened: Opened | undefined;
let queue = Promise.resolve();

self.onmessage = ({ data }: MessageEvent<LearningRequest>) => {
  queue = queue.then(() => answer(data));
};

async function answer(request: LearningRequest): Promise<void> {
  try {
    if (request.kind === "open") reply(await open(request));
    else if (opened === undefined) throw new Error("not open");
    else if (request.kind === "chunks") reply(await chunks(opened, request));
    else reply(await evaluate(opened, request));
  } catch (error) {
    reply({
      kind: "failed",
      id: request.kind === "open" ? 0 : request.id,
      errorKind: errorKind(error),
      message: errorLine(error),
      stack: error instanceof Error ? error.stack : undefined,
    });
  }
}

async function open(request: Extract<LearningRequest, { kind: "open" }>): Promise<LearningReply> {
  const { plan, shards } = request;
  const engine = await openEngine(request.engine, new Log("learn", [stderrSink]));
  const learner = await openLearner({
    plan,
    pictures: await picturesOf(shards, "train"),
    heldOut: await picturesOf(shards, "val"),
    engine,
  });
  const count = learner.layout.totalCount;
  opened = {
    learner,
    shards,
    weights: new Float32Array(request.weights),
    sum: new Float32Array(request.sum),
    cancelled: new Int32Array(request.cancelled),
    ownWeights: new Float32Array(count),
    gradient: new Float32Array(count),
  };
  return { kind: "opened", engine: `${engine.name} ${engine.device}` };
}

async function chunks(
  { learner, weights, sum, cancelled, ownWeights, gradient }: Opened,
  { id, firstChunk, chunkCount, nextChunk, progress, scale }: Extract<LearningRequest, { kind: "chunks" }>,
): Promise<LearningReply> {
  ownWeights.set(weights);
  sum.fill(0);
  const loss: Record<string, number> = {};
  for (let i = 0; i < chunkCount; i++) {
    if (Atomics.load(cancelled, 0) >= id) return { kind: "cancelled", id };
    learner.expect(i + 1 < chunkCount ? firstChunk + i + 1 : nextChunk, progress);
    const { parts } = await learner.computeChunk(ownWeights, firstChunk + i, progress, gradient);
    for (let j = 0; j < sum.length; j++) sum[j] = sum[j]! + scale * gradient[j]!;
    for (const [name, value] of Object.entries(parts)) loss[name] = (loss[name] ?? 0) + value;
  }
  return { kind: "chunks", id, loss };
}

async function evaluate(
  { learner, shards, weights, ownWeights }: Opened,
  { id, split }: Extract<LearningRequest, { kind: "evaluate" }>,
): Promise<LearningReply> {
  ownWeights.set(weights);
  return {
    kind: "evaluated",
    id,
    scores: await scoreLearner(learner, ownWeights, await picturesOf(shards, split)),
  };
}

async function picturesOf(
  shards: readonly ShardFile[],
  split: ShardFile["split"],
): Promise<PreparedPicture[]> {
  const pictures: PreparedPicture[] = [];
  for (const shard of shards) {
    if (shard.split === split) pictures.push(...decodeShard(await readFile(shard.path)));
  }
  return pictures;
}

function reply(message: LearningReply): void {
  self.postMessage(message);
}
