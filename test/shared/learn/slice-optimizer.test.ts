import { expect, test } from "bun:test";
import { Random } from "../../../shared/base/random.ts";
import { planFor } from "../../../shared/learn/plan.ts";
import { averageDecay, learningRate } from "../../../shared/learn/schedule.ts";
import { OwnOptimizer, SliceOptimizer } from "../../../shared/learn/slice-optimizer.ts";
import { buildNetwork } from "../../../shared/nn/networks/config.ts";

const plan = planFor(
  { network: { kind: "detector", size: 64, variant: "small" } },
  { classes: ["a", "b"], pictures: 10 },
);
const layout = buildNetwork(plan.network).parameters;
const start = layout.start((name) => new Random(1, name)).slice();

function gradientOf(round: number): Float32Array {
  const random = new Random(2, round);
  return Float32Array.from({ length: layout.totalCount }, () => random.between(-1, 1));
}

test("slices give bit for bit what one vector gives, wherever they are cut", () => {
  const whole = start.slice();
  const pieces = start.slice();
  const one = new SliceOptimizer(layout, plan, 0, layout.totalCount);
  const cuts = [0, 1, 777, 100_003, layout.trainedCount - 1, layout.trainedCount + 5, layout.totalCount];
  const many = cuts.slice(1).map((to, i) => new SliceOptimizer(layout, plan, cuts[i]!, to));
  for (let round = 0; round < 4; round++) {
    const gradient = gradientOf(round);
    one.update(whole, gradient, round, round / 4);
    for (const piece of many) piece.update(pieces, gradient, round, round / 4);
  }
  expect(pieces).toEqual(whole);
  const average = new Float32Array(layout.totalCount);
  for (const piece of many) average.set(piece.state.average, piece.from);
  expect(average).toEqual(one.state.average.slice());
});

test("a run that goes on from its saved state ends where it would have ended", () => {
  const straight = start.slice();
  const stopped = start.slice();
  const one = new SliceOptimizer(layout, plan, 100, 5000);
  const before = new SliceOptimizer(layout, plan, 100, 5000);
  for (let round = 0; round < 2; round++) before.update(stopped, gradientOf(round), round, 0.1);
  const after = new SliceOptimizer(layout, plan, 100, 5000, structuredClone(before.state));
  after.update(stopped, gradientOf(2), 2, 0.1);
  for (let round = 0; round < 3; round++) one.update(straight, gradientOf(round), round, 0.1);
  expect(stopped).toEqual(straight);
  expect(after.state).toEqual(one.state);
});

test("nothing outside the slice changes", () => {
  const weights = start.slice();
  new SliceOptimizer(layout, plan, 10, 20).update(weights, gradientOf(0), 0, 0);
  expect(weights.subarray(0, 10)).toEqual(start.subarray(0, 10));
  expect(weights.subarray(20)).toEqual(start.subarray(20));
});

test("a step is AdamW's: weights of convolutions shrink, gammas do not", () => {
  const weights = new Float32Array(layout.totalCount).fill(1);
  const optimizer = new SliceOptimizer(layout, plan, 0, layout.totalCount);
  const gradient = new Float32Array(layout.totalCount);
  const bias = layout.get("predict.box.bias").offset;
  gradient[bias] = 0.25;
  optimizer.update(weights, gradient, 0, 0);
  const rate = learningRate(plan.optimizer, 0, 0);
  expect(weights[layout.get("stem.weight").offset]).toBeCloseTo(1 - rate * plan.optimizer.weightDecay, 7);
  expect(weights[layout.get("stem.norm.gamma").offset]).toBe(1);
  // With both means corrected, Adam's first step has the size of the rate whatever the slope.
  expect(weights[bias]).toBeCloseTo(1 - rate, 6);
});

test("slices that take over what members learnt by themselves are bit for bit what one vector is", () => {
  const own = new OwnOptimizer(layout, plan);
  const move = start.slice();
  for (let step = 0; step < 3; step++) own.step(move, gradientOf(step), 40 + step, 0.3);
  move.forEach((value, i) => {
    move[i] = value - start[i]!;
  });
  const merged = [
    [0, 777, layout.totalCount],
    [0, layout.totalCount],
  ].map((cuts) => {
    const weights = start.slice();
    const average = new Float32Array(layout.totalCount);
    for (const [i, to] of cuts.slice(1).entries()) {
      const slice = new SliceOptimizer(layout, plan, cuts[i]!, to);
      slice.merge(weights, move, 40, 3, { ...own.state, taken: own.taken });
      slice.update(weights, gradientOf(3), 43, 0.3);
      average.set(slice.state.average, slice.from);
    }
    return { weights, average };
  });
  expect(merged[0]).toEqual(merged[1]!);
});

test("a step together after steps of one's own is no longer than any other, though these were few", () => {
  const own = new OwnOptimizer(layout, plan);
  const bias = layout.get("predict.box.bias").offset;
  const gradient = new Float32Array(layout.totalCount);
  gradient[bias] = 0.25;
  const weights = start.slice();
  own.step(weights, gradient, 500, 0.2);
  own.step(weights, gradient, 501, 0.2);
  const rate = learningRate(plan.optimizer, 500, 0.2);
  expect(weights[bias]).toBeCloseTo(start[bias]! - 2 * rate, 6);
  const slice = new SliceOptimizer(layout, plan, 0, layout.totalCount);
  const move = weights.map((value, i) => value - start[i]!);
  const common = start.slice();
  slice.merge(common, move, 500, 2, { ...own.state, taken: own.taken });
  expect(common[bias]).toBeCloseTo(weights[bias]!, 6);
  slice.update(common, gradient, 502, 0.2);
  expect(common[bias]).toBeCloseTo(start[bias]! - 3 * rate, 5);
});

test("running statistics move toward the chunk's by the plan's momentum", () => {
  const weights = start.slice();
  const gradient = new Float32Array(layout.totalCount).fill(3);
  const at = layout.get("stem.norm.mean").offset;
  new SliceOptimizer(layout, plan, 0, layout.totalCount).update(weights, gradient, 0, 0);
  expect(weights[at]).toBeCloseTo(3 * plan.optimizer.statisticsMomentum, 6);
});

test("the learning rate warms up, then falls along a cosine; the mean of weights grows slower", () => {
  const { optimizer } = plan;
  expect(learningRate(optimizer, 0, 0)).toBeCloseTo(optimizer.rate / optimizer.warmupRounds, 9);
  expect(learningRate(optimizer, 1e6, 0)).toBeCloseTo(optimizer.rate, 9);
  expect(learningRate(optimizer, 1e6, 1)).toBeCloseTo(optimizer.rate * optimizer.rateEnd, 9);
  expect(averageDecay(optimizer, 0)).toBeLessThan(0.05);
  expect(averageDecay(optimizer, 1e6)).toBeCloseTo(optimizer.averageDecay, 9);
});
