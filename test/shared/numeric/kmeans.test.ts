import { describe, expect, test } from "bun:test";
import { Random } from "../../../shared/base/random.ts";
import { kMeans, nearestCentroids, type Points, squaredDistances } from "../../../shared/numeric/kmeans.ts";

function pointsOf(rows: readonly (readonly [number, number])[]): Points {
  return { values: Float64Array.of(...rows.map(([x]) => x), ...rows.map(([, y]) => y)), count: rows.length };
}

/** Points around three places, 60 of them around the first, 30 and 10 around the others. */
function threeHeaps(): Points {
  const random = new Random("heaps");
  const heap = (count: number, x: number, y: number): [number, number][] =>
    Array.from({ length: count }, () => [x + random.normal(), y + random.normal()]);
  return pointsOf([...heap(10, 0, 40), ...heap(60, 0, 0), ...heap(30, 40, 0)]);
}

describe("distances", () => {
  test("are what two nested loops compute", () => {
    const points = threeHeaps();
    const centroids = pointsOf([
      [1, 2],
      [-3, 4],
    ]);
    const distances = squaredDistances(points, centroids);
    for (let c = 0; c < 2; c++) {
      for (let i = 0; i < points.count; i++) {
        const dx = points.values[i]! - centroids.values[c]!;
        const dy = points.values[points.count + i]! - centroids.values[2 + c]!;
        expect(distances[c * points.count + i]).toBeCloseTo(dx * dx + dy * dy, 10);
      }
    }
  });

  test("lead to the nearest centroid, the first of two equally near", () => {
    const { nearest, least } = nearestCentroids(Float64Array.of(1, 4, 9, 1, 2, 10), 3);
    expect([...nearest]).toEqual([0, 1, 0]);
    expect([...least]).toEqual([1, 2, 9]);
  });
});

describe("k-means", () => {
  test("finds the heaps that are there, the largest first", () => {
    const { centroids, sizes, nearest } = kMeans(threeHeaps(), 3, new Random(1));
    expect([...sizes]).toEqual([60, 30, 10]);
    const expected = [0, 40, 0, 0, 0, 40];
    centroids.values.forEach((value, i) => {
      expect(Math.abs(value - expected[i]!)).toBeLessThan(1);
    });
    expect([nearest[0], nearest[10], nearest[70]]).toEqual([2, 0, 1]);
  });

  test("does the same with the same random numbers", () => {
    expect(kMeans(threeHeaps(), 4, new Random(7))).toEqual(kMeans(threeHeaps(), 4, new Random(7)));
  });

  test("makes no more clusters than there are different points", () => {
    const twoPlaces = pointsOf([
      [1, 1],
      [2, 2],
      [1, 1],
    ]);
    const { sizes, inertia } = kMeans(twoPlaces, 5, new Random(1));
    expect([...sizes]).toEqual([2, 1]);
    expect(inertia).toBe(0);
  });

  test("gains from every further cluster", () => {
    const inertias = [1, 2, 3, 4].map((count) => kMeans(threeHeaps(), count, new Random(1)).inertia);
    expect(inertias).toEqual(inertias.toSorted((a, b) => b - a));
  });
});
