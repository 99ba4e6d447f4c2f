import type { Motion } from "../motion/motion-detector.ts";
import type { Track } from "../tracker.ts";
import { type Box, type FrameSize, overlapOf } from "../types.ts";
import { regionsAround, type Sight } from "./regions.ts";

/** What of a frame the model is to see. */
export type Look =
  | { readonly kind: "none" }
  | { readonly kind: "whole" }
  | { readonly kind: "regions"; readonly regions: readonly Box[] };

export interface LookRules {
  /** A camera where nothing moves still gets a look at the whole frame this often. */
  readonly quietEveryMs: number;
  /** The same where only regions are looked at. */
  readonly busyEveryMs: number;
  /** After something moved, looks go on for so long: it may have stopped, and must be seen standing there. */
  readonly lingerMs: number;
}

export const LOOK_RULES: LookRules = { quietEveryMs: 10_000, busyEveryMs: 1000, lingerMs: 2500 };

/** So much of a track covered by motion means that the track itself may be what moves. */
const MOVES_SHARE = 0.1;

/** Decides, frame by frame of one camera, whether the model has to look at all, and where. */
export class LookPlanner {
  readonly #rules: LookRules;
  #wholeAtMs = Number.NEGATIVE_INFINITY;
  #movedAtMs = Number.NEGATIVE_INFINITY;
  #wantsWhole = false;

  constructor(rules: LookRules = LOOK_RULES) {
    this.#rules = rules;
  }

  /** Something was cut by a region's edge: the next look must be at the whole frame. */
  wantWhole(): void {
    this.#wantsWhole = true;
  }

  /**
   * @param tracks that are known by now, those found and those not
   * @param sight `undefined` for a model that only understands whole pictures
   */
  plan(
    motion: Motion,
    tracks: readonly Track[],
    frame: FrameSize,
    sight: Sight | undefined,
    atMs: number,
  ): Look {
    const isWholeScene = motion.kind !== "still" && motion.kind !== "moving";
    if (motion.kind !== "still") this.#movedAtMs = atMs;
    const moving = motion.boxes.map((box) => scaled(box, frame));
    const restless = tracks.filter(
      (track) => !track.isSettled || moving.some((place) => overlapOf(track.box, place) > MOVES_SHARE),
    );
    const wholeIsDue = (everyMs: number): boolean => atMs - this.#wholeAtMs >= everyMs;
    const isQuiet = moving.length === 0 && restless.length === 0;
    if (isWholeScene || this.#wantsWhole || wholeIsDue(this.#rules.quietEveryMs)) return { kind: "whole" };
    if (isQuiet) {
      return atMs - this.#movedAtMs < this.#rules.lingerMs ? { kind: "whole" } : { kind: "none" };
    }
    if (sight === undefined || wholeIsDue(this.#rules.busyEveryMs)) return { kind: "whole" };
    const regions = regionsAround([...moving, ...restless.map(({ box }) => box)], frame, sight);
    return regions === undefined ? { kind: "whole" } : { kind: "regions", regions };
  }

  /** The look that was planned is taken (it is not where only a glance of the frame is there). */
  taken(look: Look, atMs: number): void {
    if (look.kind !== "whole") return;
    this.#wholeAtMs = atMs;
    this.#wantsWhole = false;
  }
}

function scaled([x1, y1, x2, y2]: Box, { width, height }: FrameSize): Box {
  return [x1 * width, y1 * height, x2 * width, y2 * height];
}
