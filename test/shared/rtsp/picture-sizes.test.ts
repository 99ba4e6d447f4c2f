import { expect, test } from "bun:test";
import { Random } from "../../../shared/base/random.ts";
import { PictureSizes } from "../../../shared/rtsp/picture-sizes.ts";

/** What is said of pictures of a still scene, each learnt after it. */
function readAll(sizes: PictureSizes, bytes: readonly number[]) {
  return bytes.map((size) => {
    const sign = sizes.read(size, false);
    sizes.learn(size, false);
    return sign;
  });
}

test("nearly all pictures of a still scene are calm, and one that takes more bits is not", () => {
  const random = new Random("sizes", 1);
  const sizes = new PictureSizes();
  const signs = readAll(
    sizes,
    Array.from({ length: 500 }, () => random.between(500, 3000)),
  );
  const share = signs.filter(({ calmMs }) => calmMs > 0).length / signs.length;
  expect(share).toBeGreaterThan(0.85);
  expect(share).toBeLessThan(0.99);
  expect(sizes.read(4000, false)).toEqual({ calmMs: 0, isStriking: false });
  expect(sizes.read(8000, false)).toEqual({ calmMs: 0, isStriking: true });
  expect(sizes.read(20_000, true)).toEqual({ calmMs: 0, isStriking: false });
  const after = [500, 500, 500].map((size) => sizes.read(size, false));
  expect(after.at(-1)).toEqual({ calmMs: 2000, isStriking: false });
});

test("a few pictures in a row that are each a little larger are not calm, though one of them alone would be", () => {
  const random = new Random("sizes", 2);
  const sizes = new PictureSizes();
  readAll(
    sizes,
    Array.from({ length: 500 }, () => random.between(500, 3000)),
  );
  const signs = [1000, 1000, 1000, 2800, 2800, 2800].map((size) => sizes.read(size, false));
  expect(signs.map(({ calmMs }) => calmMs > 0)).toEqual([true, true, true, true, true, false]);
});

test("pictures all of one size tell little, so looks wait less for them; the first ones tell nothing", () => {
  const signs = readAll(
    new PictureSizes(),
    Array.from({ length: 30 }, () => 1000),
  );
  expect(signs.findIndex(({ calmMs }) => calmMs > 0)).toBe(16);
  expect(signs.at(-1)).toEqual({ calmMs: 300, isStriking: false });
});
