import { describe, expect, test } from "bun:test";
import type { Box, Detection } from "../../../shared/detect/types.ts";
import { ConfusionMatrix } from "../../../shared/metrics/confusion.ts";
import { CountingMetric } from "../../../shared/metrics/counts.ts";
import { evaluate } from "../../../shared/metrics/evaluation.ts";
import { addAll, type Metric, type ScoredPicture, type Truth } from "../../../shared/metrics/metric.ts";
import { AverageQueryPrecision } from "../../../shared/metrics/query-precision.ts";
import { scoredPicture } from "../../../shared/metrics/scored-picture.ts";
import { SingleObjectMetric } from "../../../shared/metrics/single-object.ts";
import { BestThresholds, THRESHOLD_DEFAULT } from "../../../shared/metrics/thresholds.ts";

const truth = (classIndex: number, ...box: Box): Truth => ({ classIndex, box });
const seen = (classIndex: number, score: number, ...box: Box): Detection => ({ classIndex, score, box });

/** A cat (0) found, a dog (1) taken for a cat, a dog missed, and a cat where nothing is. */
const kitchen: ScoredPicture = {
  truths: [truth(0, 0, 0, 10, 10), truth(1, 20, 0, 30, 10), truth(1, 40, 0, 50, 10)],
  detections: [
    seen(0, 0.7, 60, 0, 70, 10),
    seen(0, 0.9, 0, 0, 10, 9),
    seen(0, 0.8, 20, 0, 30, 10),
    seen(1, 0.2, 40, 0, 50, 10),
  ],
};

function resultOf<R>(metric: Metric<R>, ...pictures: ScoredPicture[]): R {
  addAll(pictures, [metric]);
  return metric.result();
}

describe("counts", () => {
  test("look only at detections that reach their class's threshold", () => {
    const { all, perClass } = resultOf(new CountingMetric([0.5, 0.5]), kitchen);
    expect(perClass.map(({ found, wrong, missed }) => [found, wrong, missed])).toEqual([
      [1, 2, 0],
      [0, 0, 2],
    ]);
    expect([all.precision, all.recall, all.accuracy]).toEqual([1 / 3, 1 / 3, 1 / 5]);
    const lower = resultOf(new CountingMetric([0.5, 0.2]), kitchen);
    expect(lower.perClass[1]).toEqual({
      found: 1,
      wrong: 0,
      missed: 1,
      precision: 1,
      recall: 0.5,
      f1: 2 / 3,
      accuracy: 0.5,
    });
  });

  test("are zeros, not NaN, where there is nothing", () => {
    const { all } = resultOf(new CountingMetric([0.5]), { truths: [], detections: [] });
    expect([all.precision, all.recall, all.f1, all.accuracy]).toEqual([0, 0, 0, 0]);
  });
});

test("the confusion matrix says what was taken for what, and what for the background", () => {
  expect(resultOf(new ConfusionMatrix([0.5, 0.5]), kitchen)).toEqual([
    [1, 0, 0],
    [1, 0, 1],
    [1, 0, 0],
  ]);
});

test("average query precision rewards right answers before wrong ones, picture by picture", () => {
  const object = truth(0, 0, 0, 10, 10);
  const right = (score: number): Detection => seen(0, score, 0, 0, 10, 10);
  const wrong = (score: number): Detection => seen(0, score, 50, 50, 60, 60);
  const first: ScoredPicture = { truths: [object], detections: [right(0.3), wrong(0.2)] };
  const second: ScoredPicture = { truths: [object], detections: [right(0.8), wrong(0.9)] };
  const none: ScoredPicture = { truths: [object], detections: [] };
  const empty: ScoredPicture = { truths: [], detections: [wrong(0.9)] };
  expect(resultOf(new AverageQueryPrecision(), first, second, none, empty)).toBeCloseTo(
    (1 + 0.5 + 0) / 3,
    12,
  );
});

describe("objects marked as difficult", () => {
  const hard = { ...truth(0, 0, 0, 10, 10), difficult: true };
  const plain = truth(0, 20, 0, 30, 10);
  const onHard = seen(0, 0.9, 0, 0, 10, 9);
  const onPlain = seen(0, 0.8, 20, 0, 30, 9);

  test("are neither wanted nor held against whoever sees them, in any figure", () => {
    const model = { classes: ["cat"], thresholds: [0.5] };
    const unmarked = { truths: [plain], detections: [onPlain] };
    const best = evaluate(model, [unmarked]);
    const again = seen(0, 0.7, 1, 0, 10, 10);
    for (const detections of [[onPlain], [onHard, onPlain], [onHard, onPlain, again]]) {
      expect(evaluate(model, [scoredPicture([hard, plain], detections)])).toEqual(best);
    }
    expect([best.map50, best.mapVoc, best.mapVoc11, best.accuracy]).toEqual([1, 1, 1, 1]);
  });

  test("excuse only what overlaps them by half, most of all, and is of their class", () => {
    const wrong = [seen(0, 0.9, 0, 0, 10, 4), seen(1, 0.9, 0, 0, 10, 10), seen(0, 0.9, 40, 0, 50, 10)];
    const beside = truth(0, 0, 0, 10, 8);
    const nearer = seen(0, 0.9, 0, 0, 10, 8.5);
    expect(scoredPicture([hard, beside], [...wrong, nearer, onHard])).toEqual({
      truths: [beside],
      detections: [...wrong, nearer],
    });
  });

  test("alone make a picture of nothing", () => {
    expect(scoredPicture([hard], [onHard])).toEqual({ truths: [], detections: [] });
  });
});

