import { expect, test } from "bun:test";
import { Random } from "../../../shared/base/random.ts";
import { Tracker } from "../../../shared/detect/tracker.ts";
import type { Box, Detection } from "../../../shared/detect/types.ts";

const FRAME_MS = 200;

function tracker(): Tracker {
  return new Tracker({ thresholds: [0.5, 0.5], lostAfterMs: 1500, historyFrames: 10 });
}

function seen(box: Box, score = 0.9, classIndex = 0): Detection {
  return { classIndex, score, box };
}

test("an object keeps its number while it crosses the picture with a shaking box", () => {
  const random = new Random("shake");
  const follow = tracker();
  const ids = new Set<number>();
  for (let frame = 0; frame < 30; frame++) {
    const x = 20 + frame * 18;
    const shake = (): number => 3 * random.normal();
    const box: Box = [x + shake(), 100 + shake(), x + 60 + shake(), 180 + shake()];
    for (const { id } of follow.step([seen(box)], frame * FRAME_MS).seen) ids.add(id);
  }
  expect([...ids]).toEqual([1]);
});

test("two objects that pass each other keep their numbers", () => {
  const follow = tracker();
  let last: readonly { id: number; box: Box }[] = [];
  for (let frame = 0; frame < 40; frame++) {
    const x = 10 + frame * 15;
    const right: Box = [x, 100, x + 50, 160];
    const left: Box = [600 - x, 140, 650 - x, 200];
    last = follow.step([seen(right), seen(left, 0.8)], frame * FRAME_MS).seen;
  }
  const [goesRight, goesLeft] = [...last].sort((a, b) => b.box[0] - a.box[0]);
  expect([goesRight?.id, goesLeft?.id]).toEqual([1, 2]);
});

test("hidden for a second, then there again: the same object", () => {
  const follow = tracker();
  const at = (frame: number): Detection => seen([50 + frame * 12, 80, 130 + frame * 12, 160]);
  for (let frame = 0; frame < 10; frame++) follow.step([at(frame)], frame * FRAME_MS);
  for (let frame = 10; frame < 14; frame++) follow.step([], frame * FRAME_MS);
  expect(follow.step([at(14)], 14 * FRAME_MS).seen.map(({ id }) => id)).toEqual([1]);
});

test("gone for longer than that: it has left, and what comes next is another", () => {
  const follow = tracker();
  follow.step([seen([0, 0, 50, 50])], 0);
  expect(follow.step([], 1400).lost).toEqual([]);
  expect(follow.step([], 1600).lost.map(({ id }) => id)).toEqual([1]);
  expect(follow.step([seen([0, 0, 50, 50])], 1800).seen.map(({ id }) => id)).toEqual([2]);
});

test("a weak detection keeps a track alive but begins none", () => {
  const follow = tracker();
  expect(follow.step([seen([0, 0, 50, 50], 0.3)], 0).seen).toEqual([]);
  follow.step([seen([0, 0, 50, 50], 0.9)], 200);
  expect(follow.step([seen([2, 0, 52, 50], 0.3)], 400).seen.map(({ hits }) => hits)).toEqual([2]);
});

test("one object under two names is one track, of the class that it looked like most", () => {
  const follow = tracker();
  const box: Box = [10, 10, 110, 90];
  follow.step([seen(box, 0.9, 0), seen(box, 0.6, 1)], 0);
  follow.step([seen(box, 0.6, 1)], 200);
  const { seen: tracks } = follow.step([seen(box, 0.9, 0)], 400);
  expect(tracks.map(({ id, classIndex }) => [id, classIndex])).toEqual([[1, 0]]);
});

test("a box inside a stronger one of its class is a part of that object, not another", () => {
  const follow = tracker();
  const whole = seen([100, 50, 160, 200], 0.8);
  const legs = seen([105, 130, 155, 200], 0.6);
  const rider = seen([105, 60, 155, 150], 0.7, 1);
  expect(follow.step([whole, legs, rider], 0).seen.map(({ classIndex }) => classIndex)).toEqual([0, 1]);
});

test("two of a kind side by side stay two, though their boxes overlap a little", () => {
  const follow = tracker();
  const { seen: tracks } = follow.step([seen([0, 0, 60, 60]), seen([40, 0, 100, 60], 0.7)], 0);
  expect(tracks).toHaveLength(2);
});

test("a look at a part of the picture says nothing of what is elsewhere", () => {
  const follow = tracker();
  const [here, there] = [seen([0, 0, 50, 50]), seen([400, 0, 450, 50])];
  for (let frame = 0; frame < 12; frame++) follow.step([here, there], frame * FRAME_MS);
  for (let frame = 12; frame < 40; frame++) {
    const step = follow.step([], frame * FRAME_MS, [[300, 0, 500, 200]]);
    expect(step.resting.map(({ id }) => id)).toEqual([1]);
  }
  expect(follow.tracks.map(({ id, isSettled }) => [id, isSettled])).toEqual([[1, true]]);
});

test("what a look has missed is restless: it is looked for until it is found or has left", () => {
  const follow = tracker();
  for (let frame = 0; frame < 12; frame++) follow.step([seen([0, 0, 50, 50])], frame * FRAME_MS);
  expect(follow.tracks[0]?.isSettled).toBe(true);
  follow.step([], 12 * FRAME_MS);
  expect(follow.tracks[0]?.isSettled).toBe(false);
  expect(follow.rest(13 * FRAME_MS)).toMatchObject({ resting: [], lost: [] });
  expect(follow.rest(40 * FRAME_MS).lost).toHaveLength(1);
});
