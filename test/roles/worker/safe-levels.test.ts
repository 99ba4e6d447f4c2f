import { expect, test } from "bun:test";
import { safeLevels } from "../../../roles/worker/safe-levels.ts";
import type { Detection } from "../../../shared/detect/types.ts";
import type { Learner } from "../../../shared/learn/learner.ts";
import { blockPictures } from "../../support/blocks.ts";

const PICTURES = blockPictures(20, 2, 60);
const LEVELS = [
  { scale: 0.1, zeroPoint: 0 },
  { scale: 0.2, zeroPoint: 128 },
];

/** A learner that finds everything, but in 8 bits nothing on so many of the pictures. */
function learnerThatMisses(missed: number): Learner {
  const found = PICTURES.map(({ picture: { width, height }, labels }) =>
    labels.map(
      ({ classIndex, box: [x1, y1, x2, y2] }): Detection => ({
        ...{ classIndex, score: 0.9 },
        box: [x1 * width, y1 * height, x2 * width, y2 * height],
      }),
    ),
  );
  return {
    plan: { classes: ["a", "b"], network: { kind: "detector" } },
    calibrate: async () => new Map(LEVELS.map((levels, place) => [place, levels])),
    evaluate: async (_weights: unknown, _pictures: unknown, activations: unknown) =>
      found.map((one, i) => (activations !== undefined && i < missed ? [] : one)),
  } as unknown as Learner;
}

test("levels are given where 8 bits find as much as float, and none where they find less", async () => {
  const weights = new Float32Array(1);
  expect(await safeLevels(learnerThatMisses(0), weights, PICTURES, PICTURES)).toEqual(LEVELS);
  expect(await safeLevels(learnerThatMisses(3), weights, PICTURES, PICTURES)).toEqual([]);
});
