/** A box in pixels: left, top, right, bottom; right and bottom lie outside. */
export type Box = readonly [x1: number, y1: number, x2: number, y2: number];

/** The size of a frame, in pixels. */
export interface FrameSize {
  readonly width: number;
  readonly height: number;
}

/** One object that the model sees in one picture. */
export interface Detection {
  /** Place in the model's list of classes. */
  readonly classIndex: number;
  /** 0 to 1. */
  readonly score: number;
  /** Pixels of the picture as it came in, not of the network's input. */
  readonly box: Box;
  /** Mean step of brightness between neighbouring pixels inside the box, 0 to 255, where it was measured. */
  readonly sharpness?: number;
  /** Who it may be, where a second model was asked. */
  readonly guess?: Guess;
}

/** Whom a face model takes one picture of a person for. */
export interface Guess {
  readonly name: string;
  /** 0 to 1. */
  readonly score: number;
  /** How unlike that person the picture is, where the model knows looks: more than 1 is a stranger. */
  readonly strangeness?: number;
}

export function boxArea(box: Box): number {
  return Math.max(0, box[2] - box[0]) * Math.max(0, box[3] - box[1]);
}

/** Intersection over union, 0 to 1; 0 where either box is empty. */
export function boxIou(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  const union = boxArea(a) + boxArea(b) - shared;
  return union > 0 ? shared / union : 0;
}

/** Share of a box that lies in another. */
export function overlapOf(box: Box, other: Box): number {
  const width = Math.min(box[2], other[2]) - Math.max(box[0], other[0]);
  const height = Math.min(box[3], other[3]) - Math.max(box[1], other[1]);
  return width <= 0 || height <= 0 ? 0 : (width * height) / boxArea(box);
}
