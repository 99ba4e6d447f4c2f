import { byClass, IOU_MIN, matchGreedily } from "./matching.ts";
import type { Metric, ScoredPicture } from "./metric.ts";

/** The threshold of a class of which the validation pictures say nothing. */
export const THRESHOLD_DEFAULT = 0.3;
const THRESHOLD_MIN = 0.1;
const THRESHOLD_MAX = 0.95;

/**
 * An F1 so near the best is as good: a few dozen pictures cannot tell the two apart, and where the curve is flat the
 * best point may lie at a score that lets every shadow through.
 */
const F1_SHARE = 0.95;

/**
 * A log of things that came near is of no use when many of them did not: where F1 alone is best with more wrong boxes
 * than this leaves, as it is for a network that has learnt little, some objects are missed instead.
 */
const PRECISION_MIN = 0.7;

/**
 * For each class the highest score threshold whose F1 (at an overlap of 0.5) on the pictures added is as good as the
 * best of those that are precise: midway between the last detection worth keeping and the next, inside 0.1 to 0.95.
 * The highest, since it shows a user the fewest wrong boxes. A class that is precise nowhere gets one above all its
 * detections.
 */
export class BestThresholds implements Metric<number[]> {
  readonly #classes: { readonly answers: { score: number; right: boolean }[]; truths: number }[];

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
        one.answers.push({ score, right: matches[d]! >= 0 });
      });
    }
  }

  result(): number[] {
    return this.#classes.map(({ answers, truths }) => {
      if (answers.length === 0) return THRESHOLD_DEFAULT;
      const ranked = answers.toSorted((a, b) => b.score - a.score);
      const choices = choicesOf(ranked, truths).filter(({ precision }) => precision >= PRECISION_MIN);
      const enough = F1_SHARE * Math.max(0, ...choices.map(({ f1 }) => f1));
      // From the highest threshold down.
      const threshold = choices.find(({ f1 }) => f1 >= enough)?.threshold ?? (ranked[0]!.score + 1) / 2;
      return Math.min(THRESHOLD_MAX, Math.max(THRESHOLD_MIN, threshold));
    });
  }
}

interface Choice {
  readonly threshold: number;
  readonly precision: number;
  readonly f1: number;
}

/** What keeping everything above a threshold gives, for each one midway between two neighbouring scores. */
function choicesOf(
  ranked: readonly { readonly score: number; readonly right: boolean }[],
  truths: number,
): Choice[] {
  const choices: Choice[] = [];
  let right = 0;
  ranked.forEach((answer, i) => {
    if (answer.right) right++;
    const next = ranked[i + 1]?.score ?? 0;
    if (next === answer.score) return;
    choices.push({
      threshold: (answer.score + next) / 2,
      precision: right / (i + 1),
      f1: (2 * right) / (truths + i + 1),
    });
  });
  return choices;
}
