import { isCertain } from "./certainty.ts";
import { isBetterPhoto, type PhotoFacts, photoFacts } from "./photo-choice.ts";
import type { Track, TrackerStep } from "./tracker.ts";
import { type Box, boxIou, type FrameSize } from "./types.ts";
import { type PathPlace, VisitPath } from "./visit-path.ts";

/** When a track becomes a sighting, and when it has ended. */
export interface VisitRules {
  /** What the median of a track's last scores must reach, by class; see `isCertain`. */
  readonly thresholds: readonly number[];
  /** Looks in which the object was found before it counts. */
  readonly hitsMin: number;
  /** An object of the same class that was lost and is found again within this time is the same visit, not a new one. */
  readonly rejoinMs: number;
  /** The same for one that stood still: whoever walks or parks before it hides it for longer. */
  readonly rejoinStillMs: number;
}

/** Says by which zone or line a track is near ("" where none are drawn); `undefined` while it is not. */
export interface Nearness {
  judge(track: Track, frame: FrameSize, atMs: number): string | undefined;
  /** Whether a track stays near by the zone or line that it was near by earlier, before there were tracks. */
  holds(zone: string, track: Track, frame: FrameSize): boolean;
  forget(trackId: number): void;
}

/** A visit as it stands. */
export interface Visit {
  /** Unique for the camera since the tester's start. */
  readonly key: number;
  readonly classIndex: number;
  /** Of the frame that the photo is cut from. */
  readonly score: number;
  readonly box: Box;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  /** By which zone or line it counted as near; "" where none are drawn. */
  readonly zone: string;
  /** The track that carries it; none while it may still be taken up again. */
  readonly trackId: number | undefined;
  /** Where it went, in shares of the picture; times in ms since `firstSeenMs`. */
  readonly path: readonly PathPlace[];
}

/**
 * What a frame changed. `opened` and `better` say that this very frame is the photo; `resumed` that a visit from before
 * a restart goes on; `continued` that only the time moved on; `closed` that the object has left.
 */
export interface VisitChange {
  readonly kind: "opened" | "better" | "resumed" | "continued" | "closed";
  readonly visit: Visit;
}

/** A visit that was going on when the watching stopped. */
export interface InterruptedVisit {
  readonly classIndex: number;
  readonly score: number;
  /** Of the photo, in pixels of the frames that are watched now. */
  readonly box: Box;
  /** By the camera's time now; before 0 where that began anew. */
  readonly firstSeenMs: number;
  readonly zone: string;
  readonly path: readonly PathPlace[];
  /** Tells whoever handed it in that it goes on, and under which key. */
  readonly onResumed: (key: number) => void;
}

/** The same place, after an object was lost for a moment or for the length of a restart: least overlap. */
const SAME_PLACE_IOU = 0.3;
export const SAME_PLACE_AFTER_RESTART_IOU = 0.5;
/** A visit that goes on elsewhere: at most so far from where it was heading, in sizes of the object... */
const HEADING_DISTANCE_MAX = 0.8;
/** ... beside this share of the way there, which nobody saw. */
const HEADING_SLACK_SHARE = 0.2;
/** What comes out from behind something was half hidden before. */
const SIZE_RATIO_MAX = 2;

interface OpenVisit extends Omit<Visit, "path"> {
  readonly route: VisitPath;
  /** Since the photo was lost: any look at the object from `wantedFromMs` on is a better one. */
  readonly photo: PhotoFacts | { readonly wantedFromMs: number };
  /** Where the object was last seen, in pixels. */
  readonly lastBox: Box;
}

/**
 * Turns the tracks of one camera into visits: one a stay of one object. A visit opens when the object is certain (the
 * median of its scores, after Frigate) and near, keeps its best picture, and closes when the object has left.
 */
export class VisitBook {
  #rules: VisitRules;
  readonly #near: Nearness;
  #open: OpenVisit[] = [];
  #interrupted: readonly InterruptedVisit[] = [];
  #nextKey = 1;
  /** A visit could open, but nobody looked at this frame: its photo needs a look. */
  wantsLook = false;

  constructor(rules: VisitRules, near: Nearness) {
    this.#rules = rules;
    this.#near = near;
  }

  get openCount(): number {
    return this.#open.length;
  }

  /** Visits that may be going on still, from before a restart; the ones not found again need no closing. */
  expect(visits: readonly InterruptedVisit[]): void {
    this.#interrupted = visits;
  }

