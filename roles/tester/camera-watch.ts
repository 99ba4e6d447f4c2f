import { isDeepStrictEqual } from "node:util";
import type { Log } from "../../shared/base/log.ts";
import { patientThreshold } from "../../shared/detect/certainty.ts";
import { NameBook } from "../../shared/detect/name-book.ts";
import { NearJudge } from "../../shared/detect/near/near-judge.ts";
import { type CameraRules, thresholdFor } from "../../shared/detect/near/rules.ts";
import type { Detected, DetectPool, LoadedModel } from "../../shared/detect/pool.ts";
import { Tracker, type TrackerStep } from "../../shared/detect/tracker.ts";
import type { Detection } from "../../shared/detect/types.ts";
import { VisitBook, type VisitChange } from "../../shared/detect/visits.ts";
import type { Sighting } from "../../shared/store/sighting.ts";
import type { CameraStatus, FrameMessage } from "../../shared/wire/messages/frames.ts";
import { FrameGate, type FramePlan } from "./frame-gate.ts";
import type { WatchRules } from "./options.ts";
import type { SightingWriter } from "./sighting-writer.ts";

/** Weak detections keep a track alive: down to this share of what may begin one. */
const WEAK_SHARE = 0.5;
/** An object that was not found for so long has left. */
const LOST_AFTER_MS = 1500;
/** Scores that the median is taken of. */
const HISTORY_FRAMES = 10;
/** Rates are counted over this time. */
const RATE_WINDOW_MS = 5000;
/** Somebody who looked at the camera's picture within this time wants to see it go on. */
const VIEWED_MS = 5000;
/** What a stop interrupted may go on when it is found so soon after the first picture. */
const RESUME_SEARCH_MS = 20_000;
/** What could not be saved is tried again so much later: a disk may be full for days. */
const PHOTO_RETRY_MS = 1000;
/** A camera that gives no frame for so long is blind: nobody knows what stays there, and who comes. */
const BLIND_AFTER_MS = 60_000;

/** The latest picture, for people to look at, with what is known to be on it. */
export interface TestedPicture {
  readonly capturedMs: number;
  readonly width: number;
  readonly height: number;
  readonly jpeg: Uint8Array;
  readonly detections: readonly (Detection & { readonly name?: string | undefined })[];
}

/** What a camera's watch works with. */
export interface WatchParts {
  readonly pool: DetectPool;
  readonly rules: WatchRules;
  /** Zones, lines and masks of this camera. */
  readonly near: CameraRules;
  /** Least mean score of a name. */
  readonly nameScoreMin: number;
  readonly writer: SightingWriter;
  readonly log: Log;
  /** The frame has become a sighting's photo, and the camera has a larger stream that it could be taken from. */
  readonly onPhoto?: (frame: FrameMessage, shown: Sighting) => void;
}

/** One camera: its frames past the gate and through the model in order, its tracks, its visits. */
export class CameraWatch {
  readonly name: string;
  readonly #parts: WatchParts;
  readonly #gate: FrameGate;
  #near: CameraRules;
  #model: LoadedModel;
  #thresholds: readonly number[];
  #tracker: Tracker;
  #judge: NearJudge;
  #visits: VisitBook;
  #names: NameBook;
  #planning: Promise<unknown> = Promise.resolve();
  /** The end of what was asked of this watch last; each begins when the one before is done. */
  #last: Promise<void> = Promise.resolve();
  /** When the last frame came, by this machine's clock; absent before the first one, and while the camera is blind. */
  #frameAtMs: number | undefined;
  /** When the last frame was captured, by the video node's clock. */
  #capturedMs = Number.POSITIVE_INFINITY;
  readonly #testedAtMs: number[] = [];
  #latest: TestedPicture | undefined;
  #viewedAtMs = Number.NEGATIVE_INFINITY;
  /** Until when visits from before a restart may go on; absent before the first picture. */
  #searchUntilMs: number | undefined;
  status: CameraStatus;
  skipped = 0;
  /** Frames that wait for the model or are in it. */
  inFlight = 0;
  /** `glance`: nothing moves, a small grey picture will do; `now`: something has just begun to, or come: do not wait. */
  wants: "picture" | "glance" | "now" = "picture";

