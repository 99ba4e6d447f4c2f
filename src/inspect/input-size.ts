import { quantile } from "../../shared/dataset/statistics.ts";
import { INPUT_SIDE_PX } from "../../shared/learn/input-choice.ts";
import { DETECTOR_STRIDES } from "../../shared/nn/networks/detector.ts";

/** The finest cells of the detector: of an object that is smaller than one of them, too little is left to learn. */
export const SEEN_SIDE_PX = DETECTOR_STRIDES[0];
/** What the small objects should have: two of those cells, so that one lies inside wherever the object is. */
const WANTED_SIDE_PX = 2 * SEEN_SIDE_PX;
/** The share of the objects that may be smaller. */
const SMALLER_SHARE = 0.05;
/** The detector's coarsest cells: its input is a whole number of them. */
const STEP_PX = DETECTOR_STRIDES.at(-1)!;
const INPUT_SIDE_PX_MAX = 1280;

export interface InputSizeAdvice {
  readonly sidePx: number;
  /** Computing at that side takes so many times as long as at the default. */
  readonly timeFactor: number;
  /** The shorter side of the small objects (19 of 20 are larger) at the default and at the advised side. */
  readonly smallObjectPx: { readonly atDefault: number; readonly atAdvised: number };
  /** Why it is no larger, where the small objects would need that. */
  readonly limitedBy: "pictures" | "network" | undefined;
}

/** The rule in words, for people. */
export const INPUT_SIZE_RULE = `the least multiple of ${STEP_PX} from ${INPUT_SIDE_PX} px at which 19 of 20 objects have a shorter side of ${WANTED_SIDE_PX} px, but no larger than the pictures`;

/**
 * The input side that the objects ask for, by `INPUT_SIZE_RULE`. Pictures are never enlarged for it: that adds time
 * and no detail.
 *
 * @param shorterShares the objects' shorter sides in shares of the pictures' longer sides
 * @param picturePx the pictures' longer sides; the middle one of them counts
 */
export function adviseInputSize(shorterShares: Float64Array, picturePx: readonly number[]): InputSizeAdvice {
  const small = quantile(shorterShares.toSorted(), SMALLER_SHARE);
  const toStep = (px: number): number => STEP_PX * Math.ceil(px / STEP_PX - 1e-9);
  const wanted = small > 0 ? Math.max(INPUT_SIDE_PX, toStep(WANTED_SIDE_PX / small)) : INPUT_SIDE_PX;
  const picture = Math.max(INPUT_SIDE_PX, toStep(quantile(Float64Array.from(picturePx).sort(), 0.5)));
  const sidePx = Math.min(wanted, picture, INPUT_SIDE_PX_MAX);
  return {
    sidePx,
    timeFactor: (sidePx / INPUT_SIDE_PX) ** 2,
    smallObjectPx: { atDefault: small * INPUT_SIDE_PX, atAdvised: small * sidePx },
    limitedBy: sidePx === wanted ? undefined : sidePx === picture ? "pictures" : "network",
  };
}
