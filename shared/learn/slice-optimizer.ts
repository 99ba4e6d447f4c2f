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
   * @param taken steps that the means of the gradient have seen; all those before, where nothing else is said
   */
  update(
    weights: Float32Array,
    gradient: Float32Array,
    round: number,
    progress: number,
    taken = round,
  ): void {
    if (this.#fresh) this.state.average.set(weights.subarray(this.from, this.to));
    this.#fresh = false;
    const { beta1, beta2, epsilon, weightDecay, statisticsMomentum } = this.#plan;
    const rate = learningRate(this.#plan, round, progress);
    const decay = averageDecay(this.#plan, round);
    for (const { kind, from, to } of this.#runs) {
      const within = (vector: Float32Array): Float32Array =>
        vector.subarray(from - this.from, to - this.from);
      const average = within(this.state.average);
      if (kind === "statistics") {
        follow(weights.subarray(from, to), gradient.subarray(from, to), average, statisticsMomentum, decay);
        continue;
      }
      descend(
        {
          weights: weights.subarray(from, to),
          gradient: gradient.subarray(from, to),
          first: within(this.state.first),
          second: within(this.state.second),
          average,
        },
        {
          keep: 1 - rate * (kind === "decayed" ? weightDecay : 0),
          // Both means start at 0; Kingma and Ba 2015, section 3, divide that out.
          step: rate / (1 - beta1 ** (taken + 1)),
          secondScale: 1 / (1 - beta2 ** (taken + 1)),
          beta1,
          beta2,
          epsilon,
          decay,
        },
      );
    }
  }

  /**
   * Takes over what members learnt by several steps of their own: the weights move by the mean of their moves, the
   * mean of the weights follows, and the means of the gradient become those of one of them.
   *
   * @param weights the whole vector; only [from, to) is read and written
   * @param move the whole vector, mean over the members; only [from, to) is read
   * @param round steps done before, from 0
   * @param steps steps that each made
   * @param own the means of one member, over the whole vector; without them the old ones stay
   */
  merge(
    weights: Float32Array,
    move: Float32Array,
    round: number,
    steps: number,
    own: { readonly first: Float32Array; readonly second: Float32Array; readonly taken: number } | undefined,
  ): void {
    const { from, to } = this;
    const { first, second, average } = this.state;
    if (this.#fresh) average.set(weights.subarray(from, to));
    this.#fresh = false;
    let decay = 1;
    for (let step = 0; step < steps; step++) decay *= averageDecay(this.#plan, round + step);
    for (let i = 0; i < average.length; i++) {
      const weight = Math.fround(weights[from + i]! + move[from + i]!);
      weights[from + i] = weight;
      average[i] = weight + decay * (average[i]! - weight);
    }
    if (own === undefined || own.taken === 0) return;
    // Where these go on, they count as means of all the steps that were: as much larger as those of few are too small.
    const grown = (beta: number): number => (1 - beta ** (round + steps)) / (1 - beta ** own.taken);
    setScaled(first, own.first.subarray(from, to), grown(this.#plan.beta1));
    setScaled(second, own.second.subarray(from, to), grown(this.#plan.beta2));
  }
}

interface Vectors extends OptimizerState {
  readonly weights: Float32Array;
  readonly gradient: Float32Array;
}

interface Factors {
  readonly keep: number;
  readonly step: number;
  readonly secondScale: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly decay: number;
}

/** An optimizer over the whole vector, with which one member makes steps of its own between two averagings. */
export class OwnOptimizer {
  readonly #optimizer: SliceOptimizer;
  #taken = 0;

  constructor(layout: ParameterLayout, plan: LearningPlan) {
    this.#optimizer = new SliceOptimizer(layout, plan, 0, layout.totalCount);
  }

  get state(): OptimizerState {
    return this.#optimizer.state;
  }

  /** Steps that its means have seen. */
  get taken(): number {
    return this.#taken;
  }

  /** One step, as `SliceOptimizer.update`; the correction of the means counts the steps of this optimizer alone. */
  step(weights: Float32Array, gradient: Float32Array, round: number, progress: number): void {
    this.#optimizer.update(weights, gradient, round, progress, this.#taken++);
  }
}

/**
 * AdamW and the mean of the weights in one pass. Every operation is rounded to float32: JavaScriptCore then computes
 * in float32, 1.6 times faster than in float64, and the result is the same on every machine.
 */
function descend({ weights, gradient, first, second, average }: Vectors, factors: Factors): void {
  const f = Math.fround;
  const keep = f(factors.keep);
  const step = f(factors.step);
  const secondScale = f(factors.secondScale);
  const beta1 = f(factors.beta1);
  const beta2 = f(factors.beta2);
  const rest1 = f(1 - factors.beta1);
  const rest2 = f(1 - factors.beta2);
  const epsilon = f(factors.epsilon);
  const decay = f(factors.decay);
  for (let i = 0; i < weights.length; i++) {
    const slope = gradient[i]!;
    const m = f(f(beta1 * first[i]!) + f(rest1 * slope));
    const v = f(f(beta2 * second[i]!) + f(f(rest2 * slope) * slope));
    first[i] = m;
    second[i] = v;
    const length = f(f(Math.sqrt(f(v * secondScale))) + epsilon);
    const weight = f(f(weights[i]! * keep) - f(f(step * m) / length));
    weights[i] = weight;
    average[i] = f(weight + f(decay * f(average[i]! - weight)));
  }
}

/** Moves running statistics toward a batch's, and their mean toward them. */
function follow(
  weights: Float32Array,
  statistics: Float32Array,
  average: Float32Array,
  share: number,
  decay: number,
): void {
  for (let i = 0; i < weights.length; i++) {
    const old = weights[i]!;
    const now = Math.fround(old + share * (statistics[i]! - old));
    weights[i] = now;
    average[i] = now + decay * (average[i]! - now);
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

function setScaled(into: Float32Array, values: Float32Array, scale: number): void {
  for (let i = 0; i < into.length; i++) into[i] = scale * values[i]!;
}
