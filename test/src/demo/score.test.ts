import { expect, test } from "bun:test";
import type { Sighting } from "../../../shared/store/sighting.ts";
import { scoreSightings, type TrueVisit } from "../../../src/demo/score.ts";

function truth(className: string, fromSeconds: number, untilSeconds: number, camera = "gate"): TrueVisit {
  return { camera, className, enterMs: 1000 * fromSeconds, leaveMs: 1000 * untilSeconds };
}

function sighting(className: string, fromSeconds: number, untilSeconds: number, camera = "gate"): Sighting {
  return {
    id: fromSeconds,
    camera,
    className,
    score: 0.9,
    firstSeenMs: 1000 * fromSeconds,
    lastSeenMs: 1000 * untilSeconds,
    firstMediaMs: undefined,
    lastMediaMs: undefined,
    box: [0, 0, 1, 1],
    photo: "",
    closed: true,
    model: "m",
    modelVersion: 1,
    revision: 1,
  };
}

test("each visit counts once: a doubled record is wrong", () => {
  const score = scoreSightings([truth("bus", 10, 20)], [sighting("bus", 11, 14), sighting("bus", 15, 19)]);
  expect(score).toMatchObject({ right: 1, precision: 0.5, recall: 1 });
});

test("the right thing at the wrong camera, or the wrong thing, is wrong", () => {
  const score = scoreSightings(
    [truth("bus", 10, 20), truth("dog", 10, 20)],
    [sighting("bus", 11, 14, "yard"), sighting("cat", 11, 14), sighting("dog", 12, 13)],
  );
  expect(score.right).toBe(1);
  expect(score.missed.map(({ className }) => className)).toEqual(["bus"]);
  expect(score.wrong.map(({ className }) => className)).toEqual(["bus", "cat"]);
});

test("a sighting long after the visit does not stand for it", () => {
  expect(scoreSightings([truth("bus", 10, 12)], [sighting("bus", 14, 15)]).right).toBe(0);
});

test("recall is asked of the visits that the trained model had before it; all sightings count for precision", () => {
  const [early, late] = [truth("bus", 10, 20), truth("cat", 60, 70)];
  const score = scoreSightings([early, late], [sighting("bus", 11, 14), sighting("dog", 62, 64)], [late]);
  expect(score).toMatchObject({ truths: 1, right: 1, precision: 0.5, recall: 0, missed: [late] });
});

test("with nothing to see and nothing seen, nothing is divided by zero", () => {
  expect(scoreSightings([], [])).toMatchObject({ precision: 0, recall: 0, right: 0 });
});
