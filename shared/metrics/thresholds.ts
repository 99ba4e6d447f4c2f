import { byClass, IOU_MIN, matchGreedily } from "./matching.ts";
import type { Metric, ScoredPicture } from "./metric.ts";

/** The threshold of a class of which the validation pictures say nothing. */
export const THRESHOLD_DEFAULT = 0.3;
const THRESHOLD_MIN = 0.1;
const THRESHOLD_MAX = 0.95;

/**
 * Thresholds whose F1 is so near the best are as good: a few dozen pictures cannot tell them apart. The middle of them is
 * chosen. The best one itself lies anywhere among them, and the highest misses things that the next pictures show.
 */
const F1_SHARE = 0.9;

/**
 * A log of things that came near is of no use when many of them did not: where F1 alone is best with more wrong boxes
 * than this leaves, as it is for a network that has learnt little, some objects are missed instead.
 */
const PRECISION_MIN = 0.7;

/**
 * What all classes show counts beside a class's own pictures like so many objects of it: of a class with three objects
 * kept aside, the network's other scores tell more than these three.
 */
const SHARED_TRUTHS = 10;

/**
 * For each class the score threshold in the middle of those, inside 0.1 to 0.95, that serve about as well as the best:
 * by the F1 (at an overlap of 0.5) that they have on the pictures added, and where they are precise. A class that is
 * precise nowhere gets one above all its detections.
 *
 * Chosen on 24 test pictures and held against the others, these have a mean F1 of 0.83, the best that could be chosen
 * 0.87 (7 models; test/bench/LEARNING.md).
 */
export class BestThresholds implements Metric<number[]> {
  readonly #classes: { readonly answers: Answer[]; truths: number }[];

  constructor(classCount: number) {
    this.#classes = Array.from({ length: classCount }, () => ({ answers: [], truths: 0 }));
  }

  add(picture: ScoredPicture): void {
    for (const { classIndex, detections, truths, overlaps } of byClass(picture)) {
      const one = this.#classes[classIndex];
      if (one === undefined) continue;
      one.truths += truths.length;
      const matches = matchGreedily(overlaps, IOU_MIN);
      detections.forEach(({ score }, d) => {
        one.answers.push({ classIndex, score, right: matches[d]! >= 0 });
      });
    }
  }

  result(): number[] {
    const ranked = this.#classes.flatMap(({ answers }) => answers).sort((a, b) => b.score - a.score);
    const truths = this.#classes.reduce((sum, one) => sum + one.truths, 0);
    if (truths === 0) return this.#classes.map(() => THRESHOLD_DEFAULT);
    const shared = SHARED_TRUTHS / truths;
    return this.#classes.map((own, classIndex) => {
      const weighted = ranked.map((answer) => ({
        ...answer,
        weight: shared + (answer.classIndex === classIndex ? 1 : 0),
      }));
      const choices = choicesOf(weighted, own.truths + SHARED_TRUTHS).filter(
        ({ precision }) => precision >= PRECISION_MIN,
      );
      const enough = F1_SHARE * Math.max(0, ...choices.map(({ f1 }) => f1));
      const good = choices.filter(({ f1 }) => f1 >= enough);
      const top = own.answers.reduce((most, { score }) => Math.max(most, score), 0);
      if (good.length === 0) return Math.min(THRESHOLD_MAX, (top + 1) / 2);
      const least = Math.min(THRESHOLD_MAX, Math.max(THRESHOLD_MIN, good.at(-1)!.above));
      return (least + Math.min(THRESHOLD_MAX, Math.max(least, good[0]!.upTo))) / 2;
    });
  }
}

interface Answer {
  readonly classIndex: number;
  readonly score: number;
  readonly right: boolean;
}

/** What the thresholds between two neighbouring scores give. */
interface Choice {
  readonly above: number;
  readonly upTo: number;
  readonly precision: number;
  readonly f1: number;
}

/** @param ranked best score first, each counted `weight` times */
function choicesOf(ranked: readonly (Answer & { readonly weight: number })[], truths: number): Choice[] {
  const choices: Choice[] = [];
  let right = 0;
  let all = 0;
  ranked.forEach((answer, i) => {
    all += answer.weight;
    if (answer.right) right += answer.weight;
    const next = ranked[i + 1]?.score ?? 0;
    if (next === answer.score) return;
    choices.push({
      above: next,
      upTo: answer.score,
      precision: right / all,
      f1: (2 * right) / (truths + all),
    });
  });
  return choices;
}
