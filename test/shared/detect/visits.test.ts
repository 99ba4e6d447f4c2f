import { expect, test } from "bun:test";
import { NearJudge } from "../../../shared/detect/near/near-judge.ts";
import { Tracker } from "../../../shared/detect/tracker.ts";
import type { Box, Detection } from "../../../shared/detect/types.ts";
import { VisitBook, type VisitChange } from "../../../shared/detect/visits.ts";

const PICTURE = { width: 640, height: 360 };
const FRAME_MS = 200;

/** A camera's tracker and visits with its own clock: a frame every 200 ms. */
class Scene {
  readonly #tracker = new Tracker({ thresholds: [0.5], lostAfterMs: 1500, historyFrames: 10 });
  readonly #book = new VisitBook(
    { thresholds: [0.5], hitsMin: 3, rejoinMs: 4000, rejoinStillMs: 20_000 },
    new NearJudge({}, ["car"], 0.1),
  );
  readonly changes: VisitChange[] = [];
  #atMs = 0;

  frame(...detections: Detection[]): VisitChange[] {
    this.#atMs += FRAME_MS;
    const changes = this.#book.step(this.#tracker.step(detections, this.#atMs), PICTURE, this.#atMs);
    this.changes.push(...changes);
    return changes;
  }

  count(kind: VisitChange["kind"]): number {
    return this.changes.filter((change) => change.kind === kind).length;
  }
}

function thing(box: Box, score = 0.8): Detection {
  return { classIndex: 0, score, box };
}

test("a visit opens when the object is certain, and closes when it has left", () => {
  const scene = new Scene();
  expect(scene.frame(thing([100, 100, 180, 200]))).toEqual([]);
  expect(scene.frame(thing([104, 100, 184, 200]))).toEqual([]);
  expect(scene.frame(thing([108, 100, 188, 200])).map(({ kind }) => kind)).toEqual(["opened"]);
  for (let i = 0; i < 40; i++) scene.frame();
  expect([scene.count("opened"), scene.count("closed")]).toEqual([1, 1]);
  expect(scene.changes.at(-1)?.visit).toMatchObject({ firstSeenMs: 200, lastSeenMs: 600 });
});

test("one frame of nonsense is no sighting", () => {
  const scene = new Scene();
  for (let i = 0; i < 30; i++) scene.frame(...(i % 5 === 0 ? [thing([100, 100, 180, 200], 0.95)] : []));
  expect(scene.count("opened")).toBe(0);
});

test("far away is not near: the visit opens when the object has come close enough", () => {
  const scene = new Scene();
  for (let i = 0; i < 20; i++) scene.frame(thing([100, 100, 120, 130]));
  expect(scene.count("opened")).toBe(0);
  let opened = -1;
  for (let side = 30; side < 60 && opened < 0; side++) {
    if (scene.frame(thing([100, 100, 100 + side, 100 + side])).length > 0) opened = side;
  }
  expect(opened).toBe(36);
});

test("a parked car is one sighting, however its box and score shake", () => {
  const scene = new Scene();
  for (let i = 0; i < 500; i++) {
    const shake = 3 * Math.sin(i * 1.7);
    const score = 0.7 + 0.1 * Math.sin(i);
    scene.frame(...(i % 17 === 0 ? [] : [thing([200 + shake, 150 - shake, 300, 220 + shake], score)]));
  }
  expect(scene.count("opened")).toBe(1);
  expect(scene.count("closed")).toBe(0);
  // The score swings by 0.2 every few frames; the photo must settle, not follow it.
  expect(scene.count("better")).toBeLessThan(5);
});

test("a photo is replaced by a larger one, and a whole object never by a cut one", () => {
  const scene = new Scene();
  for (let i = 0; i < 5; i++) scene.frame(thing([100, 100, 160, 160]));
  expect(scene.frame(thing([100, 90, 180, 180])).map(({ kind }) => kind)).toEqual(["better"]);
  for (let i = 0; i < 6; i++) scene.frame(thing([60 - i * 12, 60, 240, 240], 0.8));
  const before = scene.count("better");
  scene.frame(thing([0, 40, 260, 300], 0.99));
  expect(scene.count("better")).toBe(before);
});

test("lost behind a post for three seconds: still the same visit", () => {
  const scene = new Scene();
  for (let i = 0; i < 5; i++) scene.frame(thing([100, 100, 180, 200]));
  for (let i = 0; i < 15; i++) scene.frame();
  for (let i = 0; i < 5; i++) scene.frame(thing([110, 100, 190, 200]));
  expect([scene.count("opened"), scene.count("closed")]).toEqual([1, 0]);
});
