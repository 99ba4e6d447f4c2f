import { boxArea, type Detection, type FrameSize } from "./types.ts";

/** What makes one photo of an object better than another. */
export interface PhotoFacts {
  readonly score: number;
  /** Of the box, as a share of the picture. */
  readonly area: number;
  /** The box touches the picture's edge: part of the object is probably outside. */
  readonly isCut: boolean;
  /** Mean step between neighbouring pixels of the object; 0 where nobody measured it. */
  readonly sharpness: number;
}

/** A better photo must gain this much: otherwise every approaching car writes a photo a frame. */
const SCORE_GAIN = 0.05;
const AREA_GAIN = 1.15;
const SHARPNESS_GAIN = 1.4;
/** What may be lost of one for another: a sharper photo may show the object a little smaller, and so on. */
const AREA_KEPT = 0.8;
const SHARPNESS_KEPT = 0.75;
const EDGE_SHARE = 0.01;

export function photoFacts(
  { score, box, sharpness = 0 }: Detection,
  { width, height }: FrameSize,
): PhotoFacts {
  const [x, y] = [EDGE_SHARE * width, EDGE_SHARE * height];
  const isCut = box[0] < x || box[1] < y || box[2] > width - x || box[3] > height - y;
  return { score, area: boxArea(box) / (width * height), isCut, sharpness };
}

/** Whole before cut, then surer, larger, sharper; a gain in one must not cost much of the others. */
export function isBetterPhoto(next: PhotoFacts, now: PhotoFacts): boolean {
  if (next.isCut !== now.isCut) return now.isCut;
  if (next.score < now.score - SCORE_GAIN) return false;
  const isBlurred = now.sharpness > 0 && next.sharpness < SHARPNESS_KEPT * now.sharpness;
  if (isBlurred || next.area < AREA_KEPT * now.area) return false;
  return (
    next.score > now.score + SCORE_GAIN ||
    next.area > AREA_GAIN * now.area ||
    (now.sharpness > 0 && next.sharpness > SHARPNESS_GAIN * now.sharpness)
  );
}
