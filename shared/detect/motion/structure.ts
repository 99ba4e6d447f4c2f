import type { GreyPicture } from "./grey.ts";

/** A picture is compared in so many tiles a side. */
const TILES = 6;
/** Standard deviation, in grey levels, below which a tile has nothing to compare but its level. */
const FLAT_DEVIATION = 3;
const SAME_LEVEL = 12;
/** Normalised correlation at which two tiles show the same thing, whatever the light. */
const SAME_CORRELATION = 0.5;

/**
 * Share of the picture's tiles that show the same things in both: by normalised cross-correlation, which does not see
 * brightness or contrast. Near 1 after a lamp was switched on, near 0 after a cut to another scene.
 */
export function sharedStructure(a: GreyPicture, b: GreyPicture): number {
  let same = 0;
  for (let row = 0; row < TILES; row++) {
    for (let column = 0; column < TILES; column++) if (isSameTile(a, b, row, column)) same++;
  }
  return same / TILES ** 2;
}

/** Where a tile begins, and the one before it ends. */
function edgeOf(tile: number, length: number): number {
  return Math.floor((tile * length) / TILES);
}

function isSameTile(a: GreyPicture, b: GreyPicture, row: number, column: number): boolean {
  const [top, bottom] = [edgeOf(row, a.height), edgeOf(row + 1, a.height)];
  const [left, right] = [edgeOf(column, a.width), edgeOf(column + 1, a.width)];
  const count = (bottom - top) * (right - left);
  if (count === 0) return true;
  const [greyA, greyB] = [a.grey, b.grey];
  let [sumA, sumB, sumAA, sumBB, sumAB] = [0, 0, 0, 0, 0];
  for (let y = top; y < bottom; y++) {
    const end = y * a.width + right;
    for (let at = y * a.width + left; at < end; at++) {
      const p = greyA[at]!;
      const q = greyB[at]!;
      sumA += p;
      sumB += q;
      sumAA += p * p;
      sumBB += q * q;
      sumAB += p * q;
    }
  }
  const deviationA = Math.sqrt(Math.max(0, sumAA / count - (sumA / count) ** 2));
  const deviationB = Math.sqrt(Math.max(0, sumBB / count - (sumB / count) ** 2));
  if (deviationA < FLAT_DEVIATION && deviationB < FLAT_DEVIATION) {
    return Math.abs(sumA - sumB) / count < SAME_LEVEL;
  }
  if (deviationA < FLAT_DEVIATION / 2 || deviationB < FLAT_DEVIATION / 2) return false;
  const covariance = sumAB / count - (sumA / count) * (sumB / count);
  return covariance / (deviationA * deviationB) >= SAME_CORRELATION;
}
