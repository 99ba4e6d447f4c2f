import { halfValues, toHalves } from "./half.ts";

/**
 * How runs of numbers travel round the ring. `float32` says them exactly. `float16` and `int8` say them by a scale a
 * block and 2 bytes or 1 byte a number; what they leave unsaid the sender keeps and adds next time (error feedback:
 * Seide et al. 2014, Karimireddy et al. 2019), so that nothing is lost over the rounds, only late.
 */
export const WIRE_FORMATS = ["float32", "float16", "int8"] as const;
export type WireFormat = (typeof WIRE_FORMATS)[number];

/** Bytes for numbers. What is encoded starts at a multiple of 4 in its buffer, and is little-endian. */
export interface NumberFormat {
  /** Whether numbers arrive as they were. */
  readonly exact: boolean;
  sizeOf(count: number): number;
  /** @param out exactly `sizeOf(values.length)` bytes */
  encode(values: Float32Array, out: Uint8Array): void;
  /** Writes what the bytes say over `into`. Bytes of the right size are always understood. */
  decode(bytes: Uint8Array, into: Float32Array): void;
}

/** Numbers that share a scale: 0.1% more bytes for float16, 0.8% for int8. */
const FLOAT16_BLOCK = 2048;
const INT8_BLOCK = 512;

const float32: NumberFormat = {
  exact: true,
  sizeOf: (count) => 4 * count,
  encode: (values, out) => out.set(bytesOf(values)),
  decode: (bytes, into) => into.set(new Float32Array(bytes.buffer, bytes.byteOffset, into.length)),
};

/**
 * The scale is a power of two that brings the block's largest number near the top of float16's range: gradients of
 * 1e-8 keep all 11 bits.
 */
const float16: NumberFormat = {
  exact: false,
  sizeOf: (count) => 4 * blocks(count, FLOAT16_BLOCK) + 2 * count,
  encode(values, out) {
    const { scales, at } = scalesOf(out, values.length, FLOAT16_BLOCK);
    const halves = new Uint16Array(out.buffer, at, values.length);
    for (let block = 0, from = 0; from < values.length; block++, from += FLOAT16_BLOCK) {
      const to = Math.min(values.length, from + FLOAT16_BLOCK);
      const part = values.subarray(from, to);
      const exponent = (largestBits(values, from, to) >>> 23) - 127;
      // Too small to matter: as it is.
      const shift = exponent < -98 || exponent === 128 ? 0 : 14 - exponent;
      // What is no number, or endless, stays so.
      if (exponent === 128) new Float16Array(out.buffer, at + 2 * from, part.length).set(part);
      else toHalves(part, shift, halves.subarray(from, to));
      scales[block] = 2 ** -shift;
    }
  },
  decode(bytes, into) {
    const { scales, at } = scalesOf(bytes, into.length, FLOAT16_BLOCK);
    const halves = new Uint16Array(bytes.buffer, at, into.length);
    const worth = halfValues();
    for (let block = 0, from = 0; from < into.length; block++, from += FLOAT16_BLOCK) {
      const to = Math.min(into.length, from + FLOAT16_BLOCK);
      const scale = scales[block]!;
      for (let i = from; i < to; i++) into[i] = worth[halves[i]!]! * scale;
    }
  },
};

/** The scale is the block's largest number over 127. */
const int8: NumberFormat = {
  exact: false,
  sizeOf: (count) => 4 * blocks(count, INT8_BLOCK) + count,
  encode(values, out) {
    const { scales, at } = scalesOf(out, values.length, INT8_BLOCK);
    const numbers = new Int8Array(out.buffer, at, values.length);
    for (let block = 0, from = 0; from < values.length; block++, from += INT8_BLOCK) {
      const to = Math.min(values.length, from + INT8_BLOCK);
      const most = floatOf(largestBits(values, from, to));
      scales[block] = most / 127;
      const steps = most > 0 ? 127 / most : 0;
      // To the nearest, without the cost of Math.round: shifted to positive numbers, cut, shifted back.
      for (let i = from; i < to; i++) numbers[i] = ((values[i]! * steps + 128.5) | 0) - 128;
    }
  },
  decode(bytes, into) {
    const { scales, at } = scalesOf(bytes, into.length, INT8_BLOCK);
    const numbers = new Int8Array(bytes.buffer, at, into.length);
    for (let block = 0, from = 0; from < into.length; block++, from += INT8_BLOCK) {
      const to = Math.min(into.length, from + INT8_BLOCK);
      const scale = scales[block]!;
      for (let i = from; i < to; i++) into[i] = numbers[i]! * scale;
    }
  },
};

const FORMATS: Readonly<Record<WireFormat, NumberFormat>> = { float32, float16, int8 };

export function numberFormat(name: WireFormat): NumberFormat {
  return FORMATS[name];
}

/** The bytes of numbers, in place. */
export function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function blocks(count: number, size: number): number {
  return Math.ceil(count / size);
}

/** The scales stand before the numbers, which begin at byte `at` of the buffer. */
function scalesOf(
  { buffer, byteOffset }: Uint8Array,
  count: number,
  size: number,
): { scales: Float32Array; at: number } {
  const scales = new Float32Array(buffer, byteOffset, blocks(count, size));
  return { scales, at: byteOffset + scales.byteLength };
}

/** The largest absolute value as bits: without the sign, floats are ordered as whole numbers are (IEEE 754). */
function largestBits(values: Float32Array, from: number, to: number): number {
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  let most = 0;
  for (let i = from; i < to; i++) most = Math.max(most, bits[i]! & 0x7fffffff);
  return most;
}

const float = new Float32Array(1);
const floatBits = new Int32Array(float.buffer);

function floatOf(bits: number): number {
  floatBits[0] = bits;
  return float[0]!;
}
