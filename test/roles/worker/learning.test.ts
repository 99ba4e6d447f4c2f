import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Compute } from "../../../roles/worker/compute.ts";
import { enginesFor, openLearning } from "../../../roles/worker/learning.ts";
import { silentLog } from "../../../shared/base/log.ts";
import { encodeShard } from "../../../shared/dataset/prepared.ts";
import { openModel } from "../../../shared/detect/model.ts";
import { planFor } from "../../../shared/learn/plan.ts";
import { encodeModelFile } from "../../../shared/nn/model-file.ts";
import { buildNetwork } from "../../../shared/nn/networks/config.ts";
import { measuredValues } from "../../../shared/nn/quantize/activations.ts";
import { blockPictures } from "../../support/blocks.ts";
import { modelInfo } from "../../support/model-info.ts";
import { tempFolder } from "../../support/temp.ts";

const TIMEOUT_MS = 60_000;
const network = { kind: "detector", size: 64, variant: "small" } as const;
const plan = planFor({ network, chunkSize: 2, chunksPerRound: 5 }, { classes: ["a", "b"], pictures: 8 });
let folder: ReturnType<typeof tempFolder>;
let shards: { path: string; split: "train" }[];

beforeAll(() => {
  folder = tempFolder();
  const path = join(folder.path, "train");
  writeFileSync(path, encodeShard(blockPictures(8, 2, 60)));
  shards = [{ path, split: "train" }];
});
afterAll(() => folder[Symbol.dispose]());

function open(threads: number): Promise<Compute> {
  return openLearning(plan, shards, { device: "cpu", threads });
}

const round = (learning: Compute, first: number, count: number) => ({
  weights: learning.startWeights(),
  firstChunk: first,
  chunkCount: count,
  nextChunk: first + count,
  progress: 0.1,
  scale: 0.2,
});

test(
  "the sum of a round's gradients is the same bit for bit, however many threads share the chunks",
  async () => {
    const sums: Float32Array[][] = [];
    for (const threads of [1, 3]) {
      await using learning = await open(threads);
      const own: Float32Array[] = [];
      for (const [first, count] of [
        [0, 5],
        [5, 2],
        [7, 0],
      ] as const) {
        const { signal } = new AbortController();
        own.push((await learning.computeChunks(round(learning, first, count), signal)).sum.slice());
      }
      sums.push(own);
    }
    expect(sums[1]).toEqual(sums[0]!);
    expect(sums[0]![0]!.some((value) => value !== 0)).toBe(true);
    expect(sums[0]![2]!.every((value) => value === 0)).toBe(true);
  },
  TIMEOUT_MS,
);

test(
  "a worker finds how a detector's values lie in 8 bits: one range for each, which the engine computes with",
  async () => {
    await using learning = await open(1);
    const levels = await learning.quantize(learning.startWeights());
    expect(levels).toHaveLength(measuredValues(buildNetwork(plan.network)).length);
    const file = encodeModelFile({ ...modelInfo(plan.network), levels }, learning.startWeights());
    await using model = await openModel(file, { device: "cpu", threads: 1, fast: true }, silentLog);
    const [found] = await model.detect([blockPictures(1, 2, 60)[0]!.picture], { minScore: 1e-5 });
    expect(found!.length).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);

test("no core is left idle: as many engines as the share of a round has chunks, and the cores shared among them", () => {
  expect(enginesFor(4, 8, 1)).toEqual({ engines: 4, threads: 1 });
  expect(enginesFor(4, 8, 4)).toEqual({ engines: 2, threads: 2 });
  expect(enginesFor(8, 8, 2)).toEqual({ engines: 4, threads: 2 });
  expect(enginesFor(16, 8, 16)).toEqual({ engines: 1, threads: 16 });
  expect(enginesFor(1, 2, 3)).toEqual({ engines: 1, threads: 1 });
});

test(
  "a worker that is left with more of a round than it has engines opens the missing ones; the sums stay the same",
  async () => {
    // Five workers with two cores each: one engine has the share of one.
    await using learning = await openLearning(plan, shards, { device: "cpu", threads: 2 }, 5);
    const { signal } = new AbortController();
    const before = (await learning.computeChunks(round(learning, 0, 5), signal)).sum.slice();
    expect(learning.engineCount).toBe(1);
    while (learning.engineCount === 1) await learning.computeChunks(round(learning, 0, 5), signal);
    expect(learning.engineCount).toBe(2);
    const { sum } = await learning.computeChunks(round(learning, 0, 5), signal);
    sum.forEach((value, i) => {
      expect(value).toBeCloseTo(before[i]!, 5);
    });
  },
  TIMEOUT_MS,
);

test(
  "a round that is given up ends early, and the next is computed as if nothing had been",
  async () => {
    await using learning = await open(2);
    const { signal } = new AbortController();
    const { sum } = await learning.computeChunks(round(learning, 0, 3), signal);
    const before = sum.slice();
    const giveUp = new AbortController();
    // All of it would take hours.
    const given = learning.computeChunks(round(learning, 3, 1_000_000), giveUp.signal);
    // The sum is the memory that the threads share: it changes as soon as the first chunk is in it.
    while (sum.every((value, i) => value === before[i])) await Bun.sleep(1);
    giveUp.abort();
    const after = learning.computeChunks(round(learning, 0, 3), signal);
    await expect(given).rejects.toThrow("given up");
    expect((await after).sum).toEqual(before);
  },
  TIMEOUT_MS,
);
