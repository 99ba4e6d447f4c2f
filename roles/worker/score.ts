import type { PreparedPicture } from "../../shared/dataset/prepared.ts";
import type { Learner } from "../../shared/learn/learner.ts";
import { evaluate } from "../../shared/metrics/evaluation.ts";
import { addAll } from "../../shared/metrics/metric.ts";
import { scoredPicture } from "../../shared/metrics/scored-picture.ts";
import { BestThresholds } from "../../shared/metrics/thresholds.ts";
import type { Activations } from "../../shared/nn/quantize/activations.ts";
import type { Scores } from "../../shared/wire/messages/training.ts";

export interface ScoreOptions {
  /** To compute in 8 bits. */
  readonly activations?: Activations;
  /** Of each class, to count what is found and missed by; those that suit the pictures when absent or empty. */
  readonly thresholds?: readonly number[];
}

/** What the weights are worth on some pictures, and the thresholds that count: what `Evaluated` carries. */
export async function scoreLearner(
  learner: Learner,
  weights: Float32Array,
  pictures: readonly PreparedPicture[],
  { activations, thresholds: given = [] }: ScoreOptions = {},
): Promise<Scores> {
  const { classes } = learner.plan;
  const answers = await learner.evaluate(weights, pictures, activations);
  const scored = pictures.map(({ picture: { width, height }, labels }, i) => {
    const inPixels = labels.map(({ box: [x1, y1, x2, y2], ...label }) => ({
      ...label,
      box: [x1 * width, y1 * height, x2 * width, y2 * height] as const,
    }));
    return scoredPicture(inPixels, answers[i]!);
  });
  const best = new BestThresholds(classes.length);
  addAll(scored, [best]);
  const thresholds = given.length > 0 ? [...given] : best.result();
  const result = evaluate({ classes, thresholds }, scored);
  const { images, map50, map, precision, recall, singleObject } = result;
  // A face is named right or not, whatever the threshold.
  const isFace = learner.plan.network.kind === "mlp" && singleObject !== null;
  const accuracy = isFace ? singleObject.classAccuracy : result.accuracy;
  return { images, map50, map, precision, recall, accuracy, thresholds };
}
