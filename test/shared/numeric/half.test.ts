import { expect, test } from "bun:test";
import { Random } from "../../../shared/base/random.ts";
import { halfValues, toHalves } from "../../../shared/numeric/half.ts";
import { numberFormat } from "../../../shared/numeric/wire-format.ts";

test("every pattern is worth what IEEE 754 says, and that number's pattern is itself", () => {
  const worth = halfValues();
  const back = new Uint16Array(1);
  for (let bits = 0; bits < 2 ** 16; bits++) {
    const [sign, exponent, fraction] = [bits >>> 15 ? -1 : 1, (bits >>> 10) & 31, bits & 1023];
    const size = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
    if (exponent === 31) expect(worth[bits]).toBe(fraction === 0 ? sign / 0 : Number.NaN);
    else expect(worth[bits]).toBe(sign * size);
    if (exponent === 31) continue;
    toHalves(worth.subarray(bits, bits + 1), 0, back);
    expect(back[0]).toBe(bits);
  }
});

test("numbers between two patterns go to the nearest, to the even one from the middle; a shift is a power of two", () => {
  const random = new Random("half");
  const worth = halfValues();
  for (const shift of [-20, 0, 60, 112]) {
    const numbers = new Float32Array(20_000);
    for (let i = 0; i < numbers.length; i++) {
      const bits = random.below(0x7bff);
      const [low, high] = [worth[bits]!, worth[bits + 1]!];
      const number = low + (i % 2 === 0 ? 0.5 : random.unit()) * (high - low);
      numbers[i] = (i % 3 === 0 ? -number : number) * 2 ** -shift;
    }
    const patterns = new Uint16Array(numbers.length);
    toHalves(numbers, shift, patterns);
    const shifted = Float32Array.from(numbers, (number) => number * 2 ** shift);
    expect(patterns).toEqual(new Uint16Array(new Float16Array(shifted).buffer));
  }
});

test("float16 keeps eleven bits of a block's numbers however small they are, and what is no number stays none", () => {
  const format = numberFormat("float16");
  for (const largest of [1e-20, 1e-8, 1, 1e20]) {
    const random = new Random("float16", largest);
    const numbers = Float32Array.from({ length: 5000 }, () => largest * random.between(-1, 1));
    const bytes = new Uint8Array(format.sizeOf(numbers.length));
    format.encode(numbers, bytes);
    const said = new Float32Array(numbers.length);
    format.decode(bytes, said);
    for (let i = 0; i < said.length; i++) {
      expect(Math.abs(said[i]! - numbers[i]!)).toBeLessThanOrEqual(
        Math.abs(numbers[i]!) / 2048 + largest * 1e-8,
      );
    }
  }
  const odd = Float32Array.of(1, Number.NaN, Number.NEGATIVE_INFINITY, -2);
  const bytes = new Uint8Array(format.sizeOf(odd.length));
  format.encode(odd, bytes);
  const said = new Float32Array(odd.length);
  format.decode(bytes, said);
  expect([...said]).toEqual([1, Number.NaN, Number.NEGATIVE_INFINITY, -2]);
});
