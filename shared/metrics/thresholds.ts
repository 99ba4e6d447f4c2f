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
 * For each class the highest score threshold whose F1 (at an overlap of 0.5) on the pictures added is as good as the
 * best: midway between the last detection worth keeping and the next, inside 0.1 to 0.95. The highest, since it
 * shows a user the fewest wrong boxes.
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
      const choices = f1AtEach(answers, truths);
      const enough = F1_SHARE * Math.max(0, ...choices.map(({ f1 }) => f1));
      // Ranked from the highest threshold down.
      const threshold = choices.find(({ f1 }) => f1 > 0 && f1 >= enough)?.threshold ?? THRESHOLD_DEFAULT;
      return Math.min(THRESHOLD_MAX, Math.max(THRESHOLD_MIN, threshold));
    });
  }
}

/** F1 of keeping everything above each threshold midway between two neighbouring scores, the highest first. */
function f1AtEach(
  answers: readonly { readonly score: number; readonly right: boolean }[],
  truths: number,
): { threshold: number; f1: number }[] {
  const ranked = answers.toSorted((a, b) => b.score - a.score);
  const choices: { threshold: number; f1: number }[] = [];
  let right = 0;
  ranked.forEach((answer, i) => {
    if (answer.right) right++;
    const next = ranked[i + 1]?.score ?? 0;
    if (next === answer.score) return;
    choices.push({ threshold: (answer.score + next) / 2, f1: (2 * right) / (truths + i + 1) });
  });
  return choices;
}
