import type { LearningPlan, OptimizerPlan } from "./plan.ts";

/** Progress at which the learning rate has warmed up at the latest, for runs that are short. */
const WARMUP_PROGRESS = 0.08;

/**
 * The learning rate of a round: a linear warm-up by rounds, the peak until `fallFrom`, then half a cosine (Loshchilov
 * and Hutter 2017) by progress.
 *
 * @param round rounds done before, from 0
 * @param progress share of the run that is done, 0 to 1
 */
export function learningRate(plan: OptimizerPlan, round: number, progress: number): number {
  const warmup = Math.min(
    1,
    Math.max((round + 1) / Math.max(1, plan.warmupRounds), progress / WARMUP_PROGRESS),
  );
  const fallen = Math.min(Math.max((progress - plan.fallFrom) / Math.max(1 - plan.fallFrom, 1e-9), 0), 1);
  const cosine = (1 + Math.cos(Math.PI * fallen)) / 2;
  return plan.rate * warmup * (plan.rateEnd + (1 - plan.rateEnd) * cosine);
}

/** The share of the old mean of the weights that a round keeps; small at first, when the weights still move far. */
export function averageDecay(plan: OptimizerPlan, round: number): number {
  return plan.averageDecay * (1 - Math.exp(-(round + 1) / plan.averageWarmupRounds));
}

/**
 * What decides how a chunk is drawn beside its number. A chunk prepared ahead stays good as long as this is the same,
 * though progress went on.
 */
export interface DrawPhase {
  readonly mosaic: boolean;
  /** Whether the pictures that were held out are learnt from as well. */
  readonly heldOutToo: boolean;
}

export function drawPhase(plan: LearningPlan, progress: number): DrawPhase {
  return { mosaic: progress < plan.mosaicUntil, heldOutToo: progress >= plan.heldOutUntil };
}
