import type { PreparedPicture } from "../../shared/dataset/prepared.ts";
import type { Learner } from "../../shared/learn/learner.ts";
import { evaluate } from "../../shared/metrics/evaluation.ts";
import { scoredPicture } from "../../shared/metrics/scored-picture.ts";
import { BestThresholds } from "../../shared/metrics/thresholds.ts";
import type { Activations } from "../../shared/nn/quantize/activations.ts";
import type { Scores } from "../../shared/wire/messages/training.ts";

/**
 * What the weights are worth on some pictures, and the thresholds that suit them: what `Evaluated` carries.
 *
 * @param activations to compute in 8 bits
 */
export async function scoreLearner(
  learner: Learner,
  weights: Float32Array,
  pictures: readonly PreparedPicture[],
  activations?: Activations,
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
  for (const picture of scored) best.add(picture);
  const thresholds = best.result();
  const { images, map50, map, precision, recall, accuracy } = evaluate({ classes, thresholds }, scored);
  return { images, map50, map, precision, recall, accuracy, thresholds };
}
