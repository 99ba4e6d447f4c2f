/** A parked car stays one sighting, whoever walks or drives past before it, and nothing of its record changes by that. */
import { expect, test } from "bun:test";
import { Random } from "../../../shared/base/random.ts";
import type { Box, Detection } from "../../../shared/detect/types.ts";
import type { VisitChange } from "../../../shared/detect/visits.ts";
import { Scene, thing } from "./visit-scene.ts";

const [CAR, PERSON] = [0, 1];
const PARKED: Box = [240, 160, 360, 230];

/** The car as a model sees it, from one look to the next a little different; what `hider` covers of it is not seen. */
function parkedCar(random: Random, hider?: Box): Detection[] {
  const shake = (): number => 2 * random.normal();
  const [left, top, right, bottom] = PARKED;
  let [from, to] = [left, right];
  if (hider !== undefined && hider[2] > left && hider[0] < right) {
    // The larger part that is left, on one side of whoever stands there.
    if (hider[0] - left > right - hider[2]) to = hider[0];
    else from = hider[2];
  }
  if (to - from < (right - left) / 3) return [];
  return [thing([from + shake(), top + shake(), to + shake(), bottom + shake()], 0.75, CAR)];
}

/** The visits of each kind of thing, and what became of the parked car's. */
function parkedScene(name: string): {
  scene: Scene;
  /** One more look, with somebody in front. */
  look(hider?: Box, className?: number): void;
  /** What happened since the car was recorded. */
  since(): VisitChange[];
} {
  const scene = new Scene();
  const random = new Random("parked", name);
  for (let i = 0; i < 40; i++) scene.frame(...parkedCar(random));
  expect(scene.count("opened")).toBe(1);
  const before = scene.changes.length;
  const look = (hider?: Box, className = PERSON): void => {
    scene.frame(...parkedCar(random, hider), ...(hider === undefined ? [] : [thing(hider, 0.8, className)]));
  };
  return { scene, look, since: () => scene.changes.slice(before) };
}

/** What happened, of the car and of whoever passed. */
function told(changes: readonly VisitChange[], car: number): { car: string[]; others: string[] } {
  const kinds = (isCar: boolean) => [
    ...new Set(changes.filter(({ visit }) => (visit.key === car) === isCar).map(({ kind }) => kind)),
  ];
  return { car: kinds(true), others: kinds(false).filter((kind) => kind !== "better") };
}

test("somebody walks past before it: neither its photo nor its place changes, and it does not end", () => {
  const { scene, look, since } = parkedScene("walks");
  for (let x = 60; x < 560; x += 14) look([x, 120, x + 60, 330]);
  for (let i = 0; i < 30; i++) look();
  const car = scene.changes[0]!.visit.key;
  expect(told(since(), car)).toEqual({ car: ["continued"], others: ["opened", "continued", "closed"] });
  const { box } = scene.changes.at(-1)!.visit.path.at(-1)!;
  expect(box[0]).toBeCloseTo(PARKED[0] / 640, 1);
});

test("somebody stops before it for ten seconds and walks on: still the same car, and one person", () => {
  const { scene, look, since } = parkedScene("stops");
  for (let x = 60; x < 250; x += 14) look([x, 120, x + 110, 330]);
  for (let i = 0; i < 50; i++) look([250, 120, 360, 330]);
  for (let x = 250; x < 560; x += 14) look([x, 120, x + 110, 330]);
  for (let i = 0; i < 30; i++) look();
  const car = scene.changes[0]!.visit.key;
  expect(told(since(), car)).toEqual({ car: ["continued"], others: ["opened", "continued", "closed"] });
  expect(scene.count("opened")).toBe(2);
});

test("another car drives past before it, or stops there: two visits, and the parked one's stays where it was", () => {
  for (const stopped of [0, 50]) {
    const { scene, look, since } = parkedScene(`drives ${stopped}`);
    for (let x = 20; x < 220; x += 25) look([x, 190, x + 160, 300], CAR);
    for (let i = 0; i < stopped; i++) look([220, 190, 380, 300], CAR);
    for (let x = 220; x < 640; x += 25) look([x, 190, Math.min(640, x + 160), 300], CAR);
    for (let i = 0; i < 40; i++) look();
    const car = scene.changes[0]!.visit.key;
    expect(told(since(), car)).toEqual({ car: ["continued"], others: ["opened", "continued", "closed"] });
    expect(scene.count("opened")).toBe(2);
  }
});
