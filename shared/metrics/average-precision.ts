import { byClass, IOU_MIN, matchGreedily } from "./matching.ts";
import { type Metric, meanOf, type ScoredPicture } from "./metric.ts";

/** Overlaps .50, .55, ... .95, as numpy.linspace gives them. */
const COCO_IOUS: readonly number[] = Array.from({ length: 10 }, (_, i) =>
  i === 9 ? 0.95 : 0.5 + i * ((0.95 - 0.5) / 9),
);
/** Detections of one class in one picture that COCO looks at. */
const COCO_DETECTIONS_MAX = 100;
const RECALL_POINTS: readonly number[] = Array.from({ length: 101 }, (_, i) => (i === 100 ? 1 : i * 0.01));

/** Average precisions of one class, 0 to 1; null for a class without truths, which has none. */
interface ClassPrecision {
  readonly ap: number | null;
  readonly ap50: number | null;
  readonly ap75: number | null;
  readonly truths: number;
}

export interface CocoResult {
  /** Means over the classes that have truths, and 0 where none has. */
  readonly map: number;
  readonly map50: number;
  readonly map75: number;
  readonly perClass: readonly ClassPrecision[];
}

/**
 * COCO's detection metrics (Lin et al. 2014; the algorithm of pycocotools' COCOeval, all areas, 100 detections of a
 * class in a picture): precision made monotone, read at 101 recalls, averaged over ten overlaps.
 */
export class CocoAveragePrecision implements Metric<CocoResult> {
  readonly #classes: { readonly ranking: Ranking[]; truths: number }[];

  constructor(classCount: number) {
    const rankings = (): Ranking[] => COCO_IOUS.map(() => new Ranking());
    this.#classes = Array.from({ length: classCount }, () => ({ ranking: rankings(), truths: 0 }));
  }

  add(picture: ScoredPicture): void {
    for (const { classIndex, detections, truths, overlaps } of byClass(picture, COCO_DETECTIONS_MAX)) {
      const one = this.#classes[classIndex];
      if (one === undefined) continue;
      one.truths += truths.length;
      COCO_IOUS.forEach((iouMin, t) => {
        const matches = matchGreedily(overlaps, iouMin);
        detections.forEach(({ score }, d) => {
          one.ranking[t]!.push(score, matches[d]! >= 0);
        });
      });
    }
  }

  result(): CocoResult {
    const perClass = this.#classes.map(({ ranking, truths }): ClassPrecision => {
      if (truths === 0) return { ap: null, ap50: null, ap75: null, truths };
      const precisions = ranking.map((one) => cocoPrecision(one.curve(truths)));
      return { ap: meanOf(precisions)!, ap50: precisions[0]!, ap75: precisions[5]!, truths };
    });
    return {
      map: meanOf(perClass.map(({ ap }) => ap)) ?? 0,
      map50: meanOf(perClass.map(({ ap50 }) => ap50)) ?? 0,
      map75: meanOf(perClass.map(({ ap75 }) => ap75)) ?? 0,
      perClass,
    };
  }

  /** Of each class the precision at the recalls 0, 0.01 ... 1, at an overlap of 0.5; null of a class without truths. */
  curvesAt50(): (Float64Array | null)[] {
    return this.#classes.map(({ ranking, truths }) =>
      truths === 0 ? null : precisionAtRecalls(ranking[0]!.curve(truths)),
    );
  }
}

export interface VocResult {
  /** Mean of the precision at 11 recalls (VOC 2007); means over the classes that have truths. */
  readonly map11: number;
  /** Area under the precision-recall curve (VOC 2010 and later). */
  readonly mapAllPoints: number;
  readonly perClass: readonly { readonly ap11: number | null; readonly apAllPoints: number | null }[];
}

/**
 * Pascal VOC's metrics (Everingham et al. 2010): each detection is held to the truth it overlaps most, at 0.5 or more;
 * the best-scored one finds it, others of that truth are false, also where a second truth is free.
 */
export class VocAveragePrecision implements Metric<VocResult> {
  readonly #classes: { readonly ranking: Ranking; truths: number }[];

  constructor(classCount: number) {
    this.#classes = Array.from({ length: classCount }, () => ({ ranking: new Ranking(), truths: 0 }));
  }

  add(picture: ScoredPicture): void {
    for (const { classIndex, detections, truths, overlaps } of byClass(picture)) {
      const one = this.#classes[classIndex];
      if (one === undefined) continue;
      one.truths += truths.length;
      const found = new Set<number>();
      detections.forEach(({ score }, d) => {
        const most = Math.max(...overlaps[d]!);
        const truth = overlaps[d]!.indexOf(most);
        one.ranking.push(score, most >= IOU_MIN && !found.has(truth));
        if (most >= IOU_MIN) found.add(truth);
      });
    }
  }

  result(): VocResult {
    const perClass = this.#classes.map(({ ranking, truths }) => {
      if (truths === 0) return { ap11: null, apAllPoints: null };
      const curve = ranking.curve(truths);
      return { ap11: elevenPointPrecision(curve), apAllPoints: areaUnder(curve) };
    });
    return {
      map11: meanOf(perClass.map(({ ap11 }) => ap11)) ?? 0,
      mapAllPoints: meanOf(perClass.map(({ apAllPoints }) => apAllPoints)) ?? 0,
      perClass,
    };
  }
}

/** Recall and precision after each detection, the best first; `ceiling` is the best precision from there on. */
interface Curve {
  readonly recall: Float64Array;
  readonly ceiling: Float64Array;
}

/** Detections of one class from all pictures, each right or wrong. */
class Ranking {
  readonly #scores: number[] = [];
  readonly #right: boolean[] = [];

  push(score: number, right: boolean): void {
    this.#scores.push(score);
    this.#right.push(right);
  }

  curve(truths: number): Curve {
    const order = this.#scores.map((_, i) => i).sort((a, b) => this.#scores[b]! - this.#scores[a]!);
    const recall = new Float64Array(order.length);
    const ceiling = new Float64Array(order.length);
    let right = 0;
    order.forEach((place, rank) => {
      if (this.#right[place]) right++;
      recall[rank] = right / truths;
      ceiling[rank] = right / (rank + 1);
    });
    for (let i = ceiling.length - 2; i >= 0; i--) ceiling[i] = Math.max(ceiling[i]!, ceiling[i + 1]!);
    return { recall, ceiling };
  }
}

function cocoPrecision(curve: Curve): number {
  return precisionAtRecalls(curve).reduce((sum, precision) => sum + precision, 0) / RECALL_POINTS.length;
}

/** 0 at recalls that are never reached. */
function precisionAtRecalls({ recall, ceiling }: Curve): Float64Array {
  let at = 0;
  return Float64Array.from(RECALL_POINTS, (point) => {
    while (at < recall.length && recall[at]! < point) at++;
    return ceiling[at] ?? 0;
  });
}

function elevenPointPrecision({ recall, ceiling }: Curve): number {
  let sum = 0;
  for (let i = 0; i <= 10; i++) {
    const at = recall.findIndex((value) => value >= i / 10);
    sum += at < 0 ? 0 : ceiling[at]!;
  }
  return sum / 11;
}

function areaUnder({ recall, ceiling }: Curve): number {
  let area = 0;
  recall.forEach((value, i) => {
    area += (value - (recall[i - 1] ?? 0)) * ceiling[i]!;
  });
  return area;
}
