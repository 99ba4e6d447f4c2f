import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import sharp from "sharp";
import { Random } from "../../../shared/base/random.ts";
import { crop, LETTERBOX_GREY, letterbox, resizeBilinear } from "../../../shared/image/resize.ts";
import type { Picture } from "../../../shared/image/types.ts";

function noise(width: number, height: number, seed = 1): Picture {
  const random = new Random(seed);
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, () => random.below(256)) };
}

function pixel({ width, data }: Picture, x: number, y: number): number[] {
  return [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
}

const side = fc.integer({ min: 1, max: 40 });

describe("resizing", () => {
  test("keeps a flat picture flat, at any two sizes", () => {
    fc.assert(
      fc.property(side, side, side, side, fc.nat(255), (width, height, toWidth, toHeight, value) => {
        const flat = { width, height, data: new Uint8Array(width * height * 3).fill(value) };
        const resized = resizeBilinear(flat, toWidth, toHeight);
        expect(resized.data.length).toBe(toWidth * toHeight * 3);
        expect(resized.data.every((sample) => sample === value)).toBe(true);
      }),
      { seed: 7, numRuns: 100 },
    );
  });

  test("to the same size is the picture itself", () => {
    const picture = noise(9, 7);
    expect(resizeBilinear(picture, 9, 7)).toBe(picture);
  });

  test("to half the size weighs neighbours by the triangle filter", () => {
    // Support 2, weights 1 3 3 1 of 8; at the edge what lies outside does not count.
    const row = { width: 4, height: 1, data: Uint8Array.from([0, 80, 160, 240].flatMap((v) => [v, v, v])) };
    const { data } = resizeBilinear(row, 2, 1);
    expect(data[0]).toBe(Math.round((3 * 0 + 3 * 80 + 160) / 7));
    expect(data[3]).toBe(Math.round((80 + 3 * 160 + 3 * 240) / 7));
  });

  test("to double the size interpolates linearly", () => {
    const row = { width: 2, height: 1, data: Uint8Array.from([0, 0, 0, 100, 100, 100]) };
    const reds = Array.from({ length: 4 }, (_, x) => pixel(resizeBilinear(row, 4, 1), x, 0)[0]);
    expect(reds).toEqual([0, 25, 75, 100]);
  });

  test("agrees with libvips' linear kernel to a level or so", async () => {
    const picture = noise(60, 45);
    const { width, height, data } = picture;
    const theirs = await sharp(data, { raw: { width, height, channels: 3 } })
      .resize(23, 17, { kernel: "linear", fit: "fill" })
      .raw()
      .toBuffer();
    const ours = resizeBilinear(picture, 23, 17).data;
    const mean = ours.reduce((sum, value, i) => sum + Math.abs(value - theirs[i]!), 0) / ours.length;
    expect(mean).toBeLessThan(1.5);
  });
});

describe("a letterboxed picture", () => {
  test("keeps its shape, lies in the middle, and its places lead back to it", () => {
    fc.assert(
      fc.property(side, side, fc.integer({ min: 8, max: 64 }), (width, height, size) => {
        const { data, scale, offsetX, offsetY } = letterbox(noise(width, height), size);
        expect(data.length).toBe(size * size * 3);
        expect(Math.max(width, height) * scale).toBeCloseTo(size, 6);
        const right = (size - offsetX - offsetX) / scale;
        expect(Math.abs(right - width) * scale).toBeLessThanOrEqual(1.5);
        expect(offsetY).toBeGreaterThanOrEqual(0);
      }),
      { seed: 3, numRuns: 60 },
    );
  });

  test("has grey around it", () => {
    const white = { width: 40, height: 20, data: new Uint8Array(40 * 20 * 3).fill(255) };
    const { data, offsetX, offsetY } = letterbox(white, 40);
    const box = { width: 40, height: 40, data };
    expect([offsetX, offsetY]).toEqual([0, 10]);
    expect(pixel(box, 20, 9)).toEqual([LETTERBOX_GREY, LETTERBOX_GREY, LETTERBOX_GREY]);
    expect(pixel(box, 20, 10)).toEqual([255, 255, 255]);
    expect(pixel(box, 20, 29)).toEqual([255, 255, 255]);
    expect(pixel(box, 20, 30)).toEqual([LETTERBOX_GREY, LETTERBOX_GREY, LETTERBOX_GREY]);
  });
});

describe("cropping", () => {
  const picture = noise(10, 8);

  test("takes the pixels under the box", () => {
    const part = crop(picture, [2, 3, 6, 5]);
    expect(part).toMatchObject({ width: 4, height: 2 });
    expect(pixel(part, 0, 0)).toEqual(pixel(picture, 2, 3));
    expect(pixel(part, 3, 1)).toEqual(pixel(picture, 5, 4));
  });

  test("is clipped to the picture and gives at least a pixel", () => {
    expect(crop(picture, [-5, -5, 100, 100])).toMatchObject({ width: 10, height: 8 });
    expect(crop(picture, [50, 50, 60, 60])).toMatchObject({ width: 1, height: 1 });
    expect(crop(picture, [4.4, 4.4, 4.6, 4.6])).toMatchObject({ width: 1, height: 1 });
  });
});
