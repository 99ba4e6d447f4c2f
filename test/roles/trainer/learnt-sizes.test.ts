import { expect, test } from "bun:test";
import { learntSizesOf } from "../../../roles/trainer/learnt-sizes.ts";
import type { SampleRow } from "../../../shared/wire/messages/training.ts";

function picture(split: SampleRow["split"], ...sides: number[]): SampleRow {
  const labels = sides.map((side) => ({
    classIndex: 0,
    box: [10, 10, 10 + side, 20] as const,
    difficult: false,
  }));
  return { id: "a.jpg", split, sha256: "", fileBytes: 1, width: 200, height: 1000, labels };
}

test("a tenth of what is learnt is smaller than small, half smaller than usual; test pictures do not count", () => {
  const sides = Array.from({ length: 20 }, (_, i) => 20 * (i + 1));
  const samples = [
    picture("train", ...sides.slice(10)),
    picture("val", ...sides.slice(0, 10)),
    picture("test", 900),
  ];
  expect(learntSizesOf(samples)).toEqual({ small: 0.06, usual: 0.22 });
  expect(learntSizesOf([picture("train"), picture("test", 50)])).toBeUndefined();
});
