import { expect, test } from "bun:test";
import type { Detection } from "../../../shared/detect/types.ts";
import { chooseThresholds, THRESHOLD_DEFAULT } from "../../../shared/learn/thresholds.ts";
import { blockPictures } from "../../support/blocks.ts";

const pictures = blockPictures(6, 2, 40);

function answer(i: number, score: number, shift = 0): Detection {
  const { picture, labels } = pictures[i]!;
  const { box, classIndex } = labels[0]!;
  const [width, height] = [picture.width, picture.height];
  return {
    classIndex,
    score,
    box: [(box[0] + shift) * width, box[1] * height, (box[2] + shift) * width, box[3] * height],
  };
}

test("a threshold lies between a class's right answers and its wrong ones", () => {
  // Class 0 is right from 0.6 up, class 1 from 0.2 up.
  const answers = pictures.map((_, i) => {
    const sure = i % 2 === 0 ? 0.6 : 0.2;
    return [answer(i, sure + 0.01 * i), answer(i, sure / 2, 0.9)];
  });
  const [first, second] = chooseThresholds(answers, pictures, 2);
  expect(first).toBeGreaterThan(0.3);
  expect(first).toBeLessThan(0.6);
  expect(second).toBeGreaterThan(0.1);
  expect(second).toBeLessThan(0.21);
});

test("a box found twice counts once", () => {
  const answers = pictures.map((_, i) => [answer(i, 0.8), answer(i, 0.5)]);
  const [first] = chooseThresholds(answers, pictures, 2);
  expect(first).toBeGreaterThan(0.5);
});

test("a class that does not occur keeps the usual threshold, and so does one that was never found", () => {
  const answers = pictures.map(() => []);
  expect(chooseThresholds(answers, pictures, 3)).toEqual([
    THRESHOLD_DEFAULT,
    THRESHOLD_DEFAULT,
    THRESHOLD_DEFAULT,
  ]);
});
