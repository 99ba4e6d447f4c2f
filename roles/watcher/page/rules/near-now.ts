import { GroundDistance } from "../../../../shared/detect/near/distance.ts";
import { isInside, type Point } from "../../../../shared/detect/near/geometry.ts";
import { isSameClass } from "../../../../shared/detect/near/rules.ts";
import type { Draft } from "./draft.ts";

/** A thing on the picture, for people: its box in shares. */
export interface Thing {
  readonly className: string;
  readonly box: readonly [left: number, top: number, right: number, bottom: number];
}

/**
 * Whether a thing that stands there would count, by what is drawn: as the tester's `NearJudge`, but for what takes
 * time (staying in a zone counts as done, crossing a line does not).
 */
export function isNearNow({ className, box }: Thing, draft: Draft): boolean {
  const [left, top, right, bottom] = box;
  const middle: Point = [(left + right) / 2, (top + bottom) / 2];
  const foot: Point = [middle[0], Math.min(0.999, bottom)];
  const percent = 100 * (bottom - top);
  const of = (kind: string) => draft.shapes.filter((shape) => shape.kind === kind);
  if (of("mask").some(({ corners }) => isInside(middle, corners))) return false;
  if (draft.distance !== undefined) {
    const { near, far, nearMeters } = draft.distance;
    if (new GroundDistance([near, far]).at(foot[1]) > nearMeters) return false;
  }
  const zones = of("zone");
  if (zones.length === 0 && of("line").length === 0) return percent >= draft.minHeightPercent;
  return zones.some(
    ({ corners, classes, minHeightPercent }) =>
      (classes.length === 0 || classes.some((name) => isSameClass(name, className))) &&
      percent >= (minHeightPercent ?? draft.minHeightPercent) &&
      isInside(foot, corners),
  );
}
