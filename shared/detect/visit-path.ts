import { PATH_POINTS_MAX } from "../base/limits.ts";
import { type Box, type FrameSize, overlapOf } from "./types.ts";

/** A place of a path: when, in ms since the visit began, and where, in shares of the picture. */
export interface PathPlace {
  readonly atMs: number;
  readonly box: Box;
}

/** Places are kept this far apart at first; twice as far each time the path is full. */
const FIRST_GAP_MS = 200;
/** The speed is taken over the last looks of this time. */
const SPEED_WINDOW_MS = 1200;
/** An object stands still when it moved by less than this share of its size for so long. */
const STILL_SHARE = 0.25;
const STILL_AFTER_MS = 5000;
/** So much of a box where something stood still: the part of it that somebody in front leaves to be seen. */
const PART_SHARE = 0.8;

/** Where the object of one visit went: the longer it stays, the further apart the places, so that they stay few. */
export class VisitPath {
  readonly #beganMs: number;
  #places: PathPlace[];
  #gapMs = FIRST_GAP_MS;
  #recent: { readonly atMs: number; readonly box: Box }[] = [];
  /** Where it has been since it stopped, in pixels, and since when. */
  #stand: { readonly box: Box; readonly sinceMs: number } | undefined;
  #lastMs = 0;

  constructor(beganMs: number, places: readonly PathPlace[] = []) {
    this.#beganMs = beganMs;
    this.#places = [...places];
  }

  get places(): readonly PathPlace[] {
    return this.#places;
  }

  /** Whether the object has stood at one place for a while. */
  get isStill(): boolean {
    return this.#stand !== undefined && this.#lastMs - this.#stand.sinceMs >= STILL_AFTER_MS;
  }

  /** Whether a box is where the object stands still, or a part of it there; in pixels. */
  standsAt(box: Box): boolean {
    const stand = this.#stand?.box;
    if (!this.isStill || stand === undefined) return false;
    return !hasMoved(stand, box) || overlapOf(box, stand) >= PART_SHARE;
  }

  /** @param box in pixels */
  add(box: Box, { width, height }: FrameSize, atMs: number): void {
    this.#lastMs = atMs;
    this.#recent = [...this.#recent.filter((one) => atMs - one.atMs <= SPEED_WINDOW_MS), { atMs, box }];
    if (this.#stand === undefined || (hasMoved(this.#stand.box, box) && !this.standsAt(box)))
      this.#stand = { box, sinceMs: atMs };
    const last = this.#places.at(-1);
    const sinceBeganMs = Math.max(0, atMs - this.#beganMs);
    if (last !== undefined && sinceBeganMs - last.atMs < this.#gapMs) return;
    const [x1, y1, x2, y2] = box;
    this.#places.push({ atMs: sinceBeganMs, box: [x1 / width, y1 / height, x2 / width, y2 / height] });
    if (this.#places.length <= PATH_POINTS_MAX) return;
    this.#places = this.#places.filter((_, i) => i % 2 === 0);
    this.#gapMs *= 2;
  }

  /** How far it will have gone in a time if it keeps its pace, in pixels; what is hidden seldom keeps all of it. */
  shiftPx(elapsedMs: number): readonly [x: number, y: number] {
    const [first, last] = [this.#recent[0], this.#recent.at(-1)];
    if (first === undefined || last === undefined || last.atMs === first.atMs) return [0, 0];
    const steps = (0.9 * elapsedMs) / (last.atMs - first.atMs);
    const across = (last.box[0] + last.box[2] - first.box[0] - first.box[2]) / 2;
    return [across * steps, (last.box[3] - first.box[3]) * steps];
  }
}

function hasMoved(from: Box, to: Box): boolean {
  const size = Math.sqrt((from[2] - from[0]) * (from[3] - from[1]));
  const across = Math.abs(to[0] + to[2] - from[0] - from[2]) / 2;
  return across + Math.abs(to[3] - from[3]) > STILL_SHARE * size;
}
