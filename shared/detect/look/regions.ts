import type { LearntSizes } from "../../nn/model-file.ts";
import { suppressOverlaps } from "../nms.ts";
import { type Box, boxArea, type Detection, type FrameSize, overlapOf } from "../types.ts";

/** A region is at least so many times as long as what it surrounds: a thing is told by what is around it, too. */
const ROOM = 2.2;
/** A region longer than this share of the frame shows hardly more than the whole frame would. */
const WHOLE_SHARE = 0.75;
/** A box side this near to a region's edge, as a share of the region, is cut by it. */
const CUT_SHARE = 0.02;
/** Detections of two regions that overlap so much are one object. */
const SAME_IOU = 0.5;

/** What is known of a model's eye. */
export interface Sight extends LearntSizes {
  /** Of the model's input. */
  readonly sidePx: number;
}

/**
 * Squares around places worth looking at, so that small things far away are seen as large as the model learnt them.
 * Each is at least as long as the model's input, so that nothing is enlarged. Places near one another share a square.
 *
 * A model takes what it sees at another size than it learnt for something else: of 212 visits to drawn streets, watched
 * with a model trained on whole frames of them, squares about all that moved found 93% and 15% of the sightings were
 * false or doubled; looks at the whole frame found 98%, 1% false.
 *
 * @param places boxes in pixels of the frame
 * @returns `undefined` when the whole frame is the better look: it shows the places large enough, a region would be
 *          nearly as large, or they are too many
 */
export function regionsAround(
  places: readonly Box[],
  frame: FrameSize,
  sight: Sight,
): readonly Box[] | undefined {
  const longest = Math.max(frame.width, frame.height);
  // As many squares as cost less than looking at each part of the frame at full resolution.
  const countMax = Math.min(4, Math.round(longest / sight.sidePx) - 1);
  let clusters = places.filter((place) => boxArea(place) > 0);
  for (;;) {
    const squares = clusters.map((cluster) => squareAround(cluster, frame, sight));
    if (
      squares.some(
        ([left, top, right, bottom]) => Math.max(right - left, bottom - top) > WHOLE_SHARE * longest,
      )
    ) {
      return undefined;
    }
    const merged = mergeOnce(clusters, squares);
    if (merged === undefined) {
      const areSmall = clusters.every((cluster) => longestSide(cluster) < sight.small * longest);
      return areSmall && squares.length <= countMax ? squares : undefined;
    }
    clusters = merged;
  }
}

/** Merges the first two clusters of which one lies in the other's square; `undefined` when there are none. */
function mergeOnce(clusters: readonly Box[], squares: readonly Box[]): Box[] | undefined {
  for (let i = 0; i < clusters.length; i++) {
    for (let j = i + 1; j < clusters.length; j++) {
      if (!contains(squares[i]!, clusters[j]!) && !contains(squares[j]!, clusters[i]!)) continue;
      const rest = clusters.filter((_, at) => at !== i && at !== j);
      return [...rest, union(clusters[i]!, clusters[j]!)];
    }
  }
  return undefined;
}

/** The square with a place in its middle, moved into the frame; cut where the frame is smaller than the square. */
function squareAround(place: Box, frame: FrameSize, { sidePx, usual }: Sight): Box {
  const [left, top, right, bottom] = place;
  const side = Math.max(sidePx, Math.max(ROOM, 1 / usual) * longestSide(place));
  const x = clamp((left + right - side) / 2, 0, Math.max(0, frame.width - side));
  const y = clamp((top + bottom - side) / 2, 0, Math.max(0, frame.height - side));
  return [x, y, Math.min(frame.width, x + side), Math.min(frame.height, y + side)].map(
    Math.round,
  ) as unknown as Box;
}

function longestSide([left, top, right, bottom]: Box): number {
  return Math.max(right - left, bottom - top);
}

function contains(region: Box, box: Box): boolean {
  return (
    box[0] >= region[0] &&
    box[1] >= region[1] &&
    box[2] <= region[2] &&
    box[3] <= region[3] &&
    boxArea(box) > 0
  );
}

/**
 * Brings what was found in several regions of a frame together: each object once, and none that a region's edge has
 * cut (it may be anything). A region's edge that is the frame's edge cuts nothing.
 *
 * @param looks detections in pixels of the frame
 * @returns `hasCut`: something was cut, so that a larger look is due
 */
export function joinRegions(
  looks: readonly { readonly region: Box; readonly detections: readonly Detection[] }[],
  frame: FrameSize,
): { readonly detections: readonly Detection[]; readonly hasCut: boolean } {
  const whole: Detection[] = [];
  const cut: Detection[] = [];
  for (const { region, detections } of looks) {
    for (const one of detections) (isCut(one.box, region, frame) ? cut : whole).push(one);
  }
  whole.sort((a, b) => b.score - a.score);
  const detections = suppressOverlaps(whole, { iouMax: SAME_IOU, countMax: whole.length });
  const isKnown = (part: Detection): boolean => detections.some(({ box }) => overlapOf(part.box, box) > 0.5);
  return { detections, hasCut: cut.some((part) => !isKnown(part)) };
}

function isCut(box: Box, region: Box, frame: FrameSize): boolean {
  const margin = CUT_SHARE * Math.max(region[2] - region[0], region[3] - region[1]);
  return (
    (region[0] > 0 && box[0] < region[0] + margin) ||
    (region[1] > 0 && box[1] < region[1] + margin) ||
    (region[2] < frame.width && box[2] > region[2] - margin) ||
    (region[3] < frame.height && box[3] > region[3] - margin)
  );
}

function union(a: Box, b: Box): Box {
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
