import type { Box, Detection } from "../detect/types.ts";

/** An object that is in the picture. */
export interface Truth {
  readonly classIndex: number;
  readonly box: Box;
}

/** What is in one picture and what a model saw there; boxes in the same pixels. */
export interface ScoredPicture {
  readonly truths: readonly Truth[];
  readonly detections: readonly Detection[];
}

/** A figure over many pictures. Several are computed in one loop: `add` each picture to each, then ask. */
export interface Metric<R> {
  add(picture: ScoredPicture): void;
  result(): R;
}

/** Adds every picture to every metric. */
export function addAll(pictures: Iterable<ScoredPicture>, metrics: readonly Metric<unknown>[]): void {
  for (const picture of pictures) for (const metric of metrics) metric.add(picture);
}

/** part / whole, and 0 where there is nothing to divide by. */
export function share(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}

/** The mean of those that are known; `undefined` where none is. */
export function meanOf(values: readonly (number | null)[]): number | undefined {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return undefined;
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}
