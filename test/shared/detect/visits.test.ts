import { expect, test } from "bun:test";
import { NearJudge } from "../../../shared/detect/near/near-judge.ts";
import type { CameraRules } from "../../../shared/detect/near/rules.ts";
import type { Track } from "../../../shared/detect/tracker.ts";
import type { Detection } from "../../../shared/detect/types.ts";
import { type InterruptedVisit, VisitBook } from "../../../shared/detect/visits.ts";
import { FRAME_MS, PICTURE, Scene, thing, VISIT_RULES } from "./visit-scene.ts";

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

test("a parked car that nobody needs to look at stays, and one that a look does not find has left", () => {
  const scene = new Scene();
  for (let i = 0; i < 12; i++) scene.frame(thing([200, 150, 300, 220]));
  for (let i = 0; i < 5 * 3600; i++) scene.quietFrame();
  expect([scene.count("opened"), scene.count("closed")]).toEqual([1, 0]);
  expect(scene.changes.at(-1)?.visit.lastSeenMs).toBe(FRAME_MS * (12 + 5 * 3600));
  for (let i = 0; i < 110; i++) scene.frame();
  expect([scene.count("opened"), scene.count("closed")]).toEqual([1, 1]);
});

test("a parked car behind a van for fifteen seconds is the same car; somebody who walked on is not", () => {
  const car = new Scene();
  for (let i = 0; i < 40; i++) car.frame(thing([200, 150, 300, 220]));
  for (let i = 0; i < 75; i++) car.frame();
  for (let i = 0; i < 5; i++) car.frame(thing([202, 150, 302, 220]));
  expect([car.count("opened"), car.count("closed")]).toEqual([1, 0]);

  const walker = new Scene();
  for (let i = 0; i < 20; i++) walker.frame(thing([100 + 10 * i, 100, 140 + 10 * i, 200]));
  for (let i = 0; i < 75; i++) walker.frame();
  for (let i = 0; i < 5; i++) walker.frame(thing([300, 100, 340, 200]));
  expect([walker.count("opened"), walker.count("closed")]).toEqual([2, 1]);
});

test("who walks behind a wall is the same where the way comes out, and another elsewhere", () => {
  const at = (i: number): Detection => thing([50 + 12 * i, 100, 90 + 12 * i, 200]);
  for (const [way, visits] of [
    [0, 1],
    [-300, 2],
  ] as const) {
    const scene = new Scene();
    for (let i = 0; i < 12; i++) scene.frame(at(i));
    for (let i = 12; i < 26; i++) scene.frame();
    for (let i = 26; i < 32; i++) {
      const [x1, y1, x2, y2] = at(i).box;
      scene.frame(thing([x1 + way, y1, x2 + way, y2]));
    }
    expect(scene.count("opened")).toBe(visits);
  }
});

test("the path is spread over the whole visit, however long it is", () => {
  const scene = new Scene();
  for (let i = 0; i < 2000; i++) scene.frame(thing([100 + i / 10, 100, 180 + i / 10, 200]));
  const path = scene.changes.at(-1)!.visit.path;
  expect(path.length).toBeGreaterThan(30);
  expect(path.length).toBeLessThanOrEqual(64);
  expect(path[0]!.atMs).toBe(400);
  expect(path.at(-1)!.atMs).toBeGreaterThan(0.95 * 2000 * FRAME_MS);
  expect(path.at(-1)!.box[0]).toBeGreaterThan(0.45);
});

test("after a restart, what stands where it stood goes on; what stands elsewhere is new", () => {
  const before = (onResumed: (key: number) => void): InterruptedVisit => ({
    classIndex: 0,
    score: 0.9,
    box: [200, 150, 300, 220],
    firstSeenMs: -60_000,
    zone: "",
    path: [{ atMs: 0, box: [200 / 640, 150 / 360, 300 / 640, 220 / 360] }],
    onResumed,
  });
  for (const [x, kind] of [
    [204, "resumed"],
    [400, "opened"],
  ] as const) {
    const scene = new Scene();
    const keys: number[] = [];
    scene.book.expect([before((key) => keys.push(key))]);
    for (let i = 0; i < 4; i++) scene.frame(thing([x, 150, x + 100, 220]));
    const changes = scene.changes.filter((one) => one.kind !== "continued");
    expect(changes.map((one) => one.kind)).toEqual([kind]);
    expect(keys).toEqual(kind === "resumed" ? [changes[0]!.visit.key] : []);
    expect(changes[0]!.visit.firstSeenMs).toBe(kind === "resumed" ? -60_000 : FRAME_MS);
  }
});

test("a visit goes on by other rules only where its zone still holds it", () => {
  const zone = (name: string, left: number): CameraRules => ({
    zones: [
      {
        name,
        polygon: [
          [left, 0],
          [left + 0.5, 0],
          [left + 0.5, 1],
          [left, 1],
        ],
        dwellMs: 400,
      },
    ],
  });
  for (const [rules, kinds] of [
    [zone("yard", 0), ["resumed"]], // though the dwell time begins anew for what looks like a new thing
    [zone("yard", 0.5), []],
    [zone("garden", 0), ["opened"]],
    [{}, ["opened"]],
  ] as const) {
    const scene = new Scene(rules);
    scene.book.expect([
      {
        classIndex: 0,
        score: 0.9,
        box: [100, 150, 200, 220],
        firstSeenMs: -60_000,
        zone: "yard",
        path: [{ atMs: 0, box: [100 / 640, 150 / 360, 200 / 640, 220 / 360] }],
        onResumed: () => {},
      },
    ]);
    for (let i = 0; i < 6; i++) scene.frame(thing([100, 150, 200, 220]));
    const changes = scene.changes.filter((one) => one.kind !== "continued");
    expect(changes.map(({ kind }) => kind)).toEqual([...kinds]);
  }
});

