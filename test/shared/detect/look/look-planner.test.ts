import { expect, test } from "bun:test";
import { LookPlanner } from "../../../../shared/detect/look/look-planner.ts";
import type { Sight } from "../../../../shared/detect/look/regions.ts";
import type { Motion } from "../../../../shared/detect/motion/motion-detector.ts";
import { Tracker } from "../../../../shared/detect/tracker.ts";
import type { Box } from "../../../../shared/detect/types.ts";

const FRAME = { width: 1280, height: 720 };
const SIGHT: Sight = { sidePx: 320, small: 0.1, usual: 0.2 };
const STILL: Motion = { kind: "still", boxes: [] };
const moving = (...boxes: Box[]): Motion => ({ kind: "moving", boxes });

/** What is planned for frames 200 ms apart, each look taken. */
class Camera {
  readonly #planner = new LookPlanner();
  readonly tracker = new Tracker({ thresholds: [0.5], lostAfterMs: 1500, historyFrames: 10 });
  #atMs = 0;

  look(motion: Motion, sight: Sight | undefined = SIGHT): string {
    this.#atMs += 200;
    const look = this.#planner.plan(motion, this.tracker.tracks, FRAME, sight, this.#atMs);
    this.#planner.taken(look, this.#atMs);
    return look.kind === "regions" ? `${look.regions.length} regions` : look.kind;
  }

  see(...boxes: Box[]): void {
    this.tracker.step(
      boxes.map((box) => ({ classIndex: 0, score: 0.9, box })),
      this.#atMs,
    );
  }
}

test("a quiet camera costs a look every ten seconds", () => {
  const camera = new Camera();
  const looks = Array.from({ length: 500 }, () => camera.look(STILL));
  expect(looks.filter((look) => look === "whole")).toHaveLength(10);
  expect(new Set(looks)).toEqual(new Set(["whole", "none"]));
});

test("where something moves it looks closely, and at the whole now and then; then on for a while", () => {
  const camera = new Camera();
  camera.look(STILL);
  const busy = Array.from({ length: 15 }, () => camera.look(moving([0.5, 0.5, 0.52, 0.55])));
  expect(busy.filter((look) => look === "1 regions").length).toBeGreaterThanOrEqual(12);
  expect(busy).toContain("whole");
  const after = Array.from({ length: 20 }, () => camera.look(STILL));
  expect(after.slice(0, 10)).toEqual(Array(10).fill("whole"));
  expect(after.at(-1)).toBe("none");
});

test("the whole scene is looked at while it is new, and after the light or the scene has changed", () => {
  const camera = new Camera();
  for (const kind of ["calibrating", "lights", "cut"] as const) {
    expect(camera.look({ kind, boxes: [] })).toBe("whole");
  }
});

test("a track that is not settled is looked at, though nothing moves; a settled one is left alone", () => {
  const camera = new Camera();
  camera.look(STILL);
  camera.see([600, 300, 640, 380]);
  const looks: string[] = [];
  for (let i = 0; i < 30; i++) {
    const look = camera.look(STILL);
    looks.push(look);
    if (look !== "none") camera.see([600, 300, 640, 380]);
  }
  expect(looks[0]).toBe("1 regions");
  expect(looks.at(-1)).toBe("none");
});

test("a model of whole pictures sees whole pictures", () => {
  const planner = new LookPlanner();
  const look = planner.plan(moving([0.5, 0.5, 0.52, 0.55]), [], FRAME, undefined, 1e6);
  expect(look.kind).toBe("whole");
});
