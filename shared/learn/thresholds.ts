import type { PreparedPicture } from "../dataset/prepared.ts";
import { type Box, boxIou, type Detection } from "../detect/types.ts";

/** For a class that the pictures say nothing about. */
export const THRESHOLD_DEFAULT = 0.3;
const THRESHOLD_MIN = 0.05;
const THRESHOLD_MAX = 0.95;
/** Overlap from which a detection counts as right. */
const HIT_IOU = 0.5;

/**
 * For each class the score from which on detections should be believed: where F1, the harmonic mean of precision and
 * recall, is greatest on these pictures.
 *
 * @param answers for each picture, in falling order of score, as `Learner.evaluate` gives them
 */
export function chooseThresholds(
  answers: readonly (readonly Detection[])[],
  pictures: readonly PreparedPicture[],
  classCount: number,
): number[] {
  return Array.from({ length: classCount }, (_, classIndex) => {
    let truths = 0;
    const ranked: { score: number; hit: boolean }[] = [];
    pictures.forEach((picture, i) => {
      const boxes = boxesOf(picture, classIndex);
      truths += boxes.length;
      for (const detection of answers[i]!) {
        if (detection.classIndex === classIndex) {
          ranked.push({ score: detection.score, hit: takeBest(detection.box, boxes) });
        }
      }
    });
    ranked.sort((a, b) => b.score - a.score);
    return truths === 0 ? THRESHOLD_DEFAULT : bestCut(ranked, truths);
  });
}

/** Labels of one class in pixels of the prepared picture. */
function boxesOf({ picture: { width, height }, labels }: PreparedPicture, classIndex: number): Box[] {
  return labels
    .filter((label) => label.classIndex === classIndex)
    .map(({ box }) => [box[0] * width, box[1] * height, box[2] * width, box[3] * height]);
}

/** Takes the box that overlaps most out of the list; false where none overlaps enough. */
function takeBest(box: Box, boxes: Box[]): boolean {
  let best = -1;
  let most = HIT_IOU;
  boxes.forEach((truth, i) => {
    const overlap = boxIou(box, truth);
    if (overlap >= most) [best, most] = [i, overlap];
  });
  if (best >= 0) boxes.splice(best, 1);
  return best >= 0;
}

function bestCut(ranked: readonly { score: number; hit: boolean }[], truths: number): number {
  let hits = 0;
  let best = { f1: 0, threshold: THRESHOLD_DEFAULT };
  ranked.forEach(({ score, hit }, i) => {
    if (hit) hits++;
    const f1 = (2 * hits) / (i + 1 + truths);
    // Halfway to the next score, so that the last right one stays above on pictures that are a little harder.
    const next = ranked[i + 1]?.score ?? 0;
    if (f1 > best.f1) best = { f1, threshold: (score + next) / 2 };
  });
  return Math.min(Math.max(best.threshold, THRESHOLD_MIN), THRESHOLD_MAX);
}
