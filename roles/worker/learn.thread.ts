import { readFile } from "node:fs/promises";
import { errorKind, errorLine } from "../../shared/base/errors.ts";
import { Log, stderrSink } from "../../shared/base/log.ts";
import { decodeShard, type PreparedPicture } from "../../shared/dataset/prepared.ts";
import { type Learner, openLearner } from "../../shared/learn/learner.ts";
import { packPictures } from "../../shared/learn/picture-pack.ts";
import type { Engine } from "../../shared/nn/engine.ts";
import { openEngine } from "../../shared/nn/open-engine.ts";
import {
  CANCELLED,
  type ChunksRequest,
  type LearningReply,
  type LearningRequest,
  type ShardFile,
  SUMMED,
} from "./learning-protocol.ts";
import { safeLevels } from "./safe-levels.ts";
import { scoreLearner } from "./score.ts";

/**
 * Computes gradients in a thread, so that the worker's sockets stay awake meanwhile. One request at a time. Several
 * such threads share the chunks of a request and add to one sum, each when the chunk before its own is in it: the sum
 * is the same bit for bit, however many they are.
 */

/** A thread that waits for its turn looks this often whether the request is still wanted. */
const TURN_CHECK_MS = 50;

interface Opened {
  readonly learner: Learner;
  readonly engine: Engine;
  readonly shards: readonly ShardFile[];
  readonly weights: Float32Array;
  readonly sum: Float32Array;
  readonly signs: Int32Array;
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
    else if (request.kind === "evaluate") reply(await evaluate(opened, request));
    else reply(await quantize(opened, request));
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
  const { plan, shards, memory } = request;
  const engine = await openEngine(request.engine, new Log("learn", [stderrSink]));
  const pack =
    request.pack ?? packPictures(await picturesOf(shards, "train"), await picturesOf(shards, "val"));
  const learner = await openLearner({ plan, pictures: pack, engine });
  const count = learner.layout.totalCount;
  opened = {
    learner,
    engine,
    shards,
    weights: new Float32Array(memory.weights),
    sum: new Float32Array(memory.sum),
    signs: new Int32Array(memory.signs),
    ownWeights: new Float32Array(count),
    gradient: new Float32Array(count),
  };
  return { kind: "opened", engine: `${engine.name} ${engine.device}`, pack };
}

async function chunks(open: Opened, request: ChunksRequest): Promise<LearningReply> {
  const { learner, weights, sum, ownWeights, gradient } = open;
  const { id, place, threads, firstChunk, chunkCount, nextChunk, progress, scale } = request;
  ownWeights.set(weights);
  const loss: Record<string, number> = {};
  for (let i = place; i < chunkCount; i += threads) {
    if (isCancelled(open, id)) return { kind: "cancelled", id };
    learner.expect(i + threads < chunkCount ? firstChunk + i + threads : nextChunk + place, progress);
    const { parts } = await learner.computeChunk(ownWeights, firstChunk + i, progress, gradient);
    if (!hasTurn(open, id, i)) return { kind: "cancelled", id };
    if (i === 0) setScaled(sum, scale, gradient);
    else addScaled(sum, scale, gradient);
    endTurn(open, i);
    for (const [name, value] of Object.entries(parts)) loss[name] = (loss[name] ?? 0) + value;
  }
  return { kind: "chunks", id, loss };
}

function isCancelled({ signs }: Opened, id: number): boolean {
  return Atomics.load(signs, CANCELLED) >= id;
}

/** Waits until the chunks before `chunk` are in the sum; false when the request is given up. */
function hasTurn(open: Opened, id: number, chunk: number): boolean {
  for (;;) {
    const summed = Atomics.load(open.signs, SUMMED);
    if (isCancelled(open, id)) return false;
    if (summed === chunk) return true;
    Atomics.wait(open.signs, SUMMED, summed, TURN_CHECK_MS);
  }
}

function endTurn({ signs }: Opened, chunk: number): void {
  Atomics.store(signs, SUMMED, chunk + 1);
  Atomics.notify(signs, SUMMED);
}

function setScaled(sum: Float32Array, scale: number, values: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = scale * values[i]!;
}

function addScaled(sum: Float32Array, scale: number, values: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + scale * values[i]!;
}

async function evaluate(
  { learner, shards, weights, ownWeights }: Opened,
  { id, split, thresholds }: Extract<LearningRequest, { kind: "evaluate" }>,
): Promise<LearningReply> {
  ownWeights.set(weights);
  return {
    kind: "evaluated",
    id,
    scores: await scoreLearner(learner, ownWeights, await picturesOf(shards, split), { thresholds }),
  };
}

/** A detector's, on an engine that has 8-bit arithmetic: nothing else could be tried out here. */
async function quantize(
  { learner, engine, shards, weights, ownWeights }: Opened,
  { id }: Extract<LearningRequest, { kind: "quantize" }>,
): Promise<LearningReply> {
  ownWeights.set(weights);
  const canTry = learner.plan.network.kind === "detector" && engine.computesBytes;
  if (!canTry) return { kind: "quantized", id, levels: [] };
  const seen = await somePictures(shards, "train");
  const aside = await somePictures(shards, "val");
  const levels = await safeLevels(learner, ownWeights, seen, aside.length > 0 ? aside : seen);
  return { kind: "quantized", id, levels };
}

/** At most so many of a split are enough to see how values lie. */
const SOME_PICTURES = 48;
/** Of so many of its shards, since to read one costs memory and time. */
const SOME_SHARDS = 6;

async function somePictures(
  shards: readonly ShardFile[],
  split: ShardFile["split"],
): Promise<PreparedPicture[]> {
  const some = spread(
    shards.filter((shard) => shard.split === split),
    SOME_SHARDS,
  );
  const pictures: PreparedPicture[] = [];
  for (const shard of some) {
    pictures.push(...spread(await picturesOf([shard], split), Math.ceil(SOME_PICTURES / some.length)));
  }
  return pictures;
}

/** At most so many of the items, evenly from all of them. */
function spread<T>(items: readonly T[], countMax: number): T[] {
  const count = Math.min(items.length, countMax);
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)]!);
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
