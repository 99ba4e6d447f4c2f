import { AppError } from "../base/errors.ts";
import type { ParameterLayout } from "../nn/graph.ts";
import type { LearningPlan, OptimizerPlan } from "./plan.ts";
import { averageDecay, learningRate } from "./schedule.ts";

/** What an optimizer remembers of its slice; each array is as long as the slice. */
export interface OptimizerState {
  /** Running means of the gradient and of its square; unused (0) at running statistics. */
  readonly first: Float32Array;
  readonly second: Float32Array;
  /** Running mean of the weights: what evaluation and the finished model use. */
  readonly average: Float32Array;
}

/**
 * AdamW on the numbers [from, to) of a weight vector. Every number is updated for itself, so that slices on several
 * machines give bit for bit what one machine gives. In the places of the running statistics, where the gradient holds
 * the batch's own mean and variance, the weights move toward those by the plan's momentum.
 */
export class SliceOptimizer {
  readonly from: number;
  readonly to: number;
  readonly state: OptimizerState;
  readonly #plan: OptimizerPlan;
  readonly #runs: readonly Run[];
  /** Whether the mean of the weights still waits for its first ones. */
  #fresh: boolean;

  /** @param state of a run that goes on; taken over, not copied. A fresh run starts without. */
  constructor(layout: ParameterLayout, plan: LearningPlan, from: number, to: number, state?: OptimizerState) {
    if (!(from >= 0 && from <= to && to <= layout.totalCount)) {
      throw new AppError("bug", `slice ${from} to ${to} of ${layout.totalCount} numbers`);
    }
    this.from = from;
    this.to = to;
    this.#plan = plan.optimizer;
    this.#runs = runsOf(layout, from, to);
    this.#fresh = state === undefined;
    this.state = state ?? emptyState(to - from);
    for (const part of Object.values(this.state) as Float32Array[]) {
      if (part.length !== to - from) throw new AppError("input", "the optimizer state is not of this slice");
    }
  }

  /**
   * One step.
   *
   * @param weights the whole vector; only [from, to) is read and written
   * @param gradient the whole vector, mean over the round's chunks; only [from, to) is read
   * @param round rounds done before, from 0
   * @param progress share of the run that is done, 0 to 1
   */
  update(weights: Float32Array, gradient: Float32Array, round: number, progress: number): void {
    if (this.#fresh) this.state.average.set(weights.subarray(this.from, this.to));
    this.#fresh = false;
    const rate = learningRate(this.#plan, round, progress);
    for (const run of this.#runs) {
      if (run.kind === "statistics") this.#follow(run, weights, gradient);
      else this.#descend(run, weights, gradient, rate, round);
    }
    this.#average(weights, averageDecay(this.#plan, round));
  }

  #descend(run: Run, weights: Float32Array, gradient: Float32Array, rate: number, round: number): void {
    const { first, second } = this.state;
    const { beta1, beta2, epsilon, weightDecay } = this.#plan;
    const keep = 1 - rate * (run.kind === "decayed" ? weightDecay : 0);
    // Both means start at 0; Kingma and Ba 2015, section 3, divide that out.
    const step = rate / (1 - beta1 ** (round + 1));
    const secondScale = 1 / (1 - beta2 ** (round + 1));
    for (let i = run.from, at = run.from - this.from; i < run.to; i++, at++) {
      const slope = gradient[i]!;
      const m = beta1 * first[at]! + (1 - beta1) * slope;
      const v = beta2 * second[at]! + (1 - beta2) * slope * slope;
      first[at] = m;
      second[at] = v;
      weights[i] = weights[i]! * keep - (step * m) / (Math.sqrt(v * secondScale) + epsilon);
    }
  }

  #follow(run: Run, weights: Float32Array, statistics: Float32Array): void {
    const share = this.#plan.statisticsMomentum;
    for (let i = run.from; i < run.to; i++) {
      const old = weights[i]!;
      weights[i] = old + share * (statistics[i]! - old);
    }
  }

  #average(weights: Float32Array, decay: number): void {
    const { average } = this.state;
    for (let i = this.from, at = 0; i < this.to; i++, at++) {
      const old = average[at]!;
      average[at] = weights[i]! + decay * (old - weights[i]!);
    }
  }
}

/** Neighbouring numbers of a slice that are updated alike. */
interface Run {
  readonly kind: "decayed" | "plain" | "statistics";
  readonly from: number;
  readonly to: number;
}

function runsOf(layout: ParameterLayout, from: number, to: number): Run[] {
  const runs: Run[] = [];
  for (const { role, offset, size } of layout.list) {
    const start = Math.max(from, offset);
    const end = Math.min(to, offset + size);
    if (start >= end) continue;
    const statistics = role === "mean" || role === "variance";
    const kind = statistics ? "statistics" : role === "weight" ? "decayed" : "plain";
    const last = runs.at(-1);
    if (last?.kind === kind && last.to === start) runs[runs.length - 1] = { ...last, to: end };
    else runs.push({ kind, from: start, to: end });
  }
  return runs;
}

function emptyState(length: number): OptimizerState {
  return {
    first: new Float32Array(length),
    second: new Float32Array(length),
    average: new Float32Array(length),
  };
}
