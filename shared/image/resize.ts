import type { Box } from "../detect/types.ts";
import type { Picture } from "./types.ts";

/** The grey that surrounds a letterboxed picture, as YOLO's trainers have it. */
export const LETTERBOX_GREY = 114;

/** Weights are whole numbers of 2^-14, so that every machine computes the same pixels. */
const WEIGHT_BITS = 14;

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
  const rows = source.width === width ? source.data : resizeRows(source, width);
  const data = source.height === height ? rows : resizeColumns(rows, width, source.height, height);
  return { width, height, data };
}

/** A picture inside a square, and how to get back: `original = (place - offset) / scale`. */
export interface Letterboxed {
  /** [size, size, 3] */
  readonly data: Uint8Array;
  /** Pixels of the square for one pixel of the picture. */
  readonly scale: number;
  readonly offsetX: number;
  readonly offsetY: number;
}

/** The picture scaled to fit a square of `size` pixels, in its middle, grey around it; its shape is kept. */
export function letterbox(source: Picture, size: number): Letterboxed {
  const scale = size / Math.max(source.width, source.height);
  const width = Math.max(1, Math.round(source.width * scale));
  const height = Math.max(1, Math.round(source.height * scale));
  const offsetX = (size - width) >> 1;
  const offsetY = (size - height) >> 1;
  const inner = resizeBilinear(source, width, height);
  const data = new Uint8Array(size * size * 3).fill(LETTERBOX_GREY);
  for (let y = 0; y < height; y++) {
    const row = inner.data.subarray(y * width * 3, (y + 1) * width * 3);
    data.set(row, ((y + offsetY) * size + offsetX) * 3);
  }
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

/** For each place of the result: its first source place, and `taps` weights that sum to 2^14 (unused ones are 0). */
interface Filter {
  readonly first: Int32Array;
  readonly taps: number;
  /** [places, taps] */
  readonly weights: Int32Array;
}

function triangleFilter(from: number, to: number): Filter {
  const ratio = from / to;
  const support = Math.max(1, ratio);
  const taps = Math.min(from, Math.ceil(support * 2) + 1);
  const first = new Int32Array(to);
  const weights = new Int32Array(to * taps);
  const exact = new Float64Array(taps);
  for (let place = 0; place < to; place++) {
    const center = (place + 0.5) * ratio;
    const start = Math.min(Math.max(0, Math.floor(center - support)), from - taps);
    let sum = 0;
    for (let t = 0; t < taps; t++) {
      exact[t] = Math.max(0, 1 - Math.abs(start + t + 0.5 - center) / support);
      sum += exact[t]!;
    }
    first[place] = start;
    let left = 1 << WEIGHT_BITS;
    let heaviest = place * taps;
    for (let t = 0; t < taps; t++) {
      const at = place * taps + t;
      weights[at] = Math.round((exact[t]! / sum) * (1 << WEIGHT_BITS));
      left -= weights[at]!;
      if (weights[at]! > weights[heaviest]!) heaviest = at;
    }
    weights[heaviest]! += left; // what rounding lost, so that a flat picture stays flat
  }
  return { first, taps, weights };
}

const HALF = 1 << (WEIGHT_BITS - 1);

function resizeRows(source: Picture, width: number): Uint8Array {
  const { first, taps, weights } = triangleFilter(source.width, width);
  const { data } = source;
  const out = new Uint8Array(source.height * width * 3);
  let to = 0;
  for (let y = 0; y < source.height; y++) {
    const row = y * source.width;
    for (let x = 0; x < width; x++) {
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      let at = (row + first[x]!) * 3;
      const end = (x + 1) * taps;
      for (let w = x * taps; w < end; w++, at += 3) {
        const weight = weights[w]!;
        red += data[at]! * weight;
        green += data[at + 1]! * weight;
        blue += data[at + 2]! * weight;
      }
      out[to++] = red >> WEIGHT_BITS;
      out[to++] = green >> WEIGHT_BITS;
      out[to++] = blue >> WEIGHT_BITS;
    }
  }
  return out;
}

function resizeColumns(data: Uint8Array, width: number, from: number, height: number): Uint8Array {
  const { first, taps, weights } = triangleFilter(from, height);
  const stride = width * 3;
  const out = new Uint8Array(height * stride);
  const sums = new Int32Array(stride);
  for (let y = 0; y < height; y++) {
    sums.fill(HALF);
    for (let t = 0; t < taps; t++) {
      const weight = weights[y * taps + t]!;
      if (weight === 0) continue;
      const row = (first[y]! + t) * stride;
      for (let i = 0; i < stride; i++) sums[i]! += data[row + i]! * weight;
    }
    const to = y * stride;
    for (let i = 0; i < stride; i++) out[to + i] = sums[i]! >> WEIGHT_BITS;
  }
  return out;
}
