import { byClass, IOU_MIN, matchGreedily } from "./matching.ts";
import type { Metric, ScoredPicture } from "./metric.ts";

/** The threshold of a class of which the validation pictures say nothing. */
export const THRESHOLD_DEFAULT = 0.3;
const THRESHOLD_MIN = 0.05;
const THRESHOLD_MAX = 0.95;

/**
 * For each class the score threshold with the best F1 (at an overlap of 0.5) on the pictures added: midway between
 * the last detection worth keeping and the next, inside 0.05 to 0.95. Of several equally good ones it takes the
 * highest, which shows a user the fewest wrong boxes.
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
      const ranked = answers.toSorted((a, b) => b.score - a.score);
      let right = 0;
      let best = 0;
      let threshold = THRESHOLD_DEFAULT;
      ranked.forEach((answer, i) => {
        if (answer.right) right++;
        const next = ranked[i + 1]?.score ?? 0;
        if (next === answer.score) return;
        const f1 = (2 * right) / (truths + i + 1);
        if (f1 <= best) return;
        best = f1;
        threshold = (answer.score + next) / 2;
      });
      return Math.min(THRESHOLD_MAX, Math.max(THRESHOLD_MIN, threshold));
    });
  }
}
