import type { Picture } from "../image/types.ts";
import type { Box } from "./types.ts";

/** Rows and columns of the box that are measured, at most: sharpness needs no more. */
const SAMPLES = 48;

/**
 * How sharp a picture is inside a box: the mean step of brightness between neighbouring pixels, 0 to 255. Of photos of
 * one object under one light, the higher is the sharper.
 */
export function sharpnessOf({ width, height, data }: Picture, [x1, y1, x2, y2]: Box): number {
  const [left, top] = [Math.max(0, Math.floor(x1)), Math.max(0, Math.floor(y1))];
  const [right, bottom] = [Math.min(width, Math.ceil(x2)) - 1, Math.min(height, Math.ceil(y2)) - 1];
  const stepX = Math.max(1, Math.floor((right - left) / SAMPLES));
  const stepY = Math.max(1, Math.floor((bottom - top) / SAMPLES));
  const luma = (at: number): number => 77 * data[at]! + 150 * data[at + 1]! + 29 * data[at + 2]!;
  let [sum, count] = [0, 0];
  for (let y = top; y < bottom; y += stepY) {
    for (let x = left; x < right; x += stepX) {
      const at = 3 * (y * width + x);
      const here = luma(at);
      sum += Math.abs(luma(at + 3) - here) + Math.abs(luma(at + 3 * width) - here);
      count += 2;
    }
  }
  return count === 0 ? 0 : sum / count / 256;
}
