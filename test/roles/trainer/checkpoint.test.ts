import { expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Checkpoints } from "../../../roles/trainer/checkpoint.ts";
import { TrainingClock } from "../../../roles/trainer/training-clock.ts";
import { planFor } from "../../../shared/learn/plan.ts";
import { tempFolder } from "../../support/temp.ts";

const state = [Float32Array.of(1, 2), Float32Array.of(3, 4), Float32Array.of(5, 6)];
const whole = {
  round: 12,
  elapsedMs: 3456,
  weights: Float32Array.of(0.5, -1),
  state,
  best: { weights: Float32Array.of(7, 8), map50: 0.75 },
  scores: { images: 9, map50: 0.75, map: 0.5, precision: 0.9, recall: 0.8, accuracy: 0.7, thresholds: [0.4] },
  asideLearnt: true,
};

test("a checkpoint comes back as it was saved, and only the newest is kept", async () => {
  using folder = tempFolder();
  const checkpoints = new Checkpoints(folder.path);
  expect(checkpoints.load(1)).toBeUndefined();
  await checkpoints.save(1, { ...whole, round: 11 });
  await checkpoints.save(1, whole);
  const young = { ...whole, state: [], best: undefined, scores: undefined, asideLearnt: false };
  await checkpoints.save(2, young);
  expect(new Checkpoints(folder.path).load(1)).toEqual(whole);
  expect(checkpoints.load(2)).toEqual(young);
  expect(readdirSync(folder.path)).toHaveLength(2);
  checkpoints.remove(1);
  expect(checkpoints.load(1)).toBeUndefined();
});

test("a checkpoint that was cut or changed on disk is refused, not trained on", async () => {
  using folder = tempFolder();
  const checkpoints = new Checkpoints(folder.path);
  await checkpoints.save(1, whole);
  const path = join(folder.path, readdirSync(folder.path)[0]!);
  const bytes = readFileSync(path);
  for (const damaged of [bytes.subarray(0, -1), bytes.subarray(0, 20), Buffer.alloc(0), flipped(bytes)]) {
    writeFileSync(path, damaged);
    expect(() => checkpoints.load(1)).toThrow("is damaged");
  }
});

test("progress counts samples, or the time that somebody worked", () => {
  const facts = { classes: ["a", "b"], pictures: 64 };
  const batch = { chunkSize: 8, chunksPerRound: 2 };
  const epochs = planFor({ network: { kind: "mlp" }, epochs: 10, ...batch }, facts);
  const bySamples = new TrainingClock(epochs, 64, 0);
  expect(bySamples.samples(4)).toBe(64);
  expect(bySamples.epoch(4)).toBe(1);
  expect(bySamples.progress(4)).toBe(0.1);
  expect(bySamples.progress(400)).toBe(1);
  expect(bySamples.timeLeftMs(4, 64)).toBe(9000);
  const minutes = planFor({ network: { kind: "mlp" }, minutes: 2, ...batch }, facts);
  const byTime = new TrainingClock(minutes, 64, 30_000);
  byTime.pass(30_000);
  expect(byTime.progress(4)).toBe(0.5);
  expect(byTime.timeLeftMs(4, 64)).toBe(60_000);
  expect(byTime.epochs(4, 64)).toBe(61);
});

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[bytes.length >> 1]! ^= 1;
  return copy;
}
