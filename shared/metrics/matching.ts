import { boxIou, type Detection } from "../detect/types.ts";
import type { ScoredPicture, Truth } from "./metric.ts";

/** An overlap at which a detection counts as having found its object, unless a metric says otherwise. */
export const IOU_MIN = 0.5;

/** The detections and truths of one class in one picture. */
export interface ClassPicture {
  readonly classIndex: number;
  /** Best score first; equal scores in the order they came. */
  readonly detections: readonly Detection[];
  readonly truths: readonly Truth[];
  /** Overlap of each detection (rows) with each truth. */
  readonly overlaps: readonly (readonly number[])[];
}

/**
 * A picture class by class, those that have a truth or a detection there.
 *
 * @param detectionsMax of each class; the weaker ones are left out
 */
export function byClass(
  { truths, detections }: ScoredPicture,
  detectionsMax = Number.POSITIVE_INFINITY,
): ClassPicture[] {
  const classes = new Set([...truths, ...detections].map(({ classIndex }) => classIndex));
  return [...classes].map((classIndex) => {
    const ofClass = (one: { readonly classIndex: number }): boolean => one.classIndex === classIndex;
    const own = truths.filter(ofClass);
    const ranked = bestFirst(detections.filter(ofClass)).slice(0, detectionsMax);
    return {
      classIndex,
      detections: ranked,
      truths: own,
      overlaps: ranked.map(({ box }) => own.map((truth) => boxIou(box, truth.box))),
    };
  });
}

/**
 * Detections that reach their class's threshold, the best first, held to truths by place alone: what a user sees.
 *
 * @returns `matches[d]` is the truth's place that `kept[d]` covers, or -1
 */
export function matchByPlace(
  { truths, detections }: ScoredPicture,
  thresholds: readonly number[],
): { readonly kept: readonly Detection[]; readonly matches: Int32Array } {
  const kept = bestFirst(detections).filter(
    ({ classIndex, score }) => score >= (thresholds[classIndex] ?? Number.POSITIVE_INFINITY),
  );
  const overlaps = kept.map(({ box }) => truths.map((truth) => boxIou(box, truth.box)));
  return { kept, matches: matchGreedily(overlaps, IOU_MIN) };
}

export function bestFirst(detections: readonly Detection[]): Detection[] {
  return detections.toSorted((a, b) => b.score - a.score);
}

/**
 * COCO's matching: each detection in turn, the best first, takes the free truth it overlaps most, the last of several
 * equal ones. Which truths the first n take does not depend on those after them.
 *
 * @param overlaps of each detection, best first, with each truth
 * @returns for each detection its truth's place, or -1
 */
export function matchGreedily(overlaps: readonly (readonly number[])[], iouMin: number): Int32Array {
  const taken = new Set<number>();
  return Int32Array.from(overlaps, (row) => {
    let best = -1;
    let least = Math.min(iouMin, 1 - 1e-10);
    row.forEach((overlap, truth) => {
      if (overlap < least || taken.has(truth)) return;
      best = truth;
      least = overlap;
    });
    if (best >= 0) taken.add(best);
    return best;
  });
}
