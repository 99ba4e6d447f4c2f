/** Boxes about the shapes that some tools draw instead of boxes: left, top, right, bottom. */

/** About a turned box, as roLabelImg writes it: its middle, its sides, and its angle in radians. */
export function boundsOfTurned([
  cx = 0,
  cy = 0,
  width = 0,
  height = 0,
  angle = 0,
]: readonly number[]): number[] {
  const [cos, sin] = [Math.abs(Math.cos(angle)), Math.abs(Math.sin(angle))];
  const [x, y] = [(width * cos + height * sin) / 2, (width * sin + height * cos) / 2];
  return [cx - x, cy - y, cx + x, cy + y];
}

/** About a polygon's corners; `undefined` where there are fewer than three. */
export function boundsOfCorners(corners: readonly (readonly number[])[]): number[] | undefined {
  if (corners.length < 3) return undefined;
  const [xs, ys] = [0, 1].map((axis) => corners.map((corner) => corner[axis]!)) as [number[], number[]];
  return [xs, ys].map((places) => Math.min(...places)).concat([xs, ys].map((places) => Math.max(...places)));
}
