import { describe, expect, test } from "bun:test";
import { Random } from "../../../shared/base/random.ts";
import { type Augmentation, Augmenter, type TrainingPicture } from "../../../shared/dataset/augment.ts";
import { halved } from "../../../shared/dataset/painter.ts";
import type { Box } from "../../../shared/detect/types.ts";
import { planFor } from "../../../shared/learn/plan.ts";

const SIZE = 160;
const USUAL: Augmentation = planFor(
  { network: { kind: "detector" } },
  { classes: ["block"], pictures: 4 },
).augmentation;

/** Black, with a white block under its label. */
function blockPicture(width: number, height: number, block: Box): TrainingPicture {
  const full = { width, height, data: new Uint8Array(3 * width * height) };
  for (let y = block[1]; y < block[3]; y++) {
    full.data.fill(255, 3 * (y * width + block[0]), 3 * (y * width + block[2]));
  }
  const box: Box = [block[0] / width, block[1] / height, block[2] / width, block[3] / height];
  return { full, half: halved(full), labels: [{ classIndex: 0, box }] };
}

const pictures = [
  blockPicture(200, 120, [60, 30, 120, 90]),
  blockPicture(90, 200, [20, 100, 70, 160]),
  blockPicture(150, 150, [10, 10, 60, 50]),
  blockPicture(60, 60, [20, 20, 50, 50]),
];

/** The white pixels' bounding box. */
function whiteBox(canvas: Uint8ClampedArray): Box {
  let [x1, y1, x2, y2] = [SIZE, SIZE, 0, 0];
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      if (canvas[3 * (y * SIZE + x)]! < 150) continue;
      x1 = Math.min(x1, x);
      y1 = Math.min(y1, y);
      x2 = Math.max(x2, x + 1);
      y2 = Math.max(y2, y + 1);
    }
  }
  return [x1, y1, x2, y2];
}

function draw(settings: Augmentation, seed: number, index = 0, mosaicOf = pictures.length) {
  const canvas = new Uint8ClampedArray(3 * SIZE * SIZE);
  const augmenter = new Augmenter(pictures, settings, { width: SIZE, height: SIZE });
  return { canvas, labels: augmenter.draw(new Random(seed), index, mosaicOf, canvas) };
}

describe("a training picture", () => {
  test("carries its boxes to where its objects went", () => {
    const settings = { ...USUAL, mosaic: 0, colour: 0, visibleMin: 0 };
    for (let seed = 0; seed < 200; seed++) {
      const { canvas, labels } = draw(settings, seed, seed % 4);
      expect(labels).toHaveLength(1);
      whiteBox(canvas).forEach((side, i) => {
        expect(Math.abs(side - labels[0]!.box[i]!)).toBeLessThan(3);
      });
    }
  });

  test("is the same for the same stream, and another for another", () => {
    expect(draw(USUAL, 5)).toEqual(draw(USUAL, 5));
    expect(draw(USUAL, 5).canvas).not.toEqual(draw(USUAL, 6).canvas);
  });

  test("of four keeps every box in its tile, and inside the picture", () => {
    let boxes = 0;
    for (let seed = 0; seed < 100; seed++) {
      for (const { box } of draw({ ...USUAL, mosaic: 1 }, seed).labels) {
        boxes++;
        expect(Math.min(box[0], box[1])).toBeGreaterThanOrEqual(0);
        expect(Math.max(box[2], box[3])).toBeLessThanOrEqual(SIZE);
        expect(Math.min(box[2] - box[0], box[3] - box[1])).toBeGreaterThan(2);
      }
    }
    expect(boxes).toBeGreaterThan(150);
  });

  test("is never of four when that is over", () => {
    const { labels } = draw({ ...USUAL, mosaic: 1, visibleMin: 0 }, 3, 0, 0);
    expect(labels).toHaveLength(1);
  });

  test("forgets boxes of which too little is left", () => {
    const far = { ...USUAL, mosaic: 0, shift: 1, scale: [1, 1] as const };
    const kept = (visibleMin: number): number => {
      let count = 0;
      for (let seed = 0; seed < 100; seed++) count += draw({ ...far, visibleMin }, seed).labels.length;
      return count;
    };
    expect(kept(0.9)).toBeLessThan(kept(0.1));
    expect(kept(0.1)).toBeLessThan(100);
  });
});
