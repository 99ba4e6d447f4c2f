/**
 * Numbers of 16 bits (IEEE 754 binary16) by whole-number arithmetic. `Float16Array` converts by a call a number: this
 * takes half of its time one way, a third the other.
 */

let values: Float32Array | undefined;

/** What each of the 65 536 patterns is worth. */
export function halfValues(): Float32Array {
  values ??= new Float32Array(
    new Float16Array(Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits).buffer),
  );
  return values;
}

/** How much larger the exponent's offset is in a float32. */
const REBIAS = 127 - 15;
/** The least number of full precision, 2^-14, as a float32's bits once its exponent is that of a half. */
const LEAST_NORMAL = 1 << 23;

/**
 * Writes the patterns nearest to the numbers times `2 ** shift`, to even where two are as near.
 *
 * @param numbers finite, and less than 65520 when multiplied
 * @param shift at most 112
 */
export function toHalves(numbers: Float32Array, shift: number, out: Uint16Array): void {
  const bits = new Int32Array(numbers.buffer, numbers.byteOffset, numbers.length);
  const less = (REBIAS - shift) << 23;
  for (let i = 0; i < bits.length; i++) {
    const sign = (bits[i]! >>> 16) & 0x8000;
    const size = (bits[i]! & 0x7fffffff) - less;
    // To even: half of the last place that stays, a little less where that place is 0.
    if (size >= LEAST_NORMAL) out[i] = sign | ((size + 0xfff + ((size >>> 13) & 1)) >>> 13);
    else out[i] = sign | smallHalf(Math.abs(numbers[i]!) * 2 ** shift);
  }
}

const float = new Float32Array(1);
const floatBits = new Int32Array(float.buffer);

/** The pattern of a number below 2^-14: added to a half, it leaves its count of 2^-24 in the last bits, rounded. */
function smallHalf(number: number): number {
  float[0] = number + 0.5;
  return floatBits[0]! - (126 << 23);
}
