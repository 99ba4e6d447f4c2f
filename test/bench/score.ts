import type { PreparedPicture } from "../../shared/dataset/prepared.ts";
import type { Learner } from "../../shared/learn/learner.ts";
import { type Evaluation, evaluate } from "../../shared/metrics/evaluation.ts";
import { scoredPicture } from "../../shared/metrics/scored-picture.ts";

/** All figures of some weights on some pictures; `mapVoc` is the all-point mAP50 that the reference prints. */
export async function score(
  learner: Learner,
  weights: Float32Array,
  pictures: readonly PreparedPicture[],
): Promise<Evaluation> {
  const answers = await learner.evaluate(weights, pictures);
  const { classes } = learner.plan;
  const scored = pictures.map(({ picture: { width, height }, labels }, i) => {
    const inPixels = labels.map(({ box: [x1, y1, x2, y2], ...label }) => ({
      ...label,
      box: [x1 * width, y1 * height, x2 * width, y2 * height] as const,
    }));
    return scoredPicture(inPixels, answers[i]!);
  });
  return evaluate({ classes, thresholds: classes.map(() => 0.3) }, scored);
}
