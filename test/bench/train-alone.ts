import type { Learner } from "../../shared/learn/learner.ts";
import { SliceOptimizer } from "../../shared/learn/slice-optimizer.ts";
import { startWeights } from "../../shared/learn/start-weights.ts";

/** Means since the last report. */
export interface TrainingReport {
  readonly minutes: number;
  readonly samples: number;
  readonly samplesPerSecond: number;
  /** Shares of the time that compute waited for pictures, and that updating the weights took. */
  readonly waitShare: number;
  readonly updateShare: number;
  /** Terms of the loss, the gradient's length (`norm`) and answering cells (`fg`), mean of a chunk. */
  readonly parts: Readonly<Record<string, number>>;
  /** The running mean of the weights: what the finished model would be. */
  readonly weights: Float32Array;
}

/**
 * One process does what a job's trainer and workers do together: whole rounds, with no wire between. Time spent in
 * `onReport` does not count.
 */
export async function trainAlone(
  learner: Learner,
  options: { everyMs?: number; onReport?: (report: TrainingReport) => Promise<void> } = {},
): Promise<TrainingReport> {
  const { layout, plan } = learner;
  const { everyMs = Number.POSITIVE_INFINITY, onReport } = options;
  const optimizer = new SliceOptimizer(layout, plan, 0, layout.totalCount);
  const weights = startWeights(plan);
  const gradient = new Float32Array(layout.totalCount);
  const mean = new Float32Array(layout.totalCount);
  const batch = plan.chunkSize * plan.chunksPerRound;
  const { limit } = plan;
  const whole =
    limit.kind === "samples"
      ? (): number => (round * batch) / limit.samples
      : (): number => spentMs / (60_000 * limit.minutes);
  let [round, spentMs, waitedMs, updateMs] = [0, 0, 0, 0];
  let sums = new Map<string, number>();
  let reported = { round: 0, spentMs: 0 };

  const report = (): TrainingReport => {
    const chunks = (round - reported.round) * plan.chunksPerRound;
    return {
      minutes: spentMs / 60_000,
      samples: round * batch,
      samplesPerSecond: ((round - reported.round) * batch) / ((spentMs - reported.spentMs) / 1000),
      waitShare: waitedMs / spentMs,
      updateShare: updateMs / spentMs,
      parts: Object.fromEntries([...sums].map(([name, sum]) => [name, sum / chunks])),
      weights: optimizer.state.average,
    };
  };

  for (let progress = whole(); progress < 1; progress = whole()) {
    const start = performance.now();
    mean.fill(0);
    for (let i = 0; i < plan.chunksPerRound; i++) {
      const chunk = await learner.computeChunk(weights, round * plan.chunksPerRound + i, progress, gradient);
      for (let k = 0; k < mean.length; k++) mean[k]! += gradient[k]! / plan.chunksPerRound;
      waitedMs += chunk.waitMs;
      const figures = { ...chunk.parts, norm: chunk.gradientNorm, fg: chunk.positives };
      for (const [name, value] of Object.entries(figures)) sums.set(name, (sums.get(name) ?? 0) + value);
    }
    const computed = performance.now();
    optimizer.update(weights, mean, round, progress);
    round++;
    updateMs += performance.now() - computed;
    spentMs += performance.now() - start;
    if (spentMs - reported.spentMs >= everyMs) {
      await onReport?.(report());
      reported = { round, spentMs };
      sums = new Map();
    }
  }
  return { ...report(), samplesPerSecond: (round * batch) / (spentMs / 1000) };
}
