import { boxArea, boxIou, type Detection } from "../../shared/detect/types.ts";
import { IOU_MIN, matchByPlace } from "../../shared/metrics/matching.ts";
import type { ScoredPicture, Truth } from "../../shared/metrics/metric.ts";

/** A detection of something that is not there, at least not in that place. */
export interface FalseDetection {
  readonly picture: number;
  readonly seen: Detection;
  /** Its overlap with the nearest object, below 0.5 or with one that was found already. */
  readonly overlap: number;
}

/** An object taken for one of another class. */
export interface Confusion {
  readonly picture: number;
  readonly seen: Detection;
  readonly truth: Truth;
}

/** An object that was not seen. */
export interface Miss {
  readonly picture: number;
  readonly truth: Truth;
  /** The best detection in its place that did not reach its threshold. */
  readonly nearly: Detection | undefined;
}

/** What went wrong, each list with the worst first. */
export interface Mistakes {
  /** By score: what the model was surest of. */
  readonly falseDetections: readonly FalseDetection[];
  readonly confusions: readonly Confusion[];
  /** By area: the objects that are hardest to overlook. */
  readonly misses: readonly Miss[];
}

/**
 * The mistakes that the confusion matrix counts, one by one.
 *
 * @param thresholds for each class the least score that counts
 */
export function findMistakes(pictures: readonly ScoredPicture[], thresholds: readonly number[]): Mistakes {
  const falseDetections: FalseDetection[] = [];
  const confusions: Confusion[] = [];
  const misses: Miss[] = [];
  pictures.forEach((scored, picture) => {
    const { truths, detections } = scored;
    const { kept, matches } = matchByPlace(scored, thresholds);
    kept.forEach((seen, d) => {
      const truth = truths[matches[d]!];
      if (truth === undefined) {
        const overlap = Math.max(0, ...truths.map(({ box }) => boxIou(box, seen.box)));
        falseDetections.push({ picture, seen, overlap });
      } else if (truth.classIndex !== seen.classIndex) confusions.push({ picture, seen, truth });
    });
    truths.forEach((truth, t) => {
      if (matches.includes(t)) return;
      const weak = detections.filter((one) => !kept.includes(one) && boxIou(one.box, truth.box) >= IOU_MIN);
      const nearly = weak.toSorted((a, b) => b.score - a.score)[0];
      misses.push({ picture, truth, nearly });
    });
  });
  const byScore = (a: { seen: Detection }, b: { seen: Detection }): number => b.seen.score - a.seen.score;
  return {
    falseDetections: falseDetections.sort(byScore),
    confusions: confusions.sort(byScore),
    misses: misses.sort((a, b) => boxArea(b.truth.box) - boxArea(a.truth.box)),
  };
}
