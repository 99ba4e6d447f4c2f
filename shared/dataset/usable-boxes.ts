import type { Box } from "../detect/types.ts";
import type { PictureSize } from "../image/codec.ts";
import { isTurned } from "../image/header.ts";
import { turnBox, type VocAnnotation, type VocObject } from "./voc.ts";

/** A box may be written with its last pixel counted in; reaching over the edge by that much is no defect. */
const EDGE_TOLERANCE_PX = 1;
/** Sizes whose width over height differ by no more than this share have the same form; sides were rounded. */
const FORM_TOLERANCE = 0.02;

/** What an XML file says, and the size of its picture. */
interface SizedAnnotation {
  readonly annotation: VocAnnotation;
  readonly size: PictureSize;
}

/**
 * On which pixels a turned picture's boxes were drawn. A tool that showed it upright wrote the upright size; any other
 * labelled the pixels as stored. `undefined` where both have the same size, and of a size that is neither.
 */
function drawnOn(
  { width: wide, height: high }: VocAnnotation,
  { width, height, orientation }: PictureSize,
): "upright" | "stored" | undefined {
  if (!isTurned(orientation) || width === height) return undefined;
  if (wide === width && high === height) return "upright";
  return wide === height && high === width ? "stored" : undefined;
}

/**
 * Whether boxes were drawn on the pixels as stored where a picture's size does not tell: of one that is upside down, or
 * square. As in most of the data set's pictures that do tell, else no: tools show pictures upright nowadays.
 */
export function drawnAsStored(all: readonly SizedAnnotation[]): boolean {
  const told = all.map(({ annotation, size }) => drawnOn(annotation, size));
  const count = (how: "upright" | "stored") => told.filter((one) => one === how).length;
  return count("stored") > count("upright");
}

/**
 * Boxes in the upright picture's pixels, mended, clipped, and without those that come to nothing.
 *
 * @param areStored see `drawnAsStored`
 */
export function usableObjects(
  annotation: VocAnnotation,
  size: PictureSize,
  areStored: boolean,
  problems: string[],
): VocObject[] {
  const { width, height, orientation } = size;
  const stored = isTurned(orientation) ? { width: height, height: width } : { width, height };
  const claimed = `${annotation.width}x${annotation.height}`;
  const isUpright = claimed === `${width}x${height}`;
  const isStored = claimed === `${stored.width}x${stored.height}`;
  const drawn = drawnOn(annotation, size) ?? (isStored && areStored ? "stored" : "upright");
  let scale = 1;
  if (annotation.width > 0 && annotation.height > 0 && !isUpright && !isStored) {
    scale = isLabelledLarger(annotation, size) ? width / annotation.width : 1;
    const how = scale === 1 ? "taken as they are" : `scaled by ${scale.toFixed(3)}`;
    problems.push(`says ${claimed} pixels, the picture has ${width}x${height}: its boxes are ${how}`);
  }
  return annotation.objects.flatMap((object, place) => {
    const what = `object ${place + 1} (${object.name})`;
    const scaled = object.box.map((side) => scale * side) as unknown as Box;
    const box = drawn === "stored" ? turnBox(scaled, orientation, stored.width, stored.height) : scaled;
    const mended: Box = [
      Math.min(box[0], box[2]),
      Math.min(box[1], box[3]),
      Math.max(box[0], box[2]),
      Math.max(box[1], box[3]),
    ];
    const isReversed = object.box[0] > object.box[2] || object.box[1] > object.box[3];
    const clipped: Box = [
      Math.max(0, mended[0]),
      Math.max(0, mended[1]),
      Math.min(width, mended[2]),
      Math.min(height, mended[3]),
    ];
    const cut = Math.max(...mended.map((value, i) => Math.abs(value - clipped[i]!)));
    if (mended[2] - mended[0] < 1 || mended[3] - mended[1] < 1) {
      problems.push(`${what} has a box of no size, dropped`);
      return [];
    }
    if (clipped[2] - clipped[0] < 1 || clipped[3] - clipped[1] < 1) {
      problems.push(`${what} lies outside the picture, dropped`);
      return [];
    }
    if (isReversed) problems.push(`${what} has its corners exchanged, mended`);
    if (cut > EDGE_TOLERANCE_PX) problems.push(`${what} reaches over the picture's edge, clipped`);
    return [{ ...object, box: clipped }];
  });
}

/**
 * Whether a picture was made smaller after it was labelled: the size that is claimed has its form, and some box that
 * lies within that size reaches out of the picture.
 */
function isLabelledLarger(annotation: VocAnnotation, { width, height }: PictureSize): boolean {
  const { width: wide, height: high, objects } = annotation;
  if (wide <= width || Math.abs(wide / high / (width / height) - 1) > FORM_TOLERANCE) return false;
  const right = Math.max(...objects.map(({ box }) => Math.max(box[0], box[2])));
  const bottom = Math.max(...objects.map(({ box }) => Math.max(box[1], box[3])));
  const isOutside = right > width + EDGE_TOLERANCE_PX || bottom > height + EDGE_TOLERANCE_PX;
  return isOutside && right <= wide + EDGE_TOLERANCE_PX && bottom <= high + EDGE_TOLERANCE_PX;
}
