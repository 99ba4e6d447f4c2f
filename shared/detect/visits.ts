import type { Track, TrackerStep } from "./tracker.ts";
import { type Box, boxArea, boxIou } from "./types.ts";

/** When a track becomes a sighting, and when its photo is replaced. */
export interface VisitRules {
  /** The median of a track's last scores must reach this; by class. */
  readonly thresholds: readonly number[];
  /** Frames in which the object was found before it counts. */
  readonly hitsMin: number;
  /** *Near*: the object is at least so high, as a share of the picture's height. */
  readonly nearHeightShare: number;
  /** An object of the same class at the same place within this time is the same visit, not a new one. */
  readonly rejoinMs: number;
}

/** A visit as it stands. */
export interface Visit {
  /** Unique for the camera since the tester's start. */
  readonly key: number;
  /** The track that carries it; none while it may still be taken up again. */
  readonly trackId: number | undefined;
  readonly classIndex: number;
  /** Of the frame that the photo is cut from. */
  readonly score: number;
  readonly box: Box;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
}

/**
 * What a frame changed. `opened` and `better` say that this very frame is the photo; `continued` that only the time
 * moved on; `closed` that the object has left.
 */
export interface VisitChange {
  readonly kind: "opened" | "better" | "continued" | "closed";
  readonly visit: Visit;
}

/** A better photo must gain this much: otherwise every approaching car writes a photo a frame. */
const SCORE_GAIN = 0.05;
const AREA_GAIN = 1.15;
/** The same place: so much overlap with where the visit was last seen. */
const SAME_PLACE_IOU = 0.3;

interface OpenVisit extends Visit {
  /** The photo's box touches the picture's edge. */
  readonly cut: boolean;
  /** Where the object was last seen. */
  readonly lastBox: Box;
  /** The track that carries it; none while it may still be taken up again. */
  trackId: number | undefined;
}

/**
 * Turns the tracks of one camera into visits: one a stay of one object. A visit opens when the object is certain (the
 * median of its scores, after Frigate) and near, keeps its best picture, and closes when the object has left.
 */
export class VisitBook {
  readonly #rules: VisitRules;
  #open: OpenVisit[] = [];
  #nextKey = 1;

  constructor(rules: VisitRules) {
    this.#rules = rules;
  }

  get openCount(): number {
    return this.#open.length;
  }

  /** @param picture the size of the frame that the tracks were seen on, in px */
  step(
    { seen, lost }: TrackerStep,
    picture: { readonly width: number; readonly height: number },
    atMs: number,
  ): VisitChange[] {
    const changes: VisitChange[] = [];
    for (const track of lost) {
      const visit = this.#open.find((one) => one.trackId === track.id);
      if (visit !== undefined) visit.trackId = undefined;
    }
    for (const track of seen) {
      const visit = this.#open.find((one) => one.trackId === track.id) ?? this.#rejoin(track);
      if (visit !== undefined) changes.push(this.#continue(visit, track, picture));
      else if (this.#isCertain(track) && this.#isNear(track, picture)) {
        changes.push({ kind: "opened", visit: this.#openFor(track, picture) });
      }
    }
    for (const visit of this.#open) {
      if (visit.trackId === undefined && atMs - visit.lastSeenMs > this.#rules.rejoinMs) {
        changes.push({ kind: "closed", visit });
      }
    }
    this.#open = this.#open.filter(
      (visit) => !changes.some((one) => one.kind === "closed" && one.visit === visit),
    );
    return changes;
  }

  /** Closes whatever is open, as when the source has ended. */
  end(): VisitChange[] {
    const closed = this.#open.map((visit): VisitChange => ({ kind: "closed", visit }));
    this.#open = [];
    return closed;
  }

  #openFor(track: Track, picture: { readonly width: number; readonly height: number }): OpenVisit {
    const visit: OpenVisit = {
      key: this.#nextKey++,
      classIndex: track.classIndex,
      score: track.seen.score,
      box: track.seen.box,
      firstSeenMs: track.firstSeenMs,
      lastSeenMs: track.lastSeenMs,
      cut: touchesEdge(track.seen.box, picture),
      lastBox: track.seen.box,
      trackId: track.id,
    };
    this.#open.push(visit);
    return visit;
  }

  #continue(
    visit: OpenVisit,
    track: Track,
    picture: { readonly width: number; readonly height: number },
  ): VisitChange {
    const cut = touchesEdge(track.seen.box, picture);
    const sameClass = track.seen.classIndex === visit.classIndex;
    const better =
      sameClass &&
      (visit.cut || !cut) &&
      ((visit.cut && !cut) ||
        track.seen.score > visit.score + SCORE_GAIN ||
        (track.seen.score > visit.score - SCORE_GAIN &&
          boxArea(track.seen.box) > AREA_GAIN * boxArea(visit.box)));
    const last = { lastSeenMs: track.lastSeenMs, lastBox: track.seen.box, trackId: track.id };
    const next: OpenVisit = better
      ? { ...visit, ...last, score: track.seen.score, box: track.seen.box, cut }
      : { ...visit, ...last };
    this.#open[this.#open.indexOf(visit)] = next;
    return { kind: better ? "better" : "continued", visit: next };
  }

  /** An open visit whose track was lost at this place not long ago. */
  #rejoin(track: Track): OpenVisit | undefined {
    return this.#open.find(
      (visit) =>
        visit.trackId === undefined &&
        visit.classIndex === track.classIndex &&
        track.firstSeenMs - visit.lastSeenMs <= this.#rules.rejoinMs &&
        boxIou(visit.lastBox, track.seen.box) >= SAME_PLACE_IOU,
    );
  }

  #isCertain(track: Track): boolean {
    const sorted = [...track.scores].sort((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
    return track.hits >= this.#rules.hitsMin && median >= (this.#rules.thresholds[track.classIndex] ?? 1);
  }

  #isNear(track: Track, picture: { readonly height: number }): boolean {
    const [, top, , bottom] = track.seen.box;
    return bottom - top >= this.#rules.nearHeightShare * picture.height;
  }
}

/** Within 1% of the picture's edge: part of the object is probably outside. */
function touchesEdge([x1, y1, x2, y2]: Box, { width, height }: { width: number; height: number }): boolean {
  const x = 0.01 * width;
  const y = 0.01 * height;
  return x1 < x || y1 < y || x2 > width - x || y2 > height - y;
}
