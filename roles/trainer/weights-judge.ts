import type { LearningPlan } from "../../shared/learn/plan.ts";
import type { Levels } from "../../shared/nn/quantize/activations.ts";
import type { Scores } from "../../shared/wire/messages/training.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { Evaluator } from "./evaluation.ts";
import { modelThresholds } from "./model-thresholds.ts";

/** Between evaluations: this share of the training, at least this time, and so many times what one takes. */
const EVALUATE_EVERY_SHARE = 0.1;
const EVALUATE_EVERY_MS = 20_000;
const EVALUATE_EVERY_TIMES = 25;
/** How much better than the last weights earlier ones must be to be taken instead: less is chance. */
const BEST_MARGIN = 0.02;

/** Weights, and what they are worth. */
export interface Judged {
  readonly weights: Float32Array;
  /**
   * On pictures kept aside, of the last weights that had not learnt from these; on the training pictures where there
   * are too few to keep any aside.
   */
  readonly scores: Scores | undefined;
  readonly testScores: Scores | undefined;
  /** For computing in 8 bits; none where that was not tried, or would cost accuracy. */
  readonly levels: readonly Levels[];
}

/** What of it a trainer that is started again could not have any more. */
export type JudgedBefore = Pick<Checkpoint, "best" | "scores" | "asideLearnt">;

/** Judges a training's weights by the pictures kept aside, until these are learnt from too; chooses the model's at the end. */
export class WeightsJudge {
  readonly #plan: LearningPlan;
  readonly #hasVal: boolean;
  readonly #hasTest: boolean;
  readonly #evaluator: Evaluator;
  #best: Checkpoint["best"];
  #scores: Checkpoint["scores"];
  /** Whether the pictures kept aside are learnt from now: weights from here on are not judged by them any more. */
  #asideLearnt: boolean;
  #last: { readonly progress: number; readonly atMs: number; readonly tookMs: number };

  constructor(options: {
    readonly plan: LearningPlan;
    readonly hasVal: boolean;
    readonly hasTest: boolean;
    readonly evaluator: Evaluator;
    readonly before: JudgedBefore | undefined;
    /** Of the training, 0 to 1. */
    readonly progress: number;
  }) {
    const { before, progress } = options;
    this.#plan = options.plan;
    this.#hasVal = options.hasVal;
    this.#hasTest = options.hasTest;
    this.#evaluator = options.evaluator;
    this.#best = before?.best;
    this.#scores = before?.scores;
    this.#asideLearnt = before?.asideLearnt ?? false;
    this.#last = { progress, atMs: performance.now(), tookMs: 0 };
  }

  get judged(): JudgedBefore {
    return { best: this.#best, scores: this.#scores, asideLearnt: this.#asideLearnt };
  }

  /** Whether weights are to be scored at this progress: now and then, and for the last time. */
  due(progress: number, nowMs: number): "no" | "again" | "last" {
    if (!this.#hasVal || this.#asideLearnt) return "no";
    if (progress >= this.#plan.heldOutUntil) return "last";
    const { progress: before, atMs, tookMs } = this.#last;
    const everyMs = Math.max(EVALUATE_EVERY_MS, EVALUATE_EVERY_TIMES * tookMs);
    return progress >= before + EVALUATE_EVERY_SHARE && nowMs >= atMs + everyMs ? "again" : "no";
  }

  /**
   * Scores weights on the way; `undefined` where nobody could.
   *
   * @param isLast the pictures kept aside are learnt from after this
   * @param hasWorkers whether there are any, asked when it is done: where all have left, whoever comes next is asked again
   */
  async score(
    weights: Float32Array,
    progress: number,
    isLast: boolean,
    hasWorkers: () => boolean,
  ): Promise<Scores | undefined> {
    const startMs = performance.now();
    const scores = await this.#evaluator.score(weights, "val", { tries: isLast ? 3 : 1 });
    const atMs = performance.now();
    this.#last = { progress, atMs, tookMs: atMs - startMs };
    if (isLast) this.#asideLearnt = scores !== undefined || hasWorkers();
    if (scores === undefined) return undefined;
    this.#scores = scores;
    if (scores.map50 >= (this.#best?.map50 ?? 0)) this.#best = { weights, map50: scores.map50 };
    return scores;
  }

  /** The weights of the model: the last ones, or earlier ones that were clearly better. */
  async conclude(last: Float32Array): Promise<Judged> {
    let weights = last;
    let scores = this.#asideLearnt ? this.#scores : undefined;
    scores ??= await this.#evaluator.score(last, this.#hasVal ? "val" : "train");
    const isJudged = this.#hasVal && !this.#asideLearnt && scores !== undefined;
    if (isJudged && (this.#best?.map50 ?? 0) > scores!.map50 + BEST_MARGIN) {
      weights = this.#best!.weights;
      scores = await this.#evaluator.score(weights, "val");
    }
    const thresholds = modelThresholds(this.#plan, scores); // a user sees what reaches these
    const testScores = this.#hasTest
      ? await this.#evaluator.score(weights, "test", { thresholds })
      : undefined;
    return { weights, scores, testScores, levels: await this.#evaluator.quantize(weights) };
  }
}
