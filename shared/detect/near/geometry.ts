/** A place on the picture, in shares of its width and height: 0, 0 is the left top corner. */
export type Point = readonly [x: number, y: number];

/** Whether a point lies in a polygon (even-odd rule; the last corner is joined to the first). */
export function isInside([x, y]: Point, polygon: readonly Point[]): boolean {
  let inside = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [xi, yi] = polygon[i]!;
    const [xj, yj] = polygon[j]!;
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

/**
 * Whether the way from one place to another crosses the line from `a` to `b`, and how: 1 from its left side to its
 * right (looking from `a` to `b`), -1 from right to left, 0 not at all.
 */
export function crossing(from: Point, to: Point, a: Point, b: Point): -1 | 0 | 1 {
  const before = sideOf(from, a, b);
  const after = sideOf(to, a, b);
  if (before < 0 === after < 0) return 0;
  // The line's ends lie on different sides of the way, or the way passes beside it.
  if (sideOf(a, from, to) < 0 === sideOf(b, from, to) < 0) return 0;
  return before < 0 ? 1 : -1;
}

/** Negative on the left of the line from `a` to `b` as a person on the picture sees it (y grows downward). */
function sideOf([x, y]: Point, [ax, ay]: Point, [bx, by]: Point): number {
  return (bx - ax) * (y - ay) - (by - ay) * (x - ax);
}
