import { expect, test } from "bun:test";
import { GroundDistance } from "../../../../shared/detect/near/distance.ts";
import { crossing, isInside } from "../../../../shared/detect/near/geometry.ts";
import { NearJudge } from "../../../../shared/detect/near/near-judge.ts";
import { type CameraRules, thresholdFor } from "../../../../shared/detect/near/rules.ts";
import { Tracker } from "../../../../shared/detect/tracker.ts";
import type { Box } from "../../../../shared/detect/types.ts";

const FRAME = { width: 1000, height: 1000 };

/** What the rules say of one thing at each of its places, a place every 200 ms. */
function judged(rules: CameraRules, boxes: readonly Box[], classIndex = 0): (string | undefined)[] {
  const judge = new NearJudge(rules, ["person", "cat"], 0.05);
  const tracker = new Tracker({ thresholds: [0.5, 0.5], lostAfterMs: 1500, historyFrames: 10 });
  return boxes.map((box, i) => {
    const { seen } = tracker.step([{ classIndex, score: 0.9, box }], 200 * i);
    return judge.judge(seen[0]!, FRAME, 200 * i);
  });
}

/** A thing 100 high whose feet are at a place. */
const standing = (x: number, y: number, height = 100): Box => [x - 20, y - height, x + 20, y];

test("a polygon holds what is inside, also where it is dented", () => {
  const dented = [
    [0, 0],
    [1, 0],
    [1, 1],
    [0.5, 0.5],
    [0, 1],
  ] as const;
  expect(isInside([0.5, 0.25], dented)).toBe(true);
  expect(isInside([0.5, 0.9], dented)).toBe(false);
  expect(isInside([1.1, 0.5], dented)).toBe(false);
});

test("a line is crossed one way or the other, and not by who passes beside it", () => {
  const [a, b] = [
    [0.2, 0.5],
    [0.8, 0.5],
  ] as const;
  // Looking from the left end to the right one, the picture's top is on the left.
  expect(crossing([0.5, 0.4], [0.5, 0.6], a, b)).toBe(1);
  expect(crossing([0.5, 0.6], [0.5, 0.4], a, b)).toBe(-1);
  expect(crossing([0.9, 0.4], [0.9, 0.6], a, b)).toBe(0);
  expect(crossing([0.3, 0.4], [0.7, 0.45], a, b)).toBe(0);
});

test("two measured spots say how far away everything on the ground is", () => {
  // A camera 3 m up, level, with the horizon at the middle: the row of a spot is 0.5 + 3 / meters.
  const row = (meters: number): number => 0.5 + 3 / meters;
  const ground = new GroundDistance([
    { y: row(7), meters: 7 },
    { y: row(20), meters: 20 },
  ]);
  for (const meters of [6.5, 10, 15, 40]) expect(ground.at(row(meters))).toBeCloseTo(meters, 6);
  expect(ground.at(0.5)).toBe(Number.POSITIVE_INFINITY);
});

test("without zones, near is a matter of height", () => {
  expect(judged({}, [standing(500, 500, 40)])).toEqual([undefined]);
  expect(judged({}, [standing(500, 500, 60)])).toEqual([""]);
  expect(judged({ heightMin: 0.2 }, [standing(500, 500, 60)])).toEqual([undefined]);
});

test("a zone counts by the feet, for its classes, after the dwell time without a break", () => {
  const zone = {
    name: "door",
    polygon: [
      [0.4, 0.4],
      [0.6, 0.4],
      [0.6, 0.6],
      [0.4, 0.6],
    ],
    classes: ["person"],
    dwellMs: 400,
  } as const;
  const [inside, outside] = [standing(500, 550), standing(500, 650)];
  expect(judged({ zones: [zone] }, [inside, inside, inside])).toEqual([undefined, undefined, "door"]);
  expect(judged({ zones: [zone] }, [inside, outside, inside, inside])).toEqual(Array(4).fill(undefined));
  expect(judged({ zones: [zone] }, [inside, inside, inside], 1)).toEqual(Array(3).fill(undefined));
});

