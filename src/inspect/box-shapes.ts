import { Random } from "../../shared/base/random.ts";
import type { BoxColumns } from "../../shared/dataset/statistics.ts";
import { kMeans } from "../../shared/numeric/kmeans.ts";

/** A usual shape of boxes. */
export interface BoxShape {
  /** Pixels at the network's input. */
  readonly widthPx: number;
  readonly heightPx: number;
  /** Of all boxes, 0 to 1. */
  readonly share: number;
}

const SHAPE_COUNT_MAX = 6;
/** Of more boxes every second, third ... is taken: the shapes come out the same, in a part of the time. */
const BOX_COUNT_MAX = 20_000;

/**
 * The shapes that boxes usually have, the most frequent first: k-means of the sides' logarithms, so that twice as
 * wide counts as much as half as wide, and a centroid is a geometric mean.
 *
 * @param sidePx of the network's input
 */
export function boxShapes({ widthShare, heightShare }: BoxColumns, sidePx: number): BoxShape[] {
  const step = Math.ceil(widthShare.length / BOX_COUNT_MAX);
  const isTaken = (_: number, place: number): boolean => place % step === 0;
  const widths = widthShare.filter(isTaken);
  const count = widths.length;
  const values = new Float64Array(2 * count);
  values.set(widths.map(Math.log2));
  values.set(heightShare.filter(isTaken).map(Math.log2), count);
  const { centroids, sizes } = kMeans({ values, count }, SHAPE_COUNT_MAX, new Random("box shapes", count));
  return Array.from(sizes, (size, c) => ({
    widthPx: sidePx * 2 ** centroids.values[c]!,
    heightPx: sidePx * 2 ** centroids.values[centroids.count + c]!,
    share: size / count,
  }));
}
