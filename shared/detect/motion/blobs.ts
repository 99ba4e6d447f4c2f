import type { Box } from "../types.ts";

/**
 * Boxes about the connected parts of a mask, gaps of one pixel closed.
 *
 * @param mask [height, width], 0 or 1; used up
 * @param areaMin pixels that a part must have
 * @returns boxes in pixels of the mask, the largest part first
 */
export function blobBoxes(mask: Uint8Array, width: number, height: number, areaMin: number): Box[] {
  const blobs: { readonly box: Box; readonly area: number }[] = [];
  const stack: number[] = [];
  for (let start = 0; start < mask.length; start++) {
    if (mask[start] === 0) continue;
    mask[start] = 0;
    stack.push(start);
    let [left, top, right, bottom, area] = [width, height, 0, 0, 0];
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const x = at % width;
      const y = (at - x) / width;
      area++;
      left = Math.min(left, x);
      right = Math.max(right, x + 1);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y + 1);
      const firstX = Math.max(0, x - 2);
      const lastX = Math.min(width - 1, x + 2);
      const lastY = Math.min(height - 1, y + 2);
      for (let nextY = Math.max(0, y - 2); nextY <= lastY; nextY++) {
        for (let next = nextY * width + firstX; next <= nextY * width + lastX; next++) {
          if (mask[next] === 0) continue;
          mask[next] = 0;
          stack.push(next);
        }
      }
    }
    if (area >= areaMin) blobs.push({ box: [left, top, right, bottom], area });
  }
  return blobs.sort((a, b) => b.area - a.area).map(({ box }) => box);
}
