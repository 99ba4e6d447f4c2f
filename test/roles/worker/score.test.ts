import { expect, test } from "bun:test";
import { scoreLearner } from "../../../roles/worker/score.ts";
import type { PreparedPicture } from "../../../shared/dataset/prepared.ts";
import { boxIou, type Detection } from "../../../shared/detect/types.ts";
import { openLearner } from "../../../shared/learn/learner.ts";
import { planFor } from "../../../shared/learn/plan.ts";
import { startWeights } from "../../../shared/learn/start-weights.ts";
import { openNativeEngine } from "../../../shared/nn/native/engine.ts";
import { buildNetwork } from "../../../shared/nn/networks/config.ts";
import { blockPictures } from "../../support/blocks.ts";

test("a training's scores leave objects out that are marked as difficult, as vigia eval does", async () => {
  const [picture] = blockPictures(1, 1, 96) as [PreparedPicture];
  const plan = planFor(
    { network: { kind: "detector", size: 96, variant: "small" }, chunkSize: 1 },
    { classes: ["block"], pictures: 1 },
  );
  await using engine = await openNativeEngine({ device: "cpu", threads: 1 });
  await using learner = await openLearner({ plan, pictures: [picture], engine, prepare: "inline" });
  const weights = startWeights(plan);
  weights[buildNetwork(plan.network).parameters.get("predict.class.bias").offset] = 5;
  // Nothing is learnt; whatever such a network sees first and next is what the labels say is there.
  const [[first, ...others] = []] = await learner.evaluate(weights, [picture]);
  const second = others.find(({ box }) => boxIou(box, first!.box) < 0.5);
  const { width, height } = picture.picture;
  const labelOf = ({ classIndex, box: [x1, y1, x2, y2] }: Detection) => ({
    classIndex,
    box: [x1 / width, y1 / height, x2 / width, y2 / height] as const,
  });
  const map50 = async (labels: PreparedPicture["labels"]) =>
    (await scoreLearner(learner, weights, [{ ...picture, labels }])).map50;
  expect(await map50([labelOf(second!)])).toBeLessThan(0.51);
  expect(await map50([{ ...labelOf(first!), difficult: true }, labelOf(second!)])).toBeGreaterThan(0.99);
});
