import { AxisFilter } from "./axis-filter.ts";
import { type Box, boxArea, boxIou, type Detection, overlapOf } from "./types.ts";

/** One object followed from frame to frame of one camera. */
export interface Track {
  /** Counts from 1; new for every object. */
  readonly id: number;
  /** The class with the most score so far. */
  readonly classIndex: number;
  /** Where the filter believes the object is now. */
  readonly box: Box;
  /** Where the model last saw it, and how surely. */
  readonly seen: Detection;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  /** Scores of the last looks for the track's class, newest last; 0 for a look that did not find it. */
  readonly scores: readonly number[];
  /** Looks that found it. */
  readonly hits: number;
  /** It has gone somewhere since it was first seen: looks at it showed it in different ways. */
  readonly hasMoved: boolean;
  /** It was found often, and by the last look too: where nothing moves, it needs no other look for now. */
  readonly isSettled: boolean;
}

export interface TrackerOptions {
  /** A detection below this never begins a track; by class. */
  readonly thresholds: readonly number[];
  /** A track not seen for so long has left. */
  readonly lostAfterMs: number;
  /** Length of `Track.scores`. */
  readonly historyFrames: number;
}

export interface TrackerStep {
  /** Tracks found in this frame. */
  readonly seen: readonly Track[];
  /** Tracks that nobody looked for and that are believed to be where they were, since nothing moved there. */
  readonly resting: readonly Track[];
  /** Tracks that ended with it. */
  readonly lost: readonly Track[];
}

/** Above this a detection and a track are too far apart to be one object; in units of `matchCost`. */
const MATCH_COST_MAX = 2;
/** What another class costs: less than a jump of a box, since models confuse a bus with a lorry... */
const OTHER_CLASS_COST = 0.6;
/** ... but then the boxes agree: otherwise a track whose object was missed would run off with one that passes it. */
const OTHER_CLASS_DISTANCE_MAX = 0.5;
/** Two detections that overlap so much are one object: of one class, and of any (a bus that may be a lorry). */
const SAME_CLASS_IOU = 0.4;
const SAME_OBJECT_IOU = 0.6;
/** A shift of this many of its sizes is more than a shaking box. */
const MOVED_SHARE = 0.25;
/** So much of a track in a region that a look at the region should have found it. */
const LOOKED_AT_SHARE = 0.75;
/** So much of a box inside a stronger one of its class: a part of that object, not another one. */
const INSIDE_SHARE = 0.85;

/**
 * Follows objects: each axis of a box by its own filter (constant velocity), matched to new detections by distances
 * in units of the object's own size, so that one threshold fits near and far. Weak detections keep a track alive but
 * begin none (after ByteTrack, Zhang et al. 2022).
 */
export class Tracker {
  #options: TrackerOptions;
  #tracks: Followed[] = [];
  #nextId = 1;

  constructor(options: TrackerOptions) {
    this.#options = options;
  }

  /** Takes up other thresholds; what is followed already goes on. */
  useThresholds(thresholds: readonly number[]): void {
    this.#options = { ...this.#options, thresholds };
  }

  /** The tracks that have not ended, seen in the last frame or not. */
  get tracks(): readonly Track[] {
    return this.#tracks;
  }

