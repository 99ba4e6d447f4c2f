import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Random } from "../../../shared/base/random.ts";
import { boxIou } from "../../../shared/detect/types.ts";
import { type Learner, openLearner } from "../../../shared/learn/learner.ts";
import { planFor } from "../../../shared/learn/plan.ts";
import { SliceOptimizer } from "../../../shared/learn/slice-optimizer.ts";
import type { Engine } from "../../../shared/nn/engine.ts";
import { openTfjsEngine } from "../../../shared/nn/tfjs/engine.ts";
import { blockPictures } from "../../support/blocks.ts";
import { BUSY_MACHINE_MS, LONG_WORK_MS } from "../../support/limits.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const classes = ["red", "green", "blue"];
const pictures = blockPictures(24, 3, 64);
const plan = planFor(
  { network: { kind: "detector", size: 64, variant: "small" }, epochs: 40, chunkSize: 4, chunksPerRound: 2 },
  { classes, pictures: pictures.length },
);

let engine: Engine;
beforeAll(async () => {
  engine = await openTfjsEngine();
});
afterAll(() => engine[Symbol.asyncDispose]());

async function train(learner: Learner, rounds: number): Promise<Float32Array> {
  const { layout } = learner;
  const { plan } = learner;
  const weights = layout.start((name) => new Random(plan.seed, name));
  const optimizer = new SliceOptimizer(layout, plan, 0, layout.totalCount);
  const gradient = new Float32Array(layout.totalCount);
  const mean = new Float32Array(layout.totalCount);
  for (let round = 0; round < rounds; round++) {
    mean.fill(0);
    for (let i = 0; i < plan.chunksPerRound; i++) {
      const chunk = round * plan.chunksPerRound + i;
      await learner.computeChunk(weights, chunk, round / rounds, gradient);
      gradient.forEach((value, k) => {
        mean[k]! += value / plan.chunksPerRound;
      });
    }
    optimizer.update(weights, mean, round, round / rounds);
  }
  return optimizer.state.average;
}

describe("a learner", () => {
  test("computes the same gradient on another machine, and a bounded one", async () => {
    await using one = await openLearner({ plan, pictures, engine, prepare: "inline" });
    await using other = await openLearner({ plan, pictures, engine });
    const weights = one.layout.start((name) => new Random(1, name));
    const [first, second] = [new Float32Array(weights.length), new Float32Array(weights.length)];
    const report = await one.computeChunk(weights, 5, 0.3, first);
    await other.computeChunk(weights, 5, 0.3, second);
    expect(second).toEqual(first);
    expect(Object.keys(report.parts).sort()).toEqual(["box", "class", "objectness"]);
    expect(report.positives).toBeGreaterThan(0);
    const length = Math.hypot(...first.subarray(0, one.layout.trainedCount));
    expect(length).toBeLessThanOrEqual(plan.optimizer.gradientNormMax * 1.0001);
    expect(length).toBeCloseTo(Math.min(report.gradientNorm, plan.optimizer.gradientNormMax), 2);
  });

  test(
    "teaches a small detector to find coloured blocks that it has not seen",
    async () => {
      await using learner = await openLearner({ plan, pictures, engine });
      const weights = await train(learner, 120);
      const unseen = blockPictures(12, 3, 64, 2);
      const answers = await learner.evaluate(weights, unseen);
      const right = answers.filter((found, i) => {
        const { labels, picture } = unseen[i]!;
        const [x1, y1, x2, y2] = labels[0]!.box;
        const truth = [
          x1 * picture.width,
          y1 * picture.height,
          x2 * picture.width,
          y2 * picture.height,
        ] as const;
        const best = found[0];
        return best?.classIndex === labels[0]!.classIndex && boxIou(best.box, truth) > 0.5;
      });
      expect(right.length).toBeGreaterThanOrEqual(9);
    },
    LONG_WORK_MS,
  );
});
