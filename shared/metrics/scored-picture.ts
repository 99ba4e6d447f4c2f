import { boxIou, type Detection } from "../detect/types.ts";
import { IOU_MIN } from "./matching.ts";
import type { ScoredPicture, Truth } from "./metric.ts";

/** A truth that may not count. */
export interface LabelledTruth extends Truth {
  readonly difficult?: boolean;
}

/**
 * What counts of a picture. Objects marked as difficult are not wanted, and whoever sees them is not wrong: as in Pascal
 * VOC's development kit (Everingham et al. 2010), a detection goes with them that overlaps one of them more than any
 * other object of its class, by 0.5 or more.
 *
 * @param labels with boxes in the pixels of the detections
 */
export function scoredPicture(
  labels: readonly LabelledTruth[],
  detections: readonly Detection[],
): ScoredPicture {
  const truths = labels.filter(({ difficult }) => difficult !== true);
  if (truths.length === labels.length) return { truths, detections };
  return { truths, detections: detections.filter((one) => nearestOf(one, labels)?.difficult !== true) };
}

/** The object of its class that a detection overlaps most, if by enough to have found it. */
function nearestOf(
  { classIndex, box }: Detection,
  labels: readonly LabelledTruth[],
): LabelledTruth | undefined {
  let nearest: LabelledTruth | undefined;
  let most = IOU_MIN;
  for (const label of labels) {
    const overlap = label.classIndex === classIndex ? boxIou(label.box, box) : 0;
    if (overlap < most || (overlap === most && nearest !== undefined)) continue;
    [nearest, most] = [label, overlap];
  }
  return nearest;
}
