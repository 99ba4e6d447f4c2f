import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import {
  CocoAveragePrecision,
  type CocoResult,
  VocAveragePrecision,
  type VocResult,
} from "../../../shared/metrics/average-precision.ts";
import { addAll, type ScoredPicture } from "../../../shared/metrics/metric.ts";

/** See test/golden/metrics/README.md for how they were made. */
interface Case {
  readonly name: string;
  readonly classCount: number;
  readonly pictures: readonly ScoredPicture[];
  readonly coco: CocoResult;
  readonly voc: VocResult;
}

const cases: Case[] = await Bun.file(join(import.meta.dir, "../../golden/metrics/cases.json")).json();

describe.each(cases.map((one) => [one.name, one] as const))(
  "%s",
  (_, { classCount, pictures, coco, voc }) => {
    const [ownCoco, ownVoc] = [new CocoAveragePrecision(classCount), new VocAveragePrecision(classCount)];
    addAll(pictures, [ownCoco, ownVoc]);

    test("has pycocotools' average precisions", () => expectSame(ownCoco.result(), coco));
    test("has Pascal VOC's average precisions", () => expectSame(ownVoc.result(), voc));
  },
);

/** The same fields and nulls, and numbers within 1e-6. */
function expectSame(own: unknown, golden: unknown): void {
  const [ours, theirs] = [flat(own), flat(golden)];
  expect(Object.keys(ours)).toEqual(Object.keys(theirs));
  for (const [path, value] of Object.entries(theirs)) {
    const mine = ours[path];
    const near = value === mine || Math.abs(Number(value) - Number(mine ?? Number.NaN)) <= 1e-6;
    expect({ path, mine, near }).toEqual({ path, mine, near: true });
  }
}

function flat(value: unknown, path = ""): Record<string, number | null> {
  if (typeof value !== "object" || value === null) return { [path]: value as number | null };
  return Object.assign(
    {},
    ...Object.keys(value)
      .sort()
      .map((key) => flat((value as Record<string, unknown>)[key], `${path}.${key}`)),
  );
}
