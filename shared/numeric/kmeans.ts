import type { Random } from "../base/random.ts";

/** Points as columns: all first coordinates, then all second ones, so that loops run along memory. */
export interface Points {
  /** [dimensions, count] */
  readonly values: Float64Array;
  readonly count: number;
}

export interface Clusters {
  /** [dimensions, clusterCount], the cluster with the most points first. */
  readonly centroids: Points;
  /** The cluster of each point. */
  readonly nearest: Int32Array;
  /** Points in each cluster. */
  readonly sizes: Uint32Array;
  /** Sum of the squared distances of the points from their centroids. */
  readonly inertia: number;
}

/**
 * Squared Euclidean distances of all points to all centroids.
 *
 * @returns [centroids, points]
 */
export function squaredDistances(points: Points, centroids: Points): Float64Array {
  const { values, count } = points;
  const dimensions = values.length / count;
  const distances = new Float64Array(centroids.count * count);
  for (let c = 0; c < centroids.count; c++) {
    const row = distances.subarray(c * count, (c + 1) * count);
    for (let d = 0; d < dimensions; d++) {
      const column = values.subarray(d * count, (d + 1) * count);
      const centre = centroids.values[d * centroids.count + c]!;
      for (let i = 0; i < count; i++) {
        const apart = column[i]! - centre;
        row[i]! += apart * apart;
      }
    }
  }
  return distances;
}

/**
 * The nearest centroid of each point, the first of several equally near ones.
 *
 * @param distances [centroids, points]
 */
export function nearestCentroids(
  distances: Float64Array,
  pointCount: number,
): { readonly nearest: Int32Array; readonly least: Float64Array } {
  const nearest = new Int32Array(pointCount);
  const least = distances.slice(0, pointCount);
  for (let c = 1; c * pointCount < distances.length; c++) {
    const row = distances.subarray(c * pointCount, (c + 1) * pointCount);
    for (let i = 0; i < pointCount; i++) {
      if (row[i]! >= least[i]!) continue;
      least[i] = row[i]!;
      nearest[i] = c;
    }
  }
  return { nearest, least };
}

/** Starts with a bad draw are outvoted by the best of several runs. */
const RUNS = 4;
const ITERATIONS_MAX = 100;

/**
 * Groups points round centroids (Lloyd 1982) from the starts of k-means++ (Arthur and Vassilvitskii 2007): the run
 * with the least inertia of a few. The same points and random numbers give the same clusters.
 *
 * @param clusterCount at most; fewer where there are not as many different points
 */
export function kMeans(points: Points, clusterCount: number, random: Random): Clusters {
  if (points.count === 0) throw new RangeError("k-means of no points");
  const runs = Array.from({ length: RUNS }, () => run(points, spreadStarts(points, clusterCount, random)));
  return largestFirst(runs.reduce((best, one) => (one.inertia < best.inertia ? one : best)));
}

/** k-means++: each start is drawn with a chance that grows with its squared distance from those before it. */
function spreadStarts(points: Points, clusterCount: number, random: Random): Points {
  const chosen = [random.below(points.count)];
  const least = squaredDistances(points, pick(points, chosen));
  while (chosen.length < clusterCount) {
    const sum = least.reduce((so, distance) => so + distance, 0);
    if (sum === 0) break; // every point is a start already
    let left = random.unit() * sum;
    let next = least.findLastIndex((distance) => distance > 0);
    for (let i = 0; i < least.length; i++) {
      left -= least[i]!;
      if (left >= 0 || least[i] === 0) continue;
      next = i;
      break;
    }
    chosen.push(next);
    const further = squaredDistances(points, pick(points, [next]));
    for (let i = 0; i < least.length; i++) least[i] = Math.min(least[i]!, further[i]!);
  }
  return pick(points, chosen);
}

function run(points: Points, starts: Points): Clusters {
  let centroids = starts;
  let found = nearestCentroids(squaredDistances(points, centroids), points.count);
  for (let i = 0; i < ITERATIONS_MAX; i++) {
    centroids = means(points, found.nearest, centroids);
    const next = nearestCentroids(squaredDistances(points, centroids), points.count);
    const settled = next.nearest.every((cluster, point) => cluster === found.nearest[point]);
    found = next;
    if (settled) break;
  }
  const sizes = new Uint32Array(centroids.count);
  for (const cluster of found.nearest) sizes[cluster]!++;
  const inertia = found.least.reduce((sum, distance) => sum + distance, 0);
  return { centroids, nearest: found.nearest, sizes, inertia };
}

/** The mean of each cluster's points. A cluster that lost all of them stays where it was. */
function means({ values, count }: Points, nearest: Int32Array, before: Points): Points {
  const sizes = new Uint32Array(before.count);
  for (let i = 0; i < count; i++) sizes[nearest[i]!]!++;
  const sums = new Float64Array(before.values.length);
  for (let d = 0; d * count < values.length; d++) {
    const column = values.subarray(d * count, (d + 1) * count);
    for (let i = 0; i < count; i++) sums[d * before.count + nearest[i]!]! += column[i]!;
  }
  const mean = sums.map((sum, place) => {
    const size = sizes[place % before.count]!;
    return size === 0 ? before.values[place]! : sum / size;
  });
  return { values: mean, count: before.count };
}

function largestFirst({ centroids, nearest, sizes, inertia }: Clusters): Clusters {
  const order = [...sizes.keys()].sort((a, b) => sizes[b]! - sizes[a]! || a - b);
  const rank = new Int32Array(order.length);
  order.forEach((cluster, place) => {
    rank[cluster] = place;
  });
  return {
    centroids: pick(centroids, order),
    nearest: nearest.map((cluster) => rank[cluster]!),
    sizes: Uint32Array.from(order, (cluster) => sizes[cluster]!),
    inertia,
  };
}

function pick({ values, count }: Points, places: readonly number[]): Points {
  const dimensions = values.length / count;
  const picked = new Float64Array(dimensions * places.length);
  for (let d = 0; d < dimensions; d++) {
    places.forEach((place, i) => {
      picked[d * places.length + i] = values[d * count + place]!;
    });
  }
  return { values: picked, count: places.length };
}
