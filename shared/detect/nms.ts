import { type Box, boxIou, type Detection } from "./types.ts";

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

/**
 * Box voting (Gidaris and Komodakis 2015): as `suppressOverlaps`, but each detection that goes pulls the box of the one
 * that stays toward its own, by its score and the square of their overlap. Neighbouring cells see one object from
 * several places, and err each in their own way.
 */
export function mergeOverlaps(
  detections: readonly Detection[],
  { iouMax, countMax }: { iouMax: number; countMax: number },
): Detection[] {
  const kept: Vote[] = [];
  const byClass = new Map<number, Vote[]>();
  for (const detection of detections) {
    const rivals = byClass.get(detection.classIndex) ?? [];
    const rival = rivals.find(({ first }) => boxIou(first.box, detection.box) > iouMax);
    if (rival !== undefined) {
      rival.add(detection);
    } else if (kept.length < countMax) {
      const vote = new Vote(detection);
      kept.push(vote);
      rivals.push(vote);
      byClass.set(detection.classIndex, rivals);
    }
  }
  return kept.map((vote) => vote.result());
}

/** A detection that stays, and how far those that go for it move its box. */
class Vote {
  readonly first: Detection;
  readonly #moves = [0, 0, 0, 0];
  #weight: number;

  constructor(first: Detection) {
    this.first = first;
    this.#weight = first.score;
  }

  add({ box, score }: Detection): void {
    const weight = score * boxIou(this.first.box, box) ** 2;
    this.#weight += weight;
    box.forEach((side, i) => {
      this.#moves[i]! += weight * (side - this.first.box[i]!);
    });
  }

  result(): Detection {
    const [x1, y1, x2, y2] = this.first.box.map(
      (side, i) => side + this.#moves[i]! / Math.max(this.#weight, Number.MIN_VALUE),
    );
    const box: Box = [x1!, y1!, x2!, y2!];
    return { ...this.first, box };
  }
}
