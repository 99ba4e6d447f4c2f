import { expect, test } from "bun:test";
import { AppError } from "../../../shared/base/errors.ts";
import { PICTURE_PACK_BYTES_MAX } from "../../../shared/learn/cache-side.ts";
import { checkLearningPlan, planFor } from "../../../shared/learn/plan.ts";

const facts = { classes: ["cat", "dog"], pictures: 100 };

test("a plan survives JSON", () => {
  for (const kind of ["detector", "single-box", "mlp"] as const) {
    const plan = planFor({ network: { kind }, minutes: 3 }, facts);
    expect(checkLearningPlan(JSON.parse(JSON.stringify(plan)))).toEqual(plan);
  }
});

test("epochs become samples; minutes win over epochs", () => {
  const network = { kind: "detector" } as const;
  expect(planFor({ network, epochs: 3 }, facts).limit).toEqual({ kind: "samples", samples: 300 });
  expect(planFor({ network, epochs: 3, minutes: 2 }, facts).limit).toEqual({ kind: "minutes", minutes: 2 });
});

test("every expected worker has a chunk in a round, and the rate grows with the root of the batch", () => {
  const network = { kind: "detector" } as const;
  const two = planFor({ network }, facts);
  const eight = planFor({ network, workers: 8 }, facts);
  expect(two.chunksPerRound).toBe(2);
  expect(eight.chunksPerRound).toBe(8);
  expect(eight.optimizer.rate).toBeCloseTo(2 * two.optimizer.rate, 9);
});

test("faces of one person alone are refused: everybody would be taken for them", () => {
  const alone = { classes: ["Ana"], pictures: 20 };
  expect(() => planFor({ network: { kind: "mlp" } }, alone)).toThrow(
    expect.objectContaining({ kind: "input", message: expect.stringContaining("Ana") }),
  );
  expect(planFor({ network: { kind: "detector" } }, alone).classes).toEqual(["Ana"]);
});

test("colours vary more where there are few pictures, and no further than that", () => {
  const colourOf = (pictures: number): number =>
    planFor({ network: { kind: "detector" } }, { ...facts, pictures }).augmentation.colour;
  expect(colourOf(100)).toBeCloseTo(1.6, 9);
  expect(colourOf(150)).toBeCloseTo(1.6, 9);
  expect(colourOf(200)).toBeCloseTo(1.3, 9);
  expect(colourOf(250)).toBe(1);
  expect(colourOf(5000)).toBe(1);
});

test("many pictures are kept smaller, so that they fit into memory; too many are refused before they travel", () => {
  const sideOf = (pictures: number): number =>
    planFor({ network: { kind: "detector" } }, { ...facts, pictures }).cacheSidePx;
  expect([100, 3400].map(sideOf)).toEqual([400, 400]);
  for (const pictures of [4000, 8000, 20_000]) {
    const sidePx = sideOf(pictures);
    expect(sidePx).toBeLessThan(400);
    expect(3.75 * sidePx ** 2 * (pictures + 48)).toBeLessThan(PICTURE_PACK_BYTES_MAX);
  }
  expect(() => sideOf(30_000)).toThrow(expect.objectContaining({ kind: "input" }));
});

test("a plan with a value out of range is refused as input", () => {
  const plan = planFor({ network: { kind: "detector" } }, facts);
  const wrongs: unknown[] = [
    null,
    { ...plan, classes: ["cat"] },
    { ...plan, chunkSize: 0 },
    { ...plan, seed: 1.5 },
    { ...plan, limit: { kind: "forever" } },
    { ...plan, optimizer: { ...plan.optimizer, rate: Number.NaN } },
    { ...plan, augmentation: { ...plan.augmentation, scale: [2, 1] } },
    { ...plan, network: { ...plan.network, size: 100 } },
  ];
  for (const wrong of wrongs) {
    expect(() => checkLearningPlan(wrong)).toThrow(expect.objectContaining({ kind: "input" }));
  }
});

test("a choice out of range is wrong usage, no pictures are wrong input", () => {
  expect(() => planFor({ network: { kind: "detector", size: 100 } }, facts)).toThrow(AppError);
  expect(() => planFor({ network: { kind: "detector" } }, { ...facts, pictures: 0 })).toThrow(
    expect.objectContaining({ kind: "input" }),
  );
});
