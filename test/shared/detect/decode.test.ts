import { describe, expect, test } from "bun:test";
import { createDecoder, type PictureView } from "../../../shared/detect/decode.ts";
import { mergeOverlaps, suppressOverlaps } from "../../../shared/detect/nms.ts";
import type { Box, Detection } from "../../../shared/detect/types.ts";

/** 200 x 100 px in a square of 64. */
const VIEW: PictureView = { width: 200, height: 100, scale: 0.32, offsetX: 0, offsetY: 16 };
const BATCH = 2;
const CLASSES = 3;

/** softplus(x) = value */
function inverseSoftplus(value: number): number {
  return Math.log(Math.expm1(value));
}

/** Outputs of a detector of 64 px that sees nothing. */
function emptyOutputs(): Float32Array[] {
  return [64, 16, 4].flatMap((cells) => [
    new Float32Array(BATCH * CLASSES * cells).fill(-9),
    new Float32Array(BATCH * 5 * cells).fill(-9),
  ]);
}

/** Cell (column, row) of stride 8 answers distances in strides, an objectness logit and a class logit. */
function say(
  outputs: Float32Array[],
  [column, row]: [number, number],
  distances: number[],
  { object, classIndex, logit }: { object: number; classIndex: number; logit: number },
): void {
  const cell = row * 8 + column;
  outputs[0]![1 * CLASSES * 64 + classIndex * 64 + cell] = logit;
  [...distances.map(inverseSoftplus), object].forEach((value, channel) => {
    outputs[1]![1 * 5 * 64 + channel * 64 + cell] = value;
  });
}

describe("the detector's outputs", () => {
  const decoder = createDecoder({ kind: "detector", size: 64, classCount: CLASSES, variant: "normal" });
  const all = new Float32Array(CLASSES).fill(0.01);

  test("become boxes in the pixels of the picture, out of the letterbox", () => {
    const outputs = emptyOutputs();
    say(outputs, [3, 4], [1, 0.5, 1.5, 0.25], { object: 2, classIndex: 2, logit: 1 });
    const [found, ...rest] = decoder.decode(outputs, 1, VIEW, all);
    expect(rest).toEqual([]);
    expect(found!.classIndex).toBe(2);
    expect(found!.score).toBeCloseTo((1 / (1 + Math.exp(-2))) * (1 / (1 + Math.exp(-1))), 6);
    // Centre (28, 36) of the input, strides of 8.
    const wanted = [20 / 0.32, (32 - 16) / 0.32, 40 / 0.32, (38 - 16) / 0.32];
    found!.box.forEach((side, i) => {
      expect(side).toBeCloseTo(wanted[i]!, 3);
    });
    expect(decoder.decode(outputs, 0, VIEW, all)).toEqual([]);
  });

  test("below their class's threshold are left out", () => {
    const outputs = emptyOutputs();
    say(outputs, [3, 4], [1, 1, 1, 1], { object: 0, classIndex: 0, logit: 0 });
    expect(decoder.decode(outputs, 1, VIEW, [0.24, 1, 1])).toHaveLength(1);
    expect(decoder.decode(outputs, 1, VIEW, [0.26, 0.01, 0.01])).toHaveLength(0);
  });

  test("never leave the picture", () => {
    const outputs = emptyOutputs();
    say(outputs, [0, 2], [9, 9, 9, 9], { object: 3, classIndex: 0, logit: 3 });
    const [found] = decoder.decode(outputs, 1, VIEW, all);
    expect(found!.box[0]).toBe(0);
    expect(found!.box[1]).toBe(0);
    expect(found!.box[3]).toBe(100);
  });

  test("of one object become one detection, the best", () => {
    const outputs = emptyOutputs();
    say(outputs, [3, 4], [2, 2, 2, 2], { object: 2, classIndex: 1, logit: 1 });
    say(outputs, [4, 4], [3, 2, 1, 2], { object: 3, classIndex: 1, logit: 1 });
    const found = decoder.decode(outputs, 1, VIEW, all);
    expect(found).toHaveLength(1);
    expect(found[0]!.score).toBeGreaterThan(0.69);
  });
});

test("the single-box network answers one box, its corners in order", () => {
  const decoder = createDecoder({ kind: "single-box", size: 64, classCount: 2 });
  const outputs = [Float32Array.of(0, 0, 1, 3), Float32Array.of(0, 0, 0, 0, 0.75, 0.3, 0.25, 0.7)];
  const [found] = decoder.decode(outputs, 1, VIEW, [0, 0]);
  expect(found!.classIndex).toBe(1);
  expect(found!.score).toBeCloseTo(1 / (1 + Math.exp(-2)), 6);
  [50, 10, 150, 90].forEach((side, i) => {
    expect(found!.box[i]).toBeCloseTo(side, 3);
  });
});

test("the face network answers a person and the whole picture", () => {
  const two = createDecoder({ kind: "mlp", classCount: 2, hidden: 4 });
  expect(two.decode([Float32Array.of(0, -2)], 1, VIEW, [0, 0])).toEqual([
    { classIndex: 0, score: 1 - 1 / (1 + Math.exp(2)), box: [0, 0, 200, 100] },
  ]);
  const three = createDecoder({ kind: "mlp", classCount: 3, hidden: 4 });
  expect(three.decode([Float32Array.of(0, 5, 0)], 0, VIEW, [0, 0, 0])[0]!.classIndex).toBe(1);
  expect(three.decode([Float32Array.of(0, 5, 0)], 0, VIEW, [1, 1, 1])).toEqual([]);
});

describe("suppression of overlaps", () => {
  const at = (classIndex: number, score: number, box: Box): Detection => ({ classIndex, score, box });

  test("keeps the best of a class, and other classes", () => {
    const list = [at(0, 0.9, [0, 0, 10, 10]), at(1, 0.8, [0, 0, 10, 10]), at(0, 0.7, [1, 0, 11, 10])];
    expect(suppressOverlaps(list, { iouMax: 0.6, countMax: 9 })).toEqual([list[0]!, list[1]!]);
    expect(suppressOverlaps(list, { iouMax: 0.9, countMax: 9 })).toEqual(list);
  });

  test("ends at the count", () => {
    const list = Array.from({ length: 5 }, (_, i) => at(0, 1 - i / 10, [20 * i, 0, 20 * i + 10, 10]));
    expect(suppressOverlaps(list, { iouMax: 0.6, countMax: 3 })).toEqual(list.slice(0, 3));
  });

  test("can move the box that stays toward those that go, by their scores; other classes have no vote", () => {
    const list = [at(0, 0.8, [0, 0, 10, 10]), at(1, 0.7, [2, 0, 12, 10]), at(0, 0.4, [2, 0, 12, 10])];
    const [first, ...rest] = mergeOverlaps(list, { iouMax: 0.6, countMax: 2 });
    const weight = 0.4 * (8 / 12) ** 2;
    const moved = (2 * weight) / (0.8 + weight);
    expect(first).toMatchObject({ classIndex: 0, score: 0.8 });
    [moved, 0, 10 + moved, 10].forEach((side, i) => {
      expect(first!.box[i]).toBeCloseTo(side, 9);
    });
    expect(rest).toEqual([list[1]!]);
    expect(mergeOverlaps(list, { iouMax: 0.9, countMax: 9 })).toEqual(list);
  });
});