test("a visit whose photo was lost wants a look, and that one is its photo, with the box that it shows", () => {
  const scene = new Scene();
  for (let i = 0; i < 12; i++) scene.frame(thing([200, 150, 300, 220]));
  scene.quietFrame();
  expect(scene.book.wantsLook).toBe(false);
  scene.book.wantPhoto(scene.changes[0]!.visit.key, 15 * FRAME_MS);
  scene.quietFrame();
  expect(scene.book.wantsLook).toBe(false);
  scene.quietFrame();
  expect(scene.book.wantsLook).toBe(true);
  expect(scene.frame(thing([202, 150, 302, 220], 0.7))).toMatchObject([
    { kind: "better", visit: { box: [202, 150, 302, 220], score: 0.7 } },
  ]);
  expect(scene.frame(thing([202, 150, 302, 220], 0.7)).map(({ kind }) => kind)).toEqual(["continued"]);
});

test("of two photos alike, the sharper one is kept", () => {
  const scene = new Scene();
  for (let i = 0; i < 5; i++) scene.frame({ ...thing([100, 100, 180, 200]), sharpness: 6 });
  const sharp = scene.frame({ ...thing([102, 100, 182, 200]), sharpness: 10 });
  expect(sharp.map(({ kind }) => kind)).toEqual(["better"]);
  const large = scene.frame({ ...thing([90, 90, 190, 210], 0.8), sharpness: 4 });
  expect(large.map(({ kind }) => kind)).toEqual(["continued"]);
});

test("what is seen again and again on its way needs less in each look; what stands still does not", () => {
  const scene = new Scene();
  for (let i = 0; i < 7; i++) scene.frame(thing([100 + 8 * i, 100, 180 + 8 * i, 200], 0.35));
  expect(scene.changes.map(({ kind }) => kind)).toEqual(["opened", "continued", "continued"]);
  const [weak, still] = [new Scene(), new Scene()];
  for (let i = 0; i < 30; i++) weak.frame(thing([100 + 8 * i, 100, 180 + 8 * i, 200], 0.28));
  for (let i = 0; i < 30; i++) still.frame(thing([100, 100, 180, 200], 0.45));
  expect([weak.count("opened"), still.count("opened")]).toEqual([0, 0]);
});

test("what has left the picture is another than what comes in there right after it", () => {
  const scene = new Scene();
  for (let i = 0; i < 12; i++) scene.frame(thing([300 - 25 * i, 100, 380 - 25 * i, 200]));
  for (let i = 0; i < 14; i++) scene.frame();
  for (let i = 0; i < 8; i++) scene.frame(thing([25 * i, 100, 80 + 25 * i, 200]));
  expect(scene.count("opened")).toBe(2);
});

/** Somebody 40 px wide, of whom a bus from 200 px to `busEndsAt` hides what is behind it, or all that little is left of. */
function behindBus(left: number, busEndsAt: number): Detection[] {
  const right = left + 40;
  const [from, to] = left < 200 ? [left, Math.min(right, 200)] : [Math.max(left, busEndsAt), right];
  return to - from < 20 ? [] : [thing([from, 100, to, 190])];
}

test("who comes out from behind a bus is the same: last seen half hidden, whole when found again", () => {
  const scene = new Scene();
  const at = (i: number): number => 60 + 10 * i;
  for (let i = 0; at(i) < 200; i++) scene.frame(...behindBus(at(i), 260));
  expect(scene.changes.at(-1)!.visit.lastSeenMs).toBe(FRAME_MS * 13); // 20 px of 40 were left of the bus
  for (let i = 14; at(i) < 262; i++) scene.frame();
  for (let i = 21; i < 26; i++) scene.frame(...behindBus(at(i), 260));
  expect([scene.count("opened"), scene.count("closed")]).toEqual([1, 0]);
});

test("who comes out from behind a bus is the same after a long way at another pace; not from elsewhere", () => {
  for (const [away, visits] of [
    [0, 1],
    [90, 2],
  ] as const) {
    const scene = new Scene();
    for (let i = 0; i < 14; i++) scene.frame(...behindBus(20 + 10 * i, 360));
    // A quarter faster where nobody sees it, for three seconds.
    for (let i = 0; i < 16; i++) scene.frame();
    const out = 150 + 12.5 * 17;
    for (let i = 0; i < 5; i++) scene.frame(thing([out + away + 10 * i, 100, out + away + 40 + 10 * i, 190]));
    expect(scene.count("opened")).toBe(visits);
  }
});

test("an object that a second track has taken over goes on in its visit, and does not open another", () => {
  const book = new VisitBook(VISIT_RULES, new NearJudge({}, ["car"], 0.1));
  const trackOf = (id: number, x: number, atMs: number, firstSeenMs: number): Track => ({
    id,
    classIndex: 0,
    box: [x, 100, x + 80, 200],
    seen: thing([x, 100, x + 80, 200]),
    firstSeenMs,
    lastSeenMs: atMs,
    scores: [0.8, 0.8, 0.8],
    hits: 3,
    hasMoved: true,
    isSettled: false,
  });
  const kinds = (id: number, x: number, atMs: number, since: number): string[] =>
    book
      .step({ seen: [trackOf(id, x, atMs, since)], resting: [], lost: [] }, PICTURE, atMs)
      .map((change) => change.kind);
  expect(kinds(1, 100, 600, 200)).toEqual(["opened"]);
  expect(kinds(2, 110, 1400, 800)).toEqual(["continued"]); // the first track is missing, not lost
});
