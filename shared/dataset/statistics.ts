import { boxIou } from "../detect/types.ts";
import { l0Norm } from "../numeric/norms.ts";
import type { Dataset, Sample, SplitName } from "./types.ts";

/** Five numbers that say how values are spread; the quarters are interpolated. */
export interface Spread {
  readonly least: number;
  readonly quarter: number;
  readonly median: number;
  readonly threeQuarters: number;
  readonly most: number;
}

export interface SplitFacts {
  readonly name: SplitName;
  readonly pictures: number;
  readonly picturesWithoutObjects: number;
  readonly boxes: number;
  /** How many of the data set's classes have a box here. */
  readonly classes: number;
}

export interface ClassFacts {
  readonly name: string;
  readonly pictures: number;
  readonly boxes: number;
  readonly boxesIn: Readonly<Record<SplitName, number>>;
  /** The middle one of its boxes' shorter sides, in shares of the picture's longer side. */
  readonly shorterShareMedian: number;
}

/** A label that is there twice: two boxes of one class that overlap almost wholly. */
export interface DoubleLabel {
  readonly sample: Sample;
  readonly className: string;
}

/** What a data set's labels say about it. */
export interface DatasetStatistics {
  readonly splits: readonly SplitFacts[];
  readonly classes: readonly ClassFacts[];
  readonly pictureWidthPx: Spread;
  readonly pictureHeightPx: Spread;
  readonly objectsPerPicture: Spread;
  readonly boxes: BoxColumns;
  readonly doubleLabels: readonly DoubleLabel[];
  readonly picturesWithSeveral: number;
  /** Whether each picture has exactly one object. */
  readonly isOneObjectEach: boolean;
  /** Whether every box covers its whole picture: labels that name pictures, as a folder for each class gives them. */
  readonly isWholePictures: boolean;
}

/** A number for each box, in one order. */
export interface BoxColumns {
  readonly classIndex: Int32Array;
  readonly widthPx: Float64Array;
  readonly heightPx: Float64Array;
  /** In shares of the picture's longer side: times the input side, that is what a letterboxed network sees. */
  readonly widthShare: Float64Array;
  readonly heightShare: Float64Array;
}

/** In the order in which they are shown. */
export const SPLITS: readonly SplitName[] = ["train", "val", "test"];
/** Two boxes of one class that overlap more than this frame the same object. */
const DOUBLE_IOU_MIN = 0.9;

export function datasetStatistics({ classes, splits }: Dataset): DatasetStatistics {
  const samples = SPLITS.flatMap((name) => splits[name] ?? []);
  const boxes = boxColumns(samples);
  const counts = SPLITS.map((name) => boxCounts(splits[name] ?? [], classes.length));
  const pictureCounts = new Uint32Array(classes.length);
  for (const { labels } of samples) {
    for (const classIndex of new Set(labels.map((label) => label.classIndex))) pictureCounts[classIndex]!++;
  }
  const shorter = shorterShares(boxes);
  return {
    splits: SPLITS.flatMap((name, s) => {
      const own = splits[name] ?? [];
      if (own.length === 0) return [];
      const boxCount = own.reduce((sum, { labels }) => sum + labels.length, 0);
      const empty = own.filter(({ labels }) => labels.length === 0).length;
      return [
        {
          name,
          pictures: own.length,
          picturesWithoutObjects: empty,
          boxes: boxCount,
          classes: l0Norm(counts[s]!),
        },
      ];
    }),
    classes: classes.map((name, c) => {
      const [train = 0, val = 0, test = 0] = counts.map((one) => one[c]);
      const own = shorter.filter((_, place) => boxes.classIndex[place] === c);
      return {
        name,
        pictures: pictureCounts[c]!,
        boxes: train + val + test,
        boxesIn: { train, val, test },
        shorterShareMedian: quantile(own.sort(), 0.5),
      };
    }),
    pictureWidthPx: spreadOf(samples.map(({ width }) => width)),
    pictureHeightPx: spreadOf(samples.map(({ height }) => height)),
    objectsPerPicture: spreadOf(samples.map(({ labels }) => labels.length)),
    boxes,
    doubleLabels: samples.flatMap((sample) => doubleLabels(sample, classes)),
    picturesWithSeveral: samples.filter(({ labels }) => labels.length > 1).length,
    isOneObjectEach: samples.every(({ labels }) => labels.length === 1),
    isWholePictures: samples.every(({ labels, width, height }) =>
      labels.every(({ box }) => box[0] === 0 && box[1] === 0 && box[2] === width && box[3] === height),
    ),
  };
}

function boxCounts(samples: readonly Sample[], classCount: number): Uint32Array {
  const counts = new Uint32Array(classCount);
  for (const { labels } of samples) for (const { classIndex } of labels) counts[classIndex]!++;
  return counts;
}

function boxColumns(samples: readonly Sample[]): BoxColumns {
  const rows = samples.flatMap(({ labels, width, height }) =>
    labels.map(({ classIndex, box }) => ({ classIndex, box, longer: Math.max(width, height) })),
  );
  const widthPx = Float64Array.from(rows, ({ box }) => box[2] - box[0]);
  const heightPx = Float64Array.from(rows, ({ box }) => box[3] - box[1]);
  return {
    classIndex: Int32Array.from(rows, ({ classIndex }) => classIndex),
    widthPx,
    heightPx,
    widthShare: widthPx.map((width, place) => width / rows[place]!.longer),
    heightShare: heightPx.map((height, place) => height / rows[place]!.longer),
  };
}

/** The shorter side of each box, in shares of the picture's longer side. */
export function shorterShares({ widthShare, heightShare }: BoxColumns): Float64Array {
  return widthShare.map((width, place) => Math.min(width, heightShare[place]!));
}

function doubleLabels(sample: Sample, classes: readonly string[]): DoubleLabel[] {
  const { labels } = sample;
  return labels.flatMap(({ classIndex, box }, place) => {
    const isTwin = labels
      .slice(0, place)
      .some((other) => other.classIndex === classIndex && boxIou(other.box, box) > DOUBLE_IOU_MIN);
    return isTwin ? [{ sample, className: classes[classIndex]! }] : [];
  });
}

/** All 0 where there are no values. */
export function spreadOf(values: Iterable<number>): Spread {
  const sorted = Float64Array.from(values).sort();
  const [least, quarter, median, threeQuarters, most] = [0, 0.25, 0.5, 0.75, 1].map((share) =>
    quantile(sorted, share),
  ) as [number, number, number, number, number];
  return { least, quarter, median, threeQuarters, most };
}

/**
 * The value below which a share of the others lie, interpolated between neighbours; 0 where there are none.
 *
 * @param sorted ascending
 */
export function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? 0;
  const above = sorted[Math.ceil(at)] ?? 0;
  return below + (above - below) * (at - Math.floor(at));
}