test("a single object is judged by the best detection, its name and its four sides", () => {
  const pictures: ScoredPicture[] = [
    { truths: [truth(0, 0, 0, 10, 10)], detections: [seen(0, 0.9, 0, 0, 10, 5), seen(0, 0.3, 0, 0, 10, 10)] },
    { truths: [truth(1, 0, 0, 10, 10)], detections: [seen(0, 0.4, 1, 1, 11, 11)] },
    { truths: [truth(1, 0, 0, 10, 10)], detections: [] },
    kitchen,
  ];
  const result = resultOf(new SingleObjectMetric(), ...pictures);
  expect(result.pictures).toBe(3);
  expect(result.classAccuracy).toBeCloseTo(1 / 3, 12);
  expect(result.meanIou).toBeCloseTo((0.5 + 81 / 119) / 3, 12);
  expect(result.squaredErrorPx2).toBeCloseTo((25 + 4) / 8, 12);
  expect(result.absoluteErrorPx).toBeCloseTo((5 + 4) / 8, 12);
});

/** One object a picture, found with each of these scores; and boxes of the class that are wrong. */
function picturesOf(classIndex: number, right: readonly number[], wrong: readonly number[]): ScoredPicture[] {
  return [
    ...right.map((score) => ({
      truths: [truth(classIndex, 0, 0, 10, 10)],
      detections: [seen(classIndex, score, 0, 0, 10, 10)],
    })),
    { truths: [], detections: wrong.map((score) => seen(classIndex, score, 60, 0, 70, 10)) },
  ];
}

test("a threshold is put in the middle of those that serve about as well as the best", () => {
  // Above .45 two of three are found and F1 is 4/5, above .3 all and a wrong one and it is 6/7; else 3/4 at most.
  const [threshold] = resultOf(new BestThresholds(1), ...picturesOf(0, [0.9, 0.6, 0.4], [0.45, 0.3, 0.2]));
  expect(threshold).toBeCloseTo((0.3 + 0.6) / 2, 12);
});

test("a threshold is never higher than what a sure detection reaches, though all right ones are above that", () => {
  const [threshold] = resultOf(new BestThresholds(1), ...picturesOf(0, [0.99, 0.98, 0.97], [0.96]));
  expect(threshold).toBe(0.95);
});

test("a class with few pictures kept aside gets a threshold like the others'; with none at all there is a default", () => {
  const rising = (from: number, count: number): number[] =>
    Array.from({ length: count }, (_, i) => from + i / 100);
  const many = picturesOf(0, rising(0.5, 30), rising(0.05, 40));
  const [known, scarce, unseen] = resultOf(
    new BestThresholds(3),
    ...many,
    ...picturesOf(1, [0.95, 0.94], [0.1]),
  ) as [number, number, number];
  expect(known).toBeCloseTo(0.47, 1);
  expect(scarce).toBeCloseTo(known, 1);
  expect(unseen).toBeCloseTo(known, 1);
  const nothing = { truths: [], detections: [seen(0, 0.6, 60, 0, 70, 10)] };
  expect(resultOf(new BestThresholds(2), nothing)).toEqual([THRESHOLD_DEFAULT, THRESHOLD_DEFAULT]);
});

test("a class that was hardly learnt gets a threshold that keeps its wrong boxes out of the log", () => {
  const wrong = (score: number): Detection => seen(0, score, 60, 0, 70, 10);
  const right = (score: number): Detection => seen(0, score, 0, 0, 10, 10);
  const truths = [truth(0, 0, 0, 10, 10)];
  const precise = [
    { truths, detections: [right(0.8)] },
    { truths, detections: [right(0.4), wrong(0.3)] },
    { truths: [], detections: [wrong(0.5), wrong(0.45), wrong(0.35)] },
  ];
  expect(resultOf(new BestThresholds(1), ...precise)[0]).toBeCloseTo(0.65, 12);
  const hopeless = [
    { truths, detections: [right(0.3), wrong(0.6)] },
    { truths: [], detections: [wrong(0.5)] },
  ];
  expect(resultOf(new BestThresholds(1), ...hopeless)[0]).toBeCloseTo(0.8, 12);
});

test("an evaluation has every field of the contract, and null where a class has no truths", () => {
  const figures = evaluate({ classes: ["cat", "dog", "owl"], thresholds: [0.5, 0.5, 0.5] }, [kitchen]);
  expect(figures).toMatchObject({
    images: 1,
    classes: ["cat", "dog", "owl"],
    precision: 1 / 3,
    recall: 1 / 3,
    accuracy: 1 / 5,
    singleObject: null,
  });
  expect(figures.perClass[2]).toEqual({
    name: "owl",
    ap50: null,
    ap: null,
    precision: 0,
    recall: 0,
    truths: 0,
  });
  // Cats: perfect at .5. Dogs: one of two found, first of one: precision 1 to recall .5, 51 of 101 points.
  expect(figures.map50).toBeCloseTo((1 + 51 / 101) / 2, 12);
  expect(JSON.parse(JSON.stringify(figures))).toEqual(figures as unknown as Record<string, unknown>);
});
