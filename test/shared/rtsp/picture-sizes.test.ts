import { expect, test } from "bun:test";
import { Random } from "../../../shared/base/random.ts";
import { PictureSizes } from "../../../shared/rtsp/picture-sizes.ts";

test("nine pictures in ten of a still scene are calm, one that takes more bits is not", () => {
  const random = new Random("sizes", 1);
  const sizes = new PictureSizes();
  const calm = Array.from({ length: 500 }, () => sizes.isCalm(random.between(500, 3000), false));
  const share = calm.filter(Boolean).length / calm.length;
  expect(share).toBeGreaterThan(0.8);
  expect(share).toBeLessThan(0.95);
  expect(sizes.isCalm(4000, false)).toBe(false);
  expect(sizes.isCalm(20_000, true)).toBe(false);
  expect(sizes.isCalm(500, false)).toBe(true);
});

test("pictures all of one size are calm, and the first ones are not", () => {
  const sizes = new PictureSizes();
  const calm = Array.from({ length: 30 }, () => sizes.isCalm(1000, false));
  expect(calm.indexOf(true)).toBe(16);
  expect(calm.at(-1)).toBe(true);
});
