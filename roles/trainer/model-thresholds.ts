import type { LearningPlan } from "../../shared/learn/plan.ts";
import { THRESHOLD_DEFAULT } from "../../shared/metrics/thresholds.ts";
import type { Scores } from "../../shared/wire/messages/training.ts";

/**
 * The thresholds that a model gets, one a class. Faces are scored on those that were learnt, of which the network is
 * sure: a stranger to them asks for less.
 */
export function modelThresholds(
  { network, classes }: LearningPlan,
  scores: Scores | undefined,
): readonly number[] {
  const isJudged = network.kind !== "mlp";
  return (isJudged ? scores?.thresholds : undefined) ?? classes.map(() => THRESHOLD_DEFAULT);
}
