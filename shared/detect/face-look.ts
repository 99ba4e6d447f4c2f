import { resizeBilinear } from "../image/resize.ts";
import type { Picture } from "../image/types.ts";
import { FACE_HEIGHT, FACE_WIDTH } from "../nn/networks/mlp.ts";
import { l2Norm } from "../numeric/norms.ts";
import { faceInto } from "./input.ts";

/**
 * Every face is first made as small as one that is far away, in pixels: patterns of fine detail would make whoever comes
 * from afar a stranger.
 */
const FAR_WIDTH = 20;
const FAR_HEIGHT = 24;
/** A cell's histogram of patterns is one part of a look. */
const CELL_PX = 16;
const COLUMNS = FACE_WIDTH / CELL_PX;
const CELLS = COLUMNS * (FACE_HEIGHT / CELL_PX);
/** The eight neighbours that a pixel is compared with, round it: columns and rows away. */
const NEIGHBOURS = [
  [2, 0],
  [1, 1],
  [0, 2],
  [-1, 1],
  [-2, 0],
  [-1, -1],
  [0, -2],
  [1, -1],
] as const;
const MARGIN_PX = 2;

/** Patterns that change at most twice round the pixel have a bin each, 58 of them; all others share one. */
const BINS = 59;
const BIN_OF = Uint8Array.from({ length: 256 }, (_, pattern) => pattern);
{
  let next = 0;
  for (let pattern = 0; pattern < 256; pattern++) {
    const turned = ((pattern << 1) | (pattern >> 7)) & 255;
    const changes = (pattern ^ turned).toString(2).replaceAll("0", "").length;
    BIN_OF[pattern] = changes <= 2 ? next++ : BINS - 1;
  }
}

/** Numbers of a look. */
export const LOOK_LENGTH = CELLS * BINS;

/**
 * What a face looks like, as a vector of length 1: histograms of local binary patterns in 5 x 6 cells (Ahonen, Hadid and
 * Pietikäinen 2006), their roots taken, so that a product of two is the histograms' likeness (Bhattacharyya's). It
 * learns nothing and knows nobody, and so tells strangers apart as well as those whose face was learnt.
 */
export function faceLook(picture: Picture): Float32Array {
  const grey = new Uint8Array(FACE_WIDTH * FACE_HEIGHT);
  const far = resizeBilinear(picture, FAR_WIDTH, FAR_HEIGHT);
  faceInto(resizeBilinear(far, FACE_WIDTH, FACE_HEIGHT).data, grey);
  const steps = NEIGHBOURS.map(([x, y]) => y * FACE_WIDTH + x);
  const look = new Float32Array(LOOK_LENGTH);
  for (let y = MARGIN_PX; y < FACE_HEIGHT - MARGIN_PX; y++) {
    for (let x = MARGIN_PX; x < FACE_WIDTH - MARGIN_PX; x++) {
      const at = y * FACE_WIDTH + x;
      let pattern = 0;
      for (let i = 0; i < steps.length; i++) if (grey[at + steps[i]!]! >= grey[at]!) pattern |= 1 << i;
      const cell = Math.floor(y / CELL_PX) * COLUMNS + Math.floor(x / CELL_PX);
      look[cell * BINS + BIN_OF[pattern]!]! += 1;
    }
  }
  return toLength1(look.map(Math.sqrt));
}

/** How unlike two looks are: 0 to 1. */
export function unlikeness(a: Float32Array, b: Float32Array): number {
  let product = 0;
  for (let i = 0; i < a.length; i++) product += a[i]! * b[i]!;
  return Math.min(1, Math.max(0, 1 - product));
}

/** Changes and returns the vector. */
export function toLength1(vector: Float32Array): Float32Array {
  const length = l2Norm(vector);
  if (length > 0) for (let i = 0; i < vector.length; i++) vector[i]! /= length;
  return vector;
}
