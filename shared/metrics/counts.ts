import { byClass, IOU_MIN, matchGreedily } from "./matching.ts";
import { type Metric, type ScoredPicture, share } from "./metric.ts";

/** Right detections, wrong ones, and objects that were missed; and what they make, all 0 to 1. */
interface Counts {
  readonly found: number;
  readonly wrong: number;
  readonly missed: number;
  /** found / (found + wrong); 0 without detections. */
  readonly precision: number;
  /** found / (found + missed); 0 without truths. */
  readonly recall: number;
  /** The harmonic mean of both. */
  readonly f1: number;
  /**
   * found / (found + wrong + missed): the share that is right of everything there is or was said. Detection has no
   * true negatives, so this is what accuracy can mean (Jaccard's index of the two sets).
   */
  readonly accuracy: number;
}

export interface DetectionCounts {
  /** Over all classes together. */
  readonly all: Counts;
  readonly perClass: readonly Counts[];
}

/** Precision, recall, F1 and accuracy at the thresholds a user meets, with an overlap of at least 0.5. */
export class CountingMetric implements Metric<DetectionCounts> {
  readonly #thresholds: readonly number[];
  readonly #found: Float64Array;
  readonly #wrong: Float64Array;
  readonly #missed: Float64Array;

  /** @param thresholds for each class the least score that counts, as stored in the model */
  constructor(thresholds: readonly number[]) {
    this.#thresholds = thresholds;
    this.#found = new Float64Array(thresholds.length);
    this.#wrong = new Float64Array(thresholds.length);
    this.#missed = new Float64Array(thresholds.length);
  }

  add(picture: ScoredPicture): void {
    for (const { classIndex, detections, truths, overlaps } of byClass(picture)) {
      const threshold = this.#thresholds[classIndex];
      if (threshold === undefined) continue;
      const kept = detections.filter(({ score }) => score >= threshold).length;
      const found = matchGreedily(overlaps.slice(0, kept), IOU_MIN).filter((truth) => truth >= 0).length;
      this.#found[classIndex]! += found;
      this.#wrong[classIndex]! += kept - found;
      this.#missed[classIndex]! += truths.length - found;
    }
  }

  result(): DetectionCounts {
    const sum = (values: Float64Array): number => values.reduce((all, value) => all + value, 0);
    return {
      all: countsOf(sum(this.#found), sum(this.#wrong), sum(this.#missed)),
      perClass: this.#thresholds.map((_, c) => countsOf(this.#found[c]!, this.#wrong[c]!, this.#missed[c]!)),
    };
  }
}

function countsOf(found: number, wrong: number, missed: number): Counts {
  return {
    found,
    wrong,
    missed,
    precision: share(found, found + wrong),
    recall: share(found, found + missed),
    f1: share(2 * found, 2 * found + wrong + missed),
    accuracy: share(found, found + wrong + missed),
  };
}