  /**
   * The visit's photo could not be kept: the first look at the object from `fromMs` on is to be its photo. Nothing
   * changes for a visit that waits for one already.
   */
  wantPhoto(key: number, fromMs: number): void {
    this.#replace(
      (visit) => visit.key === key && !("wantedFromMs" in visit.photo),
      (visit) => ({ ...visit, photo: { wantedFromMs: fromMs } }),
    );
  }

  /** Takes up other thresholds; what is open stays open. */
  useThresholds(thresholds: readonly number[]): void {
    this.#rules = { ...this.#rules, thresholds };
  }

  /** @param frame the size of the frame that the tracks were seen on, in px */
  step({ seen, resting, lost }: TrackerStep, frame: FrameSize, atMs: number): VisitChange[] {
    const changes: VisitChange[] = [];
    this.wantsLook = false;
    for (const track of lost) {
      this.#near.forget(track.id);
      this.#replace(
        (visit) => visit.trackId === track.id,
        (visit) => ({ ...visit, trackId: undefined }),
      );
    }
    const followed = new Set([...seen, ...resting].map(({ id }) => id));
    for (const track of seen) {
      const zone = this.#near.judge(track, frame, atMs);
      const own = this.#open.find((one) => one.trackId === track.id);
      const visit = own ?? this.#rejoin(track, followed, frame, atMs);
      if (visit !== undefined) changes.push(this.#continue(visit, track, frame, true));
      else if (this.#isCertain(track)) {
        const known = this.#resumable(track, frame);
        if (known !== undefined) changes.push(this.#resume(known, track, frame));
        else if (zone !== undefined) changes.push(this.#openFor(track, zone, frame));
      }
    }
    for (const track of resting) {
      const visit = this.#open.find((one) => one.trackId === track.id);
      if (visit !== undefined) {
        changes.push(this.#continue(visit, track, frame, false));
        this.wantsLook ||= "wantedFromMs" in visit.photo && atMs >= visit.photo.wantedFromMs;
      } else if (this.#isCertain(track) && this.#near.judge(track, frame, atMs) !== undefined)
        this.wantsLook = true;
    }
    const left = this.#open.filter(
      (visit) => visit.trackId === undefined && atMs - visit.lastSeenMs > this.#patienceFor(visit),
    );
    this.#open = this.#open.filter((visit) => !left.includes(visit));
    return [...changes, ...left.map((visit) => changeOf("closed", visit))];
  }

  /** Closes whatever is open, as when the source has ended or shows another scene. */
  end(): VisitChange[] {
    const closed = this.#open.map((visit) => changeOf("closed", visit));
    this.#open = [];
    return closed;
  }

  #openFor(track: Track, zone: string, frame: FrameSize): VisitChange {
    const route = new VisitPath(track.firstSeenMs);
    route.add(track.seen.box, frame, track.lastSeenMs);
    return this.#begin("opened", track, {
      score: track.seen.score,
      box: track.seen.box,
      firstSeenMs: track.firstSeenMs,
      zone,
      photo: photoFacts(track.seen, frame),
      route,
    });
  }

  #resume(known: InterruptedVisit, track: Track, frame: FrameSize): VisitChange {
    this.#interrupted = this.#interrupted.filter((one) => one !== known);
    const { score, box, firstSeenMs, zone } = known;
    const route = new VisitPath(firstSeenMs, known.path);
    route.add(track.seen.box, frame, track.lastSeenMs);
    const photo = photoFacts({ classIndex: known.classIndex, score, box }, frame);
    const change = this.#begin("resumed", track, { score, box, firstSeenMs, zone, photo, route });
    known.onResumed(change.visit.key);
    return change;
  }

  #begin(
    kind: VisitChange["kind"],
    track: Track,
    facts: Pick<OpenVisit, "score" | "box" | "firstSeenMs" | "zone" | "photo" | "route">,
  ): VisitChange {
    const visit: OpenVisit = {
      ...facts,
      key: this.#nextKey++,
      classIndex: track.classIndex,
      lastSeenMs: track.lastSeenMs,
      lastBox: track.seen.box,
      trackId: track.id,
    };
    this.#open.push(visit);
    return changeOf(kind, visit);
  }

  /** @param isLookedAt whether this frame shows the track: only then it may be the photo */
  #continue(visit: OpenVisit, track: Track, frame: FrameSize, isLookedAt: boolean): VisitChange {
    const { seen } = track;
    const photo = photoFacts(seen, frame);
    const isGain =
      "wantedFromMs" in visit.photo
        ? track.lastSeenMs >= visit.photo.wantedFromMs
        : isBetterPhoto(photo, visit.photo);
    const better = isLookedAt && seen.classIndex === visit.classIndex && isGain;
    if (isLookedAt) visit.route.add(seen.box, frame, track.lastSeenMs);
    const last = { lastSeenMs: track.lastSeenMs, lastBox: seen.box, trackId: track.id };
    const next: OpenVisit = better
      ? { ...visit, ...last, score: seen.score, box: seen.box, photo }
      : { ...visit, ...last };
    this.#replace(
      (one) => one === visit,
      () => next,
    );
    return changeOf(better ? "better" : "continued", next);
  }

  #replace(isIt: (visit: OpenVisit) => boolean, change: (visit: OpenVisit) => OpenVisit): void {
    this.#open = this.#open.map((visit) => (isIt(visit) ? change(visit) : visit));
  }

  /**
   * An open visit whose object was lost not long ago, here or where it was heading. Of one whose own track is only
   * missing for now, this one must be certain: it would open a second visit of the object.
   *
   * @param followed tracks that this frame shows
   */
  #rejoin(
    track: Track,
    followed: ReadonlySet<number>,
    frame: FrameSize,
    atMs: number,
  ): OpenVisit | undefined {
    return this.#open.find((visit) => {
      const { trackId } = visit;
      if (visit.classIndex !== track.classIndex) return false;
      if (trackId !== undefined && (followed.has(trackId) || !this.#isCertain(track))) return false;
      if (track.firstSeenMs - visit.lastSeenMs > this.#patienceFor(visit)) return false;
      if (!visit.route.isStill && hasGoneOut(visit, frame, track.firstSeenMs)) return false;
      if (boxIou(visit.lastBox, track.seen.box) >= SAME_PLACE_IOU) return true;
      return visit.route.isStill
        ? visit.route.standsAt(track.seen.box)
        : isHeading(visit, track.seen.box, atMs);
    });
  }

  #patienceFor({ route }: OpenVisit): number {
    return route.isStill ? this.#rules.rejoinStillMs : this.#rules.rejoinMs;
  }

  #resumable(track: Track, frame: FrameSize): InterruptedVisit | undefined {
    const { width, height } = frame;
    const [x1, y1, x2, y2] = track.seen.box;
    const here: Box = [x1 / width, y1 / height, x2 / width, y2 / height];
    return this.#interrupted.find(({ classIndex, path, zone }) => {
      const last = path.at(-1)?.box;
      return (
        classIndex === track.classIndex &&
        last !== undefined &&
        boxIou(last, here) >= SAME_PLACE_AFTER_RESTART_IOU &&
        this.#near.holds(zone, track, frame)
      );
    });
  }

  #isCertain(track: Track): boolean {
    return isCertain(track, this.#rules.thresholds[track.classIndex] ?? 1, this.#rules.hitsMin);
  }
}

