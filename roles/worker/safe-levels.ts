import type { PreparedPicture } from "../../shared/dataset/prepared.ts";
import type { Learner } from "../../shared/learn/learner.ts";
import type { Levels } from "../../shared/nn/quantize/activations.ts";
import { scoreLearner } from "./score.ts";

/** A model that loses more mAP50 than this in 8 bits is computed in float. */
const MAP50_LOSS_MAX = 0.01;

/**
 * How the values of a network lie in 8 bits, in the order of `measuredValues`; none where it would find less.
 *
 * @param seen pictures to learn that from, by which it was trained
 * @param judged pictures that it is tried on in both ways
 */
export async function safeLevels(
  learner: Learner,
  weights: Float32Array,
  seen: readonly PreparedPicture[],
  judged: readonly PreparedPicture[],
): Promise<readonly Levels[]> {
  const activations = await learner.calibrate(weights, seen);
  const float = await scoreLearner(learner, weights, judged);
  const int8 = await scoreLearner(learner, weights, judged, { activations });
  return int8.map50 >= float.map50 - MAP50_LOSS_MAX ? [...activations.values()] : [];
}