test("each zone counts its own time, whatever its name and whatever other zones hold", () => {
  const at = (left: number, name = "door", dwellMs = 400) => {
    const polygon = [
      [left, 0.4],
      [left + 0.1, 0.4],
      [left + 0.1, 0.6],
      [left, 0.6],
    ] as const;
    return { name, polygon, dwellMs };
  };
  const [left, right] = [standing(485, 550), standing(515, 550)];
  for (const zones of [
    [at(0.4), at(0.5)],
    [at(0.5), at(0.4)],
  ]) {
    expect(judged({ zones }, [left, left, left])).toEqual([undefined, undefined, "door"]);
    // From the one into the other: the time begins anew.
    expect(judged({ zones }, [left, left, right, right])).toEqual(Array(4).fill(undefined));
  }
  const zones = [at(0.4, "porch", 0), at(0.5)];
  expect(judged({ zones }, [right, left, right, right, right])).toEqual([
    undefined,
    "porch",
    undefined,
    undefined,
    "door",
  ]);
});

test("classes are meant however their letters are written", () => {
  const polygon = [
    [0, 0],
    [1, 0],
    [1, 1],
    [0, 1],
  ] as const;
  const zone = { name: "all", polygon, classes: ["Person"] };
  expect([0, 1].map((classIndex) => judged({ zones: [zone] }, [standing(500, 500)], classIndex)[0])).toEqual([
    "all",
    undefined,
  ]);
  const rules = { thresholds: { Dog: 0.4, dog: 0.5, NIÑO: 0.6 } };
  const names = ["dog", "Dog", "DOG", "niño", "constructor"];
  expect(names.map((name) => thresholdFor(rules, name))).toEqual([0.5, 0.4, 0.4, 0.6, undefined]);
});

test("a zone down to the picture's edge holds what the edge cuts", () => {
  const polygon = [
    [0, 0.5],
    [1, 0.5],
    [1, 1],
    [0, 1],
  ] as const;
  expect(judged({ zones: [{ name: "front", polygon }] }, [standing(500, 1000)])).toEqual(["front"]);
});

test("who has crossed a line in its direction is near from then on", () => {
  const line = { name: "gate", from: [0, 0.5], to: [1, 0.5], direction: "left-to-right" } as const;
  const down = [450, 480, 510, 540].map((y) => standing(500, y));
  expect(judged({ lines: [line] }, down)).toEqual([undefined, undefined, "gate", "gate"]);
  expect(judged({ lines: [line] }, [...down].reverse())).toEqual(Array(4).fill(undefined));
});

test("what was near by a zone or a line stays so without waiting or crossing again, while it is drawn there", () => {
  const left = [
    [0, 0],
    [0.5, 0],
    [0.5, 1],
    [0, 1],
  ] as const;
  const rules: CameraRules = {
    zones: [{ name: "door", polygon: left, classes: ["person"], dwellMs: 60_000 }],
    lines: [{ name: "gate", from: [0, 0.5], to: [1, 0.5], direction: "both", classes: ["cat"] }],
  };
  const holds = (zone: string, box: Box, classIndex = 0): boolean => {
    const tracker = new Tracker({ thresholds: [0.5, 0.5], lostAfterMs: 1500, historyFrames: 10 });
    const { seen } = tracker.step([{ classIndex, score: 0.9, box }], 0);
    return new NearJudge(rules, ["person", "cat"], 0.05).holds(zone, seen[0]!, FRAME);
  };
  expect([holds("door", standing(200, 500)), holds("door", standing(700, 500))]).toEqual([true, false]);
  expect([holds("gate", standing(700, 500), 1), holds("gate", standing(700, 500), 0)]).toEqual([true, false]);
  expect([holds("gate", standing(700, 500, 40), 1), holds("", standing(200, 500))]).toEqual([false, false]);
});

test("a distance keeps what is far from being near, whatever its height", () => {
  const marks = [
    { y: 0.9, meters: 3 },
    { y: 0.5, meters: 15 },
  ] as const;
  const distance = { marks, nearMeters: 8 };
  expect(judged({ distance }, [standing(500, 550, 400)])).toEqual([undefined]);
  expect(judged({ distance }, [standing(500, 880, 100)])).toEqual([""]);
});
