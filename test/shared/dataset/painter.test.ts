import { describe, expect, test } from "bun:test";
import { colourTransform, halved, Painter, PLAIN_COLOURS } from "../../../shared/dataset/painter.ts";
import { resizeBilinear } from "../../../shared/image/resize.ts";
import type { Picture } from "../../../shared/image/types.ts";

const SIZE = 64;
const CLIP = { left: 0, top: 0, right: SIZE, bottom: SIZE };
const NOTHING = 200;

/** Smooth in both directions, different in each channel. */
function gradientPicture(width: number, height: number): Picture {
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      data.set([(255 * x) / width, (255 * y) / height, 120], 3 * (y * width + x));
    }
  }
  return { width, height, data };
}

function canvas(): Uint8ClampedArray {
  return new Uint8ClampedArray(3 * SIZE * SIZE).fill(NOTHING);
}

function pixel(data: ArrayLike<number>, x: number, y: number): number[] {
  const at = 3 * (y * SIZE + x);
  return [data[at]!, data[at + 1]!, data[at + 2]!];
}

describe("a picture painted on a canvas", () => {
  test.each([
    [50, 40],
    [64, 64],
    [90, 100],
    [200, 170],
  ])("from %i x %i px is what resizing gives, to a few grey levels", (width, height) => {
    const full = gradientPicture(width, height);
    const painted = canvas();
    const at = { left: 0, top: 0, width: SIZE, height: SIZE, mirrored: false };
    new Painter(SIZE).paint(painted, CLIP, { full, half: halved(full) }, at, PLAIN_COLOURS);
    const wanted = resizeBilinear(full, SIZE, SIZE).data;
    const worst = painted.reduce((most, value, i) => Math.max(most, Math.abs(value - wanted[i]!)), 0);
    expect(worst).toBeLessThanOrEqual(4);
  });

  test("touches nothing outside its clip, and says what it covered", () => {
    const full = gradientPicture(30, 30);
    const painted = canvas();
    const clip = { left: 10, top: 20, right: 40, bottom: 50 };
    const at = { left: -5.3, top: 30.2, width: 40, height: 60, mirrored: false };
    const covered = new Painter(SIZE).paint(painted, clip, { full, half: halved(full) }, at, PLAIN_COLOURS);
    expect(covered).toEqual({ left: 10, top: 30, right: 35, bottom: 50 });
    for (let y = 0; y < SIZE; y++) {
      for (let x = 0; x < SIZE; x++) {
        const inside = x >= 10 && x < 35 && y >= 30 && y < 50;
        expect(pixel(painted, x, y)[2]).toBe(inside ? 120 : NOTHING);
      }
    }
  });

  test("that lies outside its clip paints nothing", () => {
    const full = gradientPicture(30, 30);
    const painted = canvas();
    const at = { left: 70, top: 0, width: 40, height: 60, mirrored: false };
    const source = { full, half: halved(full) };
    expect(new Painter(SIZE).paint(painted, CLIP, source, at, PLAIN_COLOURS)).toBeUndefined();
    expect(painted).toEqual(canvas());
  });

  test("mirrored is the same from right to left", () => {
    const full = gradientPicture(37, 29);
    const [plain, mirrored] = [canvas(), canvas()];
    const painter = new Painter(SIZE);
    const at = { left: 0, top: 0, width: SIZE, height: SIZE, mirrored: false };
    painter.paint(plain, CLIP, { full, half: halved(full) }, at, PLAIN_COLOURS);
    painter.paint(mirrored, CLIP, { full, half: halved(full) }, { ...at, mirrored: true }, PLAIN_COLOURS);
    for (let x = 0; x < SIZE; x++) {
      const there = pixel(plain, SIZE - 1 - x, 11);
      pixel(mirrored, x, 11).forEach((value, c) => {
        expect(Math.abs(value - there[c]!)).toBeLessThanOrEqual(1);
      });
    }
  });

  test("of one pixel fills its place", () => {
    const full = { width: 1, height: 1, data: Uint8Array.of(10, 20, 30, 0, 0, 0) };
    const painted = canvas();
    const at = { left: 0, top: 0, width: SIZE, height: SIZE, mirrored: true };
    new Painter(SIZE).paint(painted, CLIP, { full, half: halved(full) }, at, PLAIN_COLOURS);
    expect(pixel(painted, 63, 63)).toEqual([10, 20, 30]);
  });

  test("takes colours by matrix and offset, cut to 0..255", () => {
    const full = { width: 2, height: 2, data: new Uint8Array(12).fill(100) };
    const painted = canvas();
    const at = { left: 0, top: 0, width: SIZE, height: SIZE, mirrored: false };
    const colours = colourTransform([1, 0, 0, 0, 3, 0, -1, 0, 0], 7);
    const painter = new Painter(SIZE);
    painter.paint(painted, CLIP, { full, half: full }, at, colours);
    expect(pixel(painted, 5, 5)).toEqual([107, 255, 0]);
    painter.fill(painted, 100, colours);
    expect(pixel(painted, 63, 63)).toEqual([107, 255, 0]);
  });
});

test("half a picture holds the means of fours", () => {
  const data = Uint8Array.from({ length: 4 * 2 * 3 }, (_, i) => i);
  expect([...halved({ width: 4, height: 2, data }).data]).toEqual([8, 9, 10, 14, 15, 16]);
});