  constructor(status: CameraStatus, model: LoadedModel, parts: WatchParts) {
    this.name = status.name;
    this.status = status;
    this.#parts = parts;
    this.#near = parts.near;
    this.#gate = new FrameGate(parts.near.masks ?? []);
    this.#model = model;
    this.#thresholds = this.#thresholdsOf(model);
    this.#tracker = this.#newTracker();
    this.#judge = this.#newJudge();
    this.#visits = this.#newVisits();
    this.#names = this.#newNames();
  }

  /**
   * Takes up another model after the frames that came before; those under way with the old one are passed over. Visits
   * go on; where its classes are others they end, and go on where it sees the same.
   */
  switchModel(model: LoadedModel): Promise<void> {
    return this.#inTurn(() => {
      if (isDeepStrictEqual(model.info.classes, this.#model.info.classes)) {
        this.#model = model;
        this.#thresholds = this.#thresholdsOf(model);
        this.#tracker.useThresholds(this.#thresholds.map(patientThreshold));
        this.#visits.useThresholds(this.#thresholds);
        this.#gate.wantWhole();
      } else {
        this.#finish(true);
        this.#model = model;
        this.#startAnew();
      }
    });
  }

  /**
   * Takes up other rules after the frames that came before: what is near by the old ones ends, and goes on where the
   * same zone holds it by the new ones.
   */
  useRules(near: CameraRules): Promise<void> {
    return this.#inTurn(() => {
      if (isDeepStrictEqual(near, this.#near)) return;
      this.#finish(true);
      this.#near = near;
      this.#gate.useMasks(near.masks ?? []);
      this.#startAnew();
    });
  }

  /**
   * Ends what is open when no frame has come for a minute; what stands there when they come again may go on.
   *
   * @param nowMs by this machine's monotonic clock
   */
  async endIfBlind(nowMs = performance.now()): Promise<void> {
    const isBlind = this.#frameAtMs !== undefined && nowMs - this.#frameAtMs > BLIND_AFTER_MS;
    if (!isBlind || this.status.delivery === "every") return;
    this.#frameAtMs = undefined;
    await this.#inTurn(() => this.#interrupt());
  }

  get openCount(): number {
    return this.#visits.openCount;
  }

  get latest(): TestedPicture | undefined {
    this.#viewedAtMs = performance.now();
    return this.#latest;
  }

  /** Frames a second that were tested, over the last seconds: by the model, or found to show nothing new. */
  get testedPerSecond(): number {
    this.#forgetTested();
    return (1000 * this.#testedAtMs.length) / RATE_WINDOW_MS;
  }

  #forgetTested(): void {
    const since = performance.now() - RATE_WINDOW_MS;
    while ((this.#testedAtMs[0] ?? since) < since) this.#testedAtMs.shift();
  }

  /**
   * Tests a frame. Frames may be under way side by side; what they show is taken in their order. Resolves when this
   * frame is done; a picture that cannot be read is logged and passed over.
   */
  async look(frame: FrameMessage): Promise<void> {
    this.inFlight++;
    this.#frameAtMs = performance.now();
    this.skipped += frame.skipped;
    const model = this.#model;
    const planning = this.#planning.then(() => this.#plan(frame, model));
    this.#planning = planning.catch(() => {});
    const seeing = planning.then(({ look }) => {
      if (look.kind === "none" || frame.jpeg.length === 0) return undefined;
      const regions = look.kind === "regions" ? look.regions : undefined;
      return this.#parts.pool.detect(frame.jpeg, { minScore: this.#weakest(), regions });
    });
    seeing.catch(() => {}); // reported below, in order
    await this.#inTurn(async () => {
      try {
        const plan = await planning;
        const seen = await seeing;
        this.#testedAtMs.push(performance.now());
        this.#forgetTested(); // also while nobody asks for the rate
        const isOfModel = seen === undefined || seen.loading === model.loading;
        if (model === this.#model && isOfModel) await this.#take(frame, plan, seen);
      } catch (error) {
        this.#parts.log.warn("a frame could not be looked at", {
          camera: this.name,
          sequence: frame.sequence,
          error,
        });
      }
    });
    this.inFlight--;
  }

  /** Frames, and changes of what they are looked at with, happen one after another, in the order they came. */
  #inTurn(work: () => void | Promise<void>): Promise<void> {
    this.#last = this.#last.then(work).catch((error: unknown) => {
      this.#parts.log.error("watching failed", { camera: this.name, error });
    });
    return this.#last;
  }

  /**
   * Waits for frames under way, then closes what is open.
   *
   * @param inView the watching stops while the source goes on: what is there may be found again
   */
  end(inView: boolean): Promise<void> {
    return this.#inTurn(() => this.#finish(inView));
  }

  #plan(frame: FrameMessage, { info }: LoadedModel): Promise<FramePlan> {
    const { network, learntSizes } = info;
    // Without a word of how large it learnt things, nobody knows whether it would know them larger.
    const canZoom = network.kind === "detector" && learntSizes !== undefined;
    const sight = canZoom ? { sidePx: network.size, ...learntSizes } : undefined;
    // A file's frames are tested side by side, and what becomes of one must not hang on how far others are.
    const tracks = this.status.delivery === "every" ? [] : this.#tracker.tracks;
    return this.#gate.plan(frame, timeOf(frame), tracks, sight);
  }

  async #take(frame: FrameMessage, { look, motion }: FramePlan, seen: Detected | undefined): Promise<void> {
    const atMs = timeOf(frame);
    if (frame.capturedMs - this.#capturedMs > BLIND_AFTER_MS && this.status.delivery !== "every")
      this.#interrupt(); // as after this machine's sleep
    this.#capturedMs = frame.capturedMs;
    if (motion === "cut") this.#finish(false);
    await this.#expectInterrupted(frame);
    const size = seen ?? frame;
    const found = (seen?.detections ?? []).filter(
      (one) => this.#isPlausible(one) && !this.#judge.isMasked(one.box, size),
    );
    const regions = look.kind === "regions" ? look.regions : undefined;
    const step = seen === undefined ? this.#tracker.rest(atMs) : this.#tracker.step(found, atMs, regions);
    const names = this.#hear(step);
    if (seen?.hasCut) this.#gate.wantWhole();
    if (frame.jpeg.length > 0) {
      const known = [...found, ...step.resting.map((track) => track.seen)];
      const certain = known.filter(({ classIndex, score }) => score >= (this.#thresholds[classIndex] ?? 1));
      this.#latest = {
        capturedMs: frame.capturedMs,
        width: size.width,
        height: size.height,
        jpeg: frame.jpeg,
        detections: certain.map((one) => ({ ...one, name: names.get(one) })),
      };
    }
    for (const change of this.#visits.step(step, size, atMs)) await this.#write(change, frame);
    if (this.#visits.wantsLook) this.#gate.wantWhole();
    const isNew = step.seen.some(({ hits }) => hits < this.#parts.rules.hitsMin);
    this.wants = this.#nextWish(frame, look.kind !== "none", isNew);
  }

  /** @param isNew something was found that a few more looks will make certain: at once, where a thread is idle */
  #nextWish(frame: FrameMessage, mustLook: boolean, isNew: boolean): CameraWatch["wants"] {
    if (isNew && this.#parts.pool.hasIdleThread) return "now";
    if (frame.glance === undefined) return "picture";
    if (mustLook || this.#visits.wantsLook) return frame.jpeg.length === 0 ? "now" : "picture";
    return performance.now() - this.#viewedAtMs < VIEWED_MS ? "picture" : "glance";
  }

  /** Before the first picture: what was open when the watching stopped may go on. */
  async #expectInterrupted(frame: FrameMessage): Promise<void> {
    if (this.status.delivery === "every") return;
    const atMs = timeOf(frame);
    if (this.#searchUntilMs !== undefined) {
      if (atMs > this.#searchUntilMs) this.#visits.expect([]);
      return;
    }
    if (frame.jpeg.length === 0) return; // a glance finds nothing, and shows too little
    this.#searchUntilMs = atMs + RESUME_SEARCH_MS;
    const { classes } = this.#model.info;
    const rows = await this.#parts.writer.interrupted(this.name, frame);
    this.#visits.expect(
      rows.map((row) => ({
        classIndex: classes.indexOf(row.className),
        score: row.score,
        box: row.box,
        firstSeenMs: row.firstSeenMs - (frame.capturedMs - atMs),
        zone: row.zone ?? "",
        path: row.path ?? [],
        onResumed: (key) => this.#parts.writer.adopt(this.#visitKey(key), row),
      })),
    );
  }

  /** Lets this frame's guesses count; returns who the objects of the frame are, as far as that is known. */
  #hear({ seen, resting, lost }: TrackerStep): Map<Detection, string | undefined> {
    for (const { id } of lost) this.#names.forget(id);
    for (const { id, seen: detection } of seen) {
      if (detection.guess !== undefined) this.#names.hear(id, detection.guess);
    }
    return new Map(
      [...seen, ...resting].map(({ id, seen: detection }) => [detection, this.#names.nameOf(id)]),
    );
  }

  #finish(inView: boolean): void {
    for (const { id } of this.#tracker.end()) {
      this.#names.forget(id);
      this.#judge.forget(id);
    }
    for (const { visit } of this.#visits.end())
      this.#parts.writer.end(this.#visitKey(visit.key), visit, inView);
  }

  /** The camera shows nothing for now: what is there may be found again, as after a restart. */
  #interrupt(): void {
    this.#finish(true);
    this.#searchUntilMs = undefined;
  }

  async #write({ kind, visit }: VisitChange, frame: FrameMessage): Promise<void> {
    const { info } = this.#model;
    const key = this.#visitKey(visit.key);
    const { shown, lacksPhoto } = await this.#parts.writer.write(key, kind, visit, frame, {
      camera: this.name,
      className: info.classes[visit.classIndex] ?? `class ${visit.classIndex}`,
      name: visit.trackId === undefined ? undefined : this.#names.nameOf(visit.trackId),
      model: info.name,
      modelVersion: info.version,
    });
    if (lacksPhoto) this.#visits.wantPhoto(visit.key, timeOf(frame) + PHOTO_RETRY_MS);
    if (shown !== undefined && this.status.hasLargePhotos) this.#parts.onPhoto?.(frame, shown);
  }

  #visitKey(key: number): string {
    return `${this.name} ${this.#epoch}.${key}`;
  }

  #epoch = 0;

  #startAnew(): void {
    this.#epoch++;
    this.#thresholds = this.#thresholdsOf(this.#model);
    this.#tracker = this.#newTracker();
    this.#judge = this.#newJudge();
    this.#visits = this.#newVisits();
    this.#names = this.#newNames();
    this.#searchUntilMs = undefined;
    this.#latest = this.#latest && { ...this.#latest, detections: [] }; // their classes may mean others now
    this.#gate.wantWhole();
  }

  #isPlausible({ classIndex, score }: Detection): boolean {
    return score >= WEAK_SHARE * patientThreshold(this.#thresholds[classIndex] ?? 1);
  }

  #weakest(): number {
    return WEAK_SHARE * Math.min(1, ...this.#thresholds.map(patientThreshold));
  }

  #thresholdsOf({ info }: LoadedModel): readonly number[] {
    return info.thresholds.map(
      (threshold, i) => thresholdFor(this.#near, info.classes[i] ?? "") ?? threshold,
    );
  }

  #newTracker(): Tracker {
    return new Tracker({
      thresholds: this.#thresholds.map(patientThreshold),
      lostAfterMs: LOST_AFTER_MS,
      historyFrames: HISTORY_FRAMES,
    });
  }

  #newNames(): NameBook {
    return new NameBook(this.#parts.nameScoreMin);
  }

  #newJudge(): NearJudge {
    return new NearJudge(this.#near, this.#model.info.classes, this.#parts.rules.nearHeightShare);
  }

  #newVisits(): VisitBook {
    return new VisitBook({ ...this.#parts.rules, thresholds: this.#thresholds }, this.#judge);
  }
}

/** The time that tracks and visits go by. */
function timeOf({ mediaMs, capturedMs }: FrameMessage): number {
  return mediaMs ?? capturedMs;
}
