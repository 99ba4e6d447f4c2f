import type { Picture } from "./types.ts";

/*
 * Two samples in one multiplication: weights are whole numbers of 1/256 that sum to 256, so a weighted sum of bytes
 * fits 16 bits, and a 32-bit integer holds two of them side by side. Rows are summed first, four bytes of the source
 * at a time; then each pixel lies as red and blue in one integer and green in another, and columns are summed.
 */

const WEIGHT_SUM = 256;
/** Half a unit in each of two 16-bit sums, for rounding. */
const HALVES = 0x00800080;
const EVEN_BYTES = 0x00ff00ff;

/** Where a resized picture goes: its rows begin at `start` and are `stride` bytes apart. */
export interface ResizeTarget {
  readonly data: Uint8Array;
  readonly start: number;
  readonly stride: number;
}

/** Writes `source`, resized by a triangle filter to `width` by `height`, into `target`. */
export function resizeInto(source: Picture, width: number, height: number, target: ResizeTarget): void {
  const columns = triangleFilter(source.width, width);
  const rows = triangleFilter(source.height, height);
  const { words, stride } = asWords(source);
  // Sums of the bytes at even and at odd places.
  const even = new Int32Array(stride);
  const odd = new Int32Array(stride);
  const pixels = Math.ceil(source.width / 4) * 4;
  const redBlue = new Int32Array(pixels);
  const green = new Int32Array(pixels);
  for (let y = 0; y < height; y++) {
    even.fill(HALVES);
    odd.fill(HALVES);
    for (let tap = 0; tap < rows.taps; tap++) {
      addRow(words, (rows.first[y]! + tap) * stride, rows.weights[y * rows.taps + tap]!, even, odd);
    }
    unpack(even, odd, redBlue, green, stride);
    sumColumns(redBlue, green, columns, target.data, target.start + y * target.stride);
  }
}

/** For each place of the result: its first source place, and `taps` weights that sum to 256 (unused ones are 0). */
interface Filter {
  readonly first: Int32Array;
  readonly taps: number;
  /** [places, taps] */
  readonly weights: Int32Array;
}

function triangleFilter(from: number, to: number): Filter {
  const ratio = from / to;
  const support = Math.max(1, ratio);
  // The centres of source places that lie within `support` of a result's own.
  const startOf = (center: number) => Math.max(0, Math.floor(center - support - 0.5) + 1);
  const endOf = (center: number) => Math.min(from, Math.ceil(center + support - 0.5));
  const centers = Float64Array.from({ length: to }, (_, place) => (place + 0.5) * ratio);
  const taps = centers.reduce((most, center) => Math.max(most, endOf(center) - startOf(center)), 1);
  const first = new Int32Array(to);
  const weights = new Int32Array(to * taps);
  const exact = new Float64Array(taps);
  for (let place = 0; place < to; place++) {
    const center = centers[place]!;
    const start = Math.min(startOf(center), from - taps);
    let sum = 0;
    for (let t = 0; t < taps; t++) {
      exact[t] = Math.max(0, 1 - Math.abs(start + t + 0.5 - center) / support);
      sum += exact[t]!;
    }
    first[place] = start;
    // Each weight is what the running sum has grown by, so that they add up whatever rounding does.
    let running = 0;
    let rounded = 0;
    for (let t = 0; t < taps; t++) {
      running += exact[t]!;
      const next = Math.round((running / sum) * WEIGHT_SUM);
      weights[place * taps + t] = next - rounded;
      rounded = next;
    }
  }
  return { first, taps, weights };
}

/** The rows as 32-bit words, `stride` words each: the source itself where its rows are so aligned, else a copy. */
function asWords({ width, height, data }: Picture): { words: Int32Array; stride: number } {
  const stride = 3 * Math.ceil(width / 4);
  if (width % 4 === 0 && data.byteOffset % 4 === 0) {
    return { words: new Int32Array(data.buffer, data.byteOffset, stride * height), stride };
  }
  const padded = new Uint8Array(4 * stride * height);
  for (let y = 0; y < height; y++) {
    padded.set(data.subarray(3 * width * y, 3 * width * (y + 1)), 4 * stride * y);
  }
  return { words: new Int32Array(padded.buffer), stride };
}

/** One row a pass: several at once, unrolled by hand, were slower in Bun 1.4.4. */
function addRow(words: Int32Array, at: number, weight: number, even: Int32Array, odd: Int32Array): void {
  // Each sum cut to 32 bits by itself: then no number here is ever a float.
  for (let i = 0; i < even.length; i++) {
    const word = words[at + i]!;
    even[i] = (even[i]! + Math.imul(word & EVEN_BYTES, weight)) | 0;
    odd[i] = (odd[i]! + Math.imul((word >>> 8) & EVEN_BYTES, weight)) | 0;
  }
}

/**
 * From sums of bytes to pixels. Three words hold four pixels: r0 g0 b0 r1, g1 b1 r2 g2, b2 r3 g3 b3 (lowest byte
 * first: every machine that Bun runs on is little-endian).
 */
function unpack(
  even: Int32Array,
  odd: Int32Array,
  redBlue: Int32Array,
  green: Int32Array,
  count: number,
): void {
  for (let word = 0, pixel = 0; word < count; word += 3, pixel += 4) {
    const r0b0 = (even[word]! >>> 8) & EVEN_BYTES;
    const g0r1 = (odd[word]! >>> 8) & EVEN_BYTES;
    const g1r2 = (even[word + 1]! >>> 8) & EVEN_BYTES;
    const b1g2 = (odd[word + 1]! >>> 8) & EVEN_BYTES;
    const b2g3 = (even[word + 2]! >>> 8) & EVEN_BYTES;
    const r3b3 = (odd[word + 2]! >>> 8) & EVEN_BYTES;
    redBlue[pixel] = r0b0;
    redBlue[pixel + 1] = (g0r1 >>> 16) | ((b1g2 & 0xff) << 16);
    redBlue[pixel + 2] = (g1r2 >>> 16) | ((b2g3 & 0xff) << 16);
    redBlue[pixel + 3] = r3b3;
    green[pixel] = g0r1 & 0xff;
    green[pixel + 1] = g1r2 & 0xff;
    green[pixel + 2] = b1g2 >>> 16;
    green[pixel + 3] = b2g3 >>> 16;
  }
}

function sumColumns(
  redBlue: Int32Array,
  green: Int32Array,
  { first, taps, weights }: Filter,
  out: Uint8Array,
  start: number,
): void {
  let to = start;
  for (let x = 0; x < first.length; x++) {
    let twoSums = HALVES;
    let sum = WEIGHT_SUM / 2;
    let at = first[x]!;
    const end = (x + 1) * taps;
    for (let w = x * taps; w < end; w++, at++) {
      const weight = weights[w]!;
      twoSums = (twoSums + Math.imul(redBlue[at]!, weight)) | 0;
      sum = (sum + Math.imul(green[at]!, weight)) | 0;
    }
    out[to++] = (twoSums >>> 8) & 0xff;
    out[to++] = sum >>> 8;
    out[to++] = twoSums >>> 24;
  }
}
