import { letterbox, resizeBilinear } from "../image/resize.ts";
import type { Picture } from "../image/types.ts";
import type { NetworkConfig } from "../nn/networks/config.ts";
import { FACE_HEIGHT, FACE_MEAN, FACE_WIDTH } from "../nn/networks/mlp.ts";
import type { PictureView } from "./decode.ts";

/**
 * Bytes of one picture at a network's input.
 *
 * @param height of a detector's input, where it is not square
 */
export function inputBytes(network: NetworkConfig, height?: number): number {
  return network.kind === "mlp" ? FACE_WIDTH * FACE_HEIGHT : 3 * network.size * (height ?? network.size);
}

/** Detectors take inputs of any height that is a multiple of this, in pixels. */
const HEIGHT_STEP = 32;

/** The least height of a detector's input in which the whole picture has room, as large as in a square. */
export function heightFor(
  { width, height }: Picture,
  { size }: NetworkConfig & { kind: "detector" },
): number {
  const needed = (height * size) / Math.max(width, height);
  return Math.max(HEIGHT_STEP, HEIGHT_STEP * Math.ceil(needed / HEIGHT_STEP));
}

/**
 * Brings a picture into the form that a network sees: letterboxed, or for faces stretched and grey.
 *
 * @param into [height, width, channels] of the input, overwritten
 * @param rows of a detector's input, where it is not square
 */
export function writeInput(
  network: NetworkConfig,
  picture: Picture,
  into: Uint8Array,
  rows?: number,
): PictureView {
  const { width, height } = picture;
  if (network.kind === "mlp") {
    faceInto(resizeBilinear(picture, FACE_WIDTH, FACE_HEIGHT).data, into);
    return { width, height, scale: 1, offsetX: 0, offsetY: 0 };
  }
  const { data, ...view } = letterbox(picture, network.size, rows);
  into.set(data);
  return { width, height, ...view };
}

/** What `faceInto` makes the deviation of every face's grey levels, about `FACE_MEAN`. */
const FACE_DEVIATION = 56;

/**
 * RGB to grey (the luma of BT.601), then all grey levels to one mean and deviation, so that a face in poor light
 * looks like the same face in good light.
 */
export function faceInto(rgb: ArrayLike<number>, grey: Uint8Array | Uint8ClampedArray): void {
  let sum = 0;
  let squares = 0;
  for (let i = 0, from = 0; i < grey.length; i++, from += 3) {
    const level = (77 * rgb[from]! + 150 * rgb[from + 1]! + 29 * rgb[from + 2]! + 128) >> 8;
    grey[i] = level;
    sum += level;
    squares += level * level;
  }
  const mean = sum / grey.length;
  const deviation = Math.sqrt(Math.max(squares / grey.length - mean * mean, 1));
  const table = Uint8ClampedArray.from(
    { length: 256 },
    (_, level) => FACE_MEAN + ((level - mean) * FACE_DEVIATION) / deviation,
  );
  for (let i = 0; i < grey.length; i++) grey[i] = table[grey[i]!]!;
}
