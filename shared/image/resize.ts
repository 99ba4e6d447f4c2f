import type { Box } from "../detect/types.ts";
import { resizeInto } from "./triangle-filter.ts";
import type { Picture } from "./types.ts";

/** The grey that surrounds a letterboxed picture, as YOLO's trainers have it. */
export const LETTERBOX_GREY = 114;

/**
 * Resizes by a triangle filter, which is bilinear interpolation when enlarging and averages every source pixel when
 * reducing, so that nothing aliases (as Pillow's `BILINEAR`). Whole-number arithmetic: the same result everywhere.
 * A picture that has the size already comes back as it is.
 *
 * @param width, height of the result, 1 or more
 */
export function resizeBilinear(source: Picture, width: number, height: number): Picture {
  if (width < 1 || height < 1) throw new RangeError(`resize to ${width}x${height}`);
  if (source.width === width && source.height === height) return source;
  const data = new Uint8Array(width * height * 3);
  resizeInto(source, width, height, { data, start: 0, stride: width * 3 });
  return { width, height, data };
}

/** A picture inside a larger one, and how to get back: `original = (place - offset) / scale`. */
export interface Letterboxed {
  /** [height, size, 3] */
  readonly data: Uint8Array;
  /** Pixels of it for one pixel of the picture. */
  readonly scale: number;
  readonly offsetX: number;
  readonly offsetY: number;
}

/**
 * The picture scaled to fit a square of `size` pixels, in its middle, grey around it; its shape is kept.
 *
 * @param rows of the square that are made, about its middle: at least those that the picture fills
 */
export function letterbox(source: Picture, size: number, rows = size): Letterboxed {
  const scale = size / Math.max(source.width, source.height);
  const width = Math.max(1, Math.round(source.width * scale));
  const height = Math.max(1, Math.round(source.height * scale));
  const offsetX = (size - width) >> 1;
  const offsetY = (rows - height) >> 1;
  const data = new Uint8Array(size * rows * 3).fill(LETTERBOX_GREY);
  resizeInto(source, width, height, { data, start: (offsetY * size + offsetX) * 3, stride: size * 3 });
  return { data, scale, offsetX, offsetY };
}

/** The part of a picture under `box`, widened to whole pixels and clipped; at least one pixel. A copy. */
export function crop(source: Picture, box: Box): Picture {
  const left = clampIndex(Math.floor(box[0]), source.width);
  const top = clampIndex(Math.floor(box[1]), source.height);
  const width = Math.max(1, Math.min(source.width, Math.ceil(box[2])) - left);
  const height = Math.max(1, Math.min(source.height, Math.ceil(box[3])) - top);
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * source.width + left) * 3;
    data.set(source.data.subarray(from, from + width * 3), y * width * 3);
  }
  return { width, height, data };
}

function clampIndex(value: number, count: number): number {
  return Math.min(count - 1, Math.max(0, value));
}
