import { expect, test } from "bun:test";
import { type ScoreOptions, scoreLearner } from "../../../roles/worker/score.ts";
import type { PreparedPicture } from "../../../shared/dataset/prepared.ts";
import { boxIou, type Detection } from "../../../shared/detect/types.ts";
import { openLearner } from "../../../shared/learn/learner.ts";
import { planFor } from "../../../shared/learn/plan.ts";
import { startWeights } from "../../../shared/learn/start-weights.ts";
import { openNativeEngine } from "../../../shared/nn/native/engine.ts";
import { buildNetwork } from "../../../shared/nn/networks/config.ts";
import { blockPictures } from "../../support/blocks.ts";

/** A network that has learnt nothing; what it sees first and next, as labels say what is there. */
async function open(stack: AsyncDisposableStack) {
  const [picture] = blockPictures(1, 1, 96) as [PreparedPicture];
  const plan = planFor(
    { network: { kind: "detector", size: 96, variant: "small" }, chunkSize: 1 },
    { classes: ["block"], pictures: 1 },
  );
  const engine = stack.use(await openNativeEngine({ device: "cpu", threads: 1 }));
  const learner = stack.use(await openLearner({ plan, pictures: [picture], engine, prepare: "inline" }));
  const weights = startWeights(plan);
  weights[buildNetwork(plan.network).parameters.get("predict.class.bias").offset] = 5;
  const [[first, ...others] = []] = await learner.evaluate(weights, [picture]);
  const second = others.find(({ box }) => boxIou(box, first!.box) < 0.5);
  const { width, height } = picture.picture;
  const labelOf = ({ classIndex, box: [x1, y1, x2, y2] }: Detection) => ({
    classIndex,
    box: [x1 / width, y1 / height, x2 / width, y2 / height] as const,
  });
  const scores = (labels: PreparedPicture["labels"], options?: ScoreOptions) =>
    scoreLearner(learner, weights, [{ ...picture, labels }], options);
  return { first: labelOf(first!), second: labelOf(second!), scores };
}

test("a training's scores leave objects out that are marked as difficult, as vigia eval does", async () => {
  await using stack = new AsyncDisposableStack();
  const { first, second, scores } = await open(stack);
  expect((await scores([second])).map50).toBeLessThan(0.51);
  expect((await scores([{ ...first, difficult: true }, second])).map50).toBeGreaterThan(0.99);
});

test("of faces the accuracy is the share of the pictures that are named right, whatever the threshold", async () => {
  await using stack = new AsyncDisposableStack();
  const [picture] = blockPictures(1, 1, 96) as [PreparedPicture];
  const plan = planFor(
    { network: { kind: "mlp", hidden: 2 } },
    { classes: ["Ana", "Eva", "Ida"], pictures: 1 },
  );
  const engine = stack.use(await openNativeEngine({ device: "cpu", threads: 1 }));
  const learner = stack.use(await openLearner({ plan, pictures: [picture], engine, prepare: "inline" }));
  const weights = startWeights(plan);
  const [[best] = []] = await learner.evaluate(weights, [picture]);
  const faces = [0, 1, 2, 3].map((i) => {
    const classIndex = (best!.classIndex + (i === 0 ? 0 : 1)) % 3;
    return { ...picture, labels: [{ classIndex, box: [0, 0, 1, 1] as const }] };
  });
  for (const threshold of [0, 1.01]) {
    const thresholds = plan.classes.map(() => threshold);
    expect((await scoreLearner(learner, weights, faces, { thresholds })).accuracy).toBe(0.25);
  }
});

test("what is found is counted by the thresholds given, and by those that suit the pictures where none are", async () => {
  await using stack = new AsyncDisposableStack();
  const { first, scores } = await open(stack);
  const own = await scores([first]);
  const strict = await scores([first], { thresholds: [1.01] });
  const lax = await scores([first], { thresholds: [0] });
  expect(strict).toMatchObject({ thresholds: [1.01], precision: 0, recall: 0, map50: own.map50 });
  expect(lax).toMatchObject({ thresholds: [0], recall: 1, map50: own.map50 });
  expect(own.thresholds[0]).toBeGreaterThan(0);
});
