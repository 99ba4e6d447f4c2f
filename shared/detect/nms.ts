import { boxIou, type Detection } from "./types.ts";

/**
 * Non-maximum suppression: of detections of one class that overlap by more than `iouMax`, the one with the best score
 * stays.
 *
 * @param detections in falling order of score
 * @returns at most `countMax`, in the same order
 */
export function suppressOverlaps(
  detections: readonly Detection[],
  { iouMax, countMax }: { iouMax: number; countMax: number },
): Detection[] {
  const kept: Detection[] = [];
  const byClass = new Map<number, Detection[]>();
  for (const detection of detections) {
    if (kept.length >= countMax) break;
    const rivals = byClass.get(detection.classIndex) ?? [];
    if (rivals.some((rival) => boxIou(rival.box, detection.box) > iouMax)) continue;
    rivals.push(detection);
    byClass.set(detection.classIndex, rivals);
    kept.push(detection);
  }
  return kept;
}
