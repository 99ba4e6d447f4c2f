import { expect, test } from "bun:test";
import fc from "fast-check";
import { type GivenSample, useOfSamples } from "../../../roles/trainer/splits.ts";

/** So many pictures of a split, each of these classes. */
function pictures(count: number, split: GivenSample["split"], ...classes: readonly number[]): GivenSample[] {
  return Array.from({ length: count }, () => ({
    split,
    labels: classes.map((classIndex) => ({ classIndex })),
  }));
}

/** The places of what is kept aside. */
function aside(given: readonly GivenSample[]): number[] {
  return useOfSamples(given, "detector").flatMap((use, place) => (use === "val" ? [place] : []));
}

/** How many pictures with each class are kept aside. */
function asideByClass(given: readonly GivenSample[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const place of aside(given)) {
    for (const { classIndex } of given[place]!.labels) counts[classIndex] = (counts[classIndex] ?? 0) + 1;
  }
  return counts;
}

test("of one class the last tenth is kept aside, in one block: neighbours look alike", () => {
  const use = useOfSamples(pictures(200, "train", 0), "detector");
  expect(use.lastIndexOf("train")).toBe(179);
  expect(aside(pictures(2000, "train", 0))).toHaveLength(48);
  expect(aside(pictures(50, "train", 0))).toHaveLength(8);
  expect(aside(pictures(39, "train", 0))).toEqual([]);
});

test("where a data set is ordered by class, each class gives its last pictures, and none gives all", () => {
  const given = Array.from({ length: 12 }, (_, classIndex) => pictures(20, "train", classIndex)).flat();
  expect(aside(given)).toEqual(Array.from({ length: 12 }, (_, i) => [20 * i + 18, 20 * i + 19]).flat());
});

test("many classes of few pictures: one picture of some, never more", () => {
  const given = Array.from({ length: 60 }, (_, classIndex) => pictures(4, "train", classIndex)).flat();
  const counts = asideByClass(given);
  expect(Object.keys(counts)).toHaveLength(24);
  expect(new Set(Object.values(counts))).toEqual(new Set([1]));
});

test("rare classes give their share beside common ones, and the only picture of one is learnt from", () => {
  const given = [
    ...pictures(1, "train", 0, 9),
    ...pictures(20, "train", 0, 1),
    ...pictures(179, "train", 0),
    ...pictures(100, "train"),
  ];
  const counts = asideByClass(given);
  expect(counts).toEqual({ 0: expect.any(Number), 1: 2 });
  expect(counts[0]).toBeWithin(20, 22);
  expect(aside(given)).toHaveLength(30);
});

test("the data set's own validation pictures come first; a class that they lack is taken from the others", () => {
  const given = [...pictures(60, "train", 0), ...pictures(40, "val", 0), ...pictures(20, "test", 0)];
  const use = useOfSamples(given, "detector");
  expect(use.slice(90)).toEqual([...Array(10).fill("val"), ...Array(20).fill("test")]);
  const lacking = [...pictures(50, "train", 1), ...pictures(50, "train", 0), ...pictures(100, "val", 0)];
  expect(aside(lacking)).toEqual([45, 46, 47, 48, 49, ...Array.from({ length: 15 }, (_, i) => 185 + i)]);
});

test("of faces none is kept aside", () => {
  const given = [...pictures(100, "train", 0), ...pictures(1, "val", 1), ...pictures(1, "test", 1)];
  expect(useOfSamples(given, "mlp")).toEqual([...Array(101).fill("train"), "test"]);
});

test("whatever the data set: so many are kept aside, test pictures are none of them, no class loses all (property)", () => {
  const sample = fc.record({
    split: fc.constantFrom("train", "train", "val", "test"),
    labels: fc.array(fc.record({ classIndex: fc.nat(5) }), { maxLength: 3 }),
  });
  fc.assert(
    fc.property(fc.array(sample, { minLength: 40, maxLength: 200 }), (given) => {
      const use = useOfSamples(given as GivenSample[], "detector");
      const learnable = given.filter(({ split }) => split !== "test");
      const places = use.flatMap((one, place) => (one === "val" ? [place] : []));
      expect(places.every((place) => given[place]!.split !== "test")).toBe(true);
      const wanted = Math.max(8, Math.round(learnable.length / 10));
      if (learnable.length >= 40) expect(places.length).toBeWithin(wanted - 1, wanted + 1);
      const classes = new Set(learnable.flatMap(({ labels }) => labels.map(({ classIndex }) => classIndex)));
      const learnt = new Set(
        given
          .filter((_, place) => use[place] === "train")
          .flatMap(({ labels }) => labels.map(({ classIndex }) => classIndex)),
      );
      expect(learnt).toEqual(classes);
    }),
    { seed: 7, numRuns: 200 },
  );
});