  /**
   * @param detections of one frame, any order, down to about half of the thresholds
   * @param atMs the frame's time; never earlier than the last
   * @param regions what was looked at; the whole frame when absent
   */
  step(detections: readonly Detection[], atMs: number, regions?: readonly Box[]): TrackerStep {
    const found = withoutDoubles(detections);
    for (const track of this.#tracks) track.predict(atMs);
    const isLookedAt = ({ box }: Track): boolean =>
      regions === undefined || regions.some((region) => overlapOf(box, region) >= LOOKED_AT_SHARE);

    const pairs: { cost: number; track: Followed; detection: Detection }[] = [];
    for (const track of this.#tracks) {
      for (const detection of found) {
        const cost = matchCost(track, detection);
        if (cost < MATCH_COST_MAX) pairs.push({ cost, track, detection });
      }
    }
    pairs.sort((a, b) => a.cost - b.cost);
    const taken = new Set<Followed | Detection>();
    const seen: Followed[] = [];
    for (const { track, detection } of pairs) {
      if (taken.has(track) || taken.has(detection)) continue;
      taken.add(track).add(detection);
      track.see(detection, atMs);
      seen.push(track);
    }
    const resting: Followed[] = [];
    for (const track of this.#tracks) {
      if (taken.has(track)) continue;
      if (isLookedAt(track)) track.miss();
      else if (track.rest(atMs)) resting.push(track);
    }
    for (const detection of found) {
      const least = this.#options.thresholds[detection.classIndex] ?? 1;
      if (taken.has(detection) || detection.score < least) continue;
      const born = new Followed(this.#nextId++, detection, atMs, this.#options.historyFrames);
      this.#tracks.push(born);
      seen.push(born);
    }
    return { seen, resting, lost: this.#dropLost(atMs) };
  }

  /** A frame in which nothing moved and that nobody looked at. */
  rest(atMs: number): TrackerStep {
    const resting = this.#tracks.filter((track) => track.rest(atMs));
    return { seen: [], resting, lost: this.#dropLost(atMs) };
  }

  #dropLost(atMs: number): Followed[] {
    const lost = this.#tracks.filter((track) => atMs - track.lastSeenMs > this.#options.lostAfterMs);
    this.#tracks = this.#tracks.filter((track) => !lost.includes(track));
    return lost;
  }

  /** Ends every track, as when the source has ended. */
  end(): readonly Track[] {
    const lost = this.#tracks;
    this.#tracks = [];
    return lost;
  }
}

class Followed implements Track {
  readonly id: number;
  readonly firstSeenMs: number;
  readonly #filters: readonly AxisFilter[];
  readonly #classScores = new Map<number, number>();
  readonly #historyFrames: number;
  #scores: number[] = [];
  seen: Detection;
  lastSeenMs: number;
  hits = 0;
  hasMoved = false;
  readonly #firstBox: Box;
  /** The last look did not find it. */
  #isMissing = false;

  constructor(id: number, detection: Detection, atMs: number, historyFrames: number) {
    this.id = id;
    this.firstSeenMs = atMs;
    this.lastSeenMs = atMs;
    this.seen = detection;
    this.#historyFrames = historyFrames;
    this.#firstBox = detection.box;
    this.#filters = axes(detection.box).map((value, i) => new AxisFilter(value, atMs, i >= 2));
    this.see(detection, atMs);
  }

  get box(): Box {
    const [cx, bottom, width, height] = this.#filters.map((filter) => filter.value) as [
      number,
      number,
      number,
      number,
    ];
    return [cx - width / 2, bottom - height, cx + width / 2, bottom];
  }

  get classIndex(): number {
    let best = this.seen.classIndex;
    for (const [index, score] of this.#classScores) {
      if (score > (this.#classScores.get(best) ?? 0)) best = index;
    }
    return best;
  }

  get scores(): readonly number[] {
    return this.#scores;
  }

  get isSettled(): boolean {
    return !this.#isMissing && this.hits >= this.#historyFrames;
  }

  predict(atMs: number): void {
    for (const filter of this.#filters) filter.predict(atMs);
  }

  see(detection: Detection, atMs: number): void {
    const [x1, y1, x2, y2] = detection.box;
    const size = Math.max(8, Math.sqrt((x2 - x1) * (y2 - y1)));
    axes(detection.box).forEach((value, i) => {
      this.#filters[i]!.correct(value, size);
    });
    this.seen = detection;
    this.lastSeenMs = atMs;
    this.hits++;
    this.hasMoved ||= shiftOf(this.#firstBox, detection.box) > MOVED_SHARE;
    this.#isMissing = false;
    const sum = (this.#classScores.get(detection.classIndex) ?? 0) + detection.score;
    this.#classScores.set(detection.classIndex, sum);
    this.#remember(detection.classIndex === this.classIndex ? detection.score : 0);
  }

  miss(): void {
    this.#isMissing = true;
    this.#remember(0);
  }

  /** @returns whether it is believed to be where it was: not when the last look did not find it */
  rest(atMs: number): boolean {
    if (this.#isMissing) return false;
    for (const filter of this.#filters) filter.rest(atMs);
    this.lastSeenMs = atMs;
    return true;
  }

  #remember(score: number): void {
    this.#scores = [...this.#scores.slice(1 - this.#historyFrames), score];
  }
}

/** Centre, bottom, width, height: a person's feet and a car's wheels move more evenly than the middle of a box. */
function axes([x1, y1, x2, y2]: Box): number[] {
  return [(x1 + x2) / 2, y2, x2 - x1, y2 - y1];
}

/** How far a detection is from where a track should be: shifts in box sizes, plus the logarithms of size ratios. */
function matchCost(track: Followed, detection: Detection): number {
  const [, , width, height] = axes(track.box) as [number, number, number, number];
  const [, , dwidth, dheight] = axes(detection.box) as [number, number, number, number];
  if (width < 1 || height < 1 || dwidth < 1 || dheight < 1) return Number.POSITIVE_INFINITY;
  const shift = shiftOf(track.box, detection.box);
  const growth = Math.abs(Math.log(width / dwidth)) + Math.abs(Math.log(height / dheight));
  const distance = shift + 0.5 * growth;
  if (track.classIndex === detection.classIndex) return distance;
  return distance > OTHER_CLASS_DISTANCE_MAX ? Number.POSITIVE_INFINITY : distance + OTHER_CLASS_COST;
}

/** How far apart two boxes are, in sizes of theirs. */
function shiftOf(a: Box, b: Box): number {
  const [cx, bottom, width, height] = axes(a) as [number, number, number, number];
  const [ocx, obottom, owidth, oheight] = axes(b) as [number, number, number, number];
  return (2 * Math.abs(cx - ocx)) / (width + owidth) + (2 * Math.abs(bottom - obottom)) / (height + oheight);
}

/** The strongest of detections that are one object: under two names, or as a part of itself. */
function withoutDoubles(detections: readonly Detection[]): Detection[] {
  const kept: Detection[] = [];
  for (const detection of [...detections].sort((a, b) => b.score - a.score)) {
    if (!kept.some((stronger) => isSameObject(stronger, detection))) kept.push(detection);
  }
  return kept;
}

function isSameObject(stronger: Detection, weaker: Detection): boolean {
  const iou = boxIou(stronger.box, weaker.box);
  if (stronger.classIndex !== weaker.classIndex) return iou > SAME_OBJECT_IOU;
  if (iou > SAME_CLASS_IOU) return true;
  // From IoU = I / (A + B - I): the area that both share.
  const [a, b] = [boxArea(stronger.box), boxArea(weaker.box)];
  const shared = (iou * (a + b)) / (1 + iou);
  return shared > INSIDE_SHARE * b;
}