/** Whether a visit's object must have left the picture by now if it kept its way: what comes in there is another. */
function hasGoneOut({ route, lastBox, lastSeenMs }: OpenVisit, frame: FrameSize, atMs: number): boolean {
  const [dx, dy] = route.shiftPx(atMs - lastSeenMs);
  const [x, y] = [(lastBox[0] + lastBox[2]) / 2 + dx, (lastBox[1] + lastBox[3]) / 2 + dy];
  return x < 0 || x > frame.width || y < 0 || y > frame.height;
}

/** Whether a box is about where a visit's object must be by now if it kept its way. */
function isHeading({ route, lastBox, lastSeenMs }: OpenVisit, box: Box, atMs: number): boolean {
  const [dx, dy] = route.shiftPx(atMs - lastSeenMs);
  const [width, height] = [lastBox[2] - lastBox[0], lastBox[3] - lastBox[1]];
  const [newWidth, newHeight] = [box[2] - box[0], box[3] - box[1]];
  const growth = Math.max(newWidth / width, width / newWidth, newHeight / height, height / newHeight);
  const away = (distance: number, way: number): number =>
    Math.max(0, Math.abs(distance - way) - HEADING_SLACK_SHARE * Math.abs(way));
  // What was half hidden is as large as what came out.
  const awayX = away((box[0] + box[2] - lastBox[0] - lastBox[2]) / 2, dx) / Math.max(width, newWidth);
  const awayY = away(box[3] - lastBox[3], dy) / Math.max(height, newHeight);
  return growth <= SIZE_RATIO_MAX && awayX + awayY <= HEADING_DISTANCE_MAX;
}

function changeOf(
  kind: VisitChange["kind"],
  { route, photo: _photo, lastBox: _last, ...visit }: OpenVisit,
): VisitChange {
  return { kind, visit: { ...visit, path: route.places } };
}
