import { type DatasetStatistics, shorterShares } from "../dataset/statistics.ts";
import { DETECTOR_STRIDES } from "../nn/networks/detector.ts";
import { sharpInputPx } from "./cache-side.ts";

/** The side of a detector's input unless the objects ask for more, in pixels. */
export const INPUT_SIDE_PX = 320;
/** More than this is for who asks for it: each doubling takes four times as long, in watching too. */
const CHOSEN_SIDE_PX_MAX = 640;
/** The middle object of each class should have one and a half of the finest cells. */
const WANTED_SIDE_PX = 1.5 * DETECTOR_STRIDES[0];
const STEP_PX = DETECTOR_STRIDES.at(-1)!;
/** A class with fewer boxes than this says little of its size. */
const BOXES_MIN = 8;
/**
 * A larger input pays only where it still sees so many pictures: small objects learnt at twice the side in the same
 * time were worse after 900 pictures and better after 3,200 (test/bench/LEARNING.md).
 */
const SAMPLES_MIN = 4000;
/** What two cores of a laptop compute at `INPUT_SIDE_PX`: who trains is not known when the side is chosen. */
const PICTURES_A_SECOND = 40;

export interface InputChoice {
  readonly sidePx: number;
  /** The class that decided, and the middle one of its boxes' shorter sides at `INPUT_SIDE_PX`. */
  readonly smallest: { readonly name: string; readonly sidePx: number } | undefined;
}

/**
 * The side that a detector learns at where nobody says one: larger than usual where the objects of a class are too
 * small for it, never larger than the pictures, and only as far as the time and the memory allow.
 *
 * @param minutes of training; without, there is time
 */
export function chooseInputSide(
  { splits, classes, pictureWidthPx, pictureHeightPx, boxes }: DatasetStatistics,
  minutes = Number.POSITIVE_INFINITY,
): InputChoice {
  const usual = Math.min(BOXES_MIN, shorterShares(boxes).length);
  const [smallest] = classes
    .filter((one) => one.boxes >= usual && one.shorterShareMedian > 0)
    .sort((a, b) => a.shorterShareMedian - b.shorterShareMedian);
  if (smallest === undefined) return { sidePx: INPUT_SIDE_PX, smallest };
  const share = smallest.shorterShareMedian;
  const picturePx = Math.max(pictureWidthPx.median, pictureHeightPx.median);
  const affordablePx = INPUT_SIDE_PX * Math.sqrt((minutes * 60 * PICTURES_A_SECOND) / SAMPLES_MIN);
  const wantedPx = STEP_PX * Math.ceil(WANTED_SIDE_PX / share / STEP_PX - 1e-9);
  const learnt = splits.reduce((sum, { name, pictures }) => sum + (name === "test" ? 0 : pictures), 0);
  const mostPx =
    STEP_PX * Math.floor(Math.min(affordablePx, CHOSEN_SIDE_PX_MAX, sharpInputPx(learnt)) / STEP_PX);
  const detailPx = STEP_PX * Math.ceil(picturePx / STEP_PX);
  return {
    sidePx: Math.max(INPUT_SIDE_PX, Math.min(wantedPx, mostPx, detailPx)),
    smallest: { name: smallest.name, sidePx: share * INPUT_SIDE_PX },
  };
}
