import type { Log } from "../../shared/base/log.ts";
import { NameBook } from "../../shared/detect/name-book.ts";
import type { DetectPool, LoadedModel } from "../../shared/detect/pool.ts";
import { Tracker, type TrackerStep } from "../../shared/detect/tracker.ts";
import type { Detection } from "../../shared/detect/types.ts";
import { VisitBook, type VisitChange, type VisitRules } from "../../shared/detect/visits.ts";
import type { CameraStatus, FrameMessage } from "../../shared/wire/messages/frames.ts";
import type { SightingWriter } from "./sighting-writer.ts";

/** Weak detections keep a track alive: down to this share of a class's threshold. */
const WEAK_SHARE = 0.5;
/** An object that was not found for so long has left. */
const LOST_AFTER_MS = 1500;
/** Scores that the median is taken of. */
const HISTORY_FRAMES = 10;
/** Rates are counted over this time. */
const RATE_WINDOW_MS = 5000;

/** The latest picture that went through the model, for people to look at. */
export interface TestedPicture {
  readonly capturedMs: number;
  readonly width: number;
  readonly height: number;
  readonly jpeg: Uint8Array;
  readonly detections: readonly (Detection & { readonly name?: string | undefined })[];
}

/** One camera: its frames through the model in order, its tracks, its visits. */
export class CameraWatch {
  readonly name: string;
  readonly #pool: DetectPool;
  readonly #rules: Omit<VisitRules, "thresholds">;
  readonly #nameScoreMin: number;
  readonly #writer: SightingWriter;
  readonly #log: Log;
  #model: LoadedModel;
  #tracker: Tracker;
  #visits: VisitBook;
  #names: NameBook;
  #last: Promise<void> = Promise.resolve();
  #testedAtMs: number[] = [];
  status: CameraStatus;
  latest: TestedPicture | undefined;
  skipped = 0;
  /** Frames that wait for the model or are in it. */
  inFlight = 0;

  constructor(
    status: CameraStatus,
    model: LoadedModel,
    parts: {
      readonly pool: DetectPool;
      readonly rules: Omit<VisitRules, "thresholds">;
      /** Least mean score of a name. */
      readonly nameScoreMin: number;
      readonly writer: SightingWriter;
      readonly log: Log;
    },
  ) {
    this.name = status.name;
    this.status = status;
    this.#pool = parts.pool;
    this.#rules = parts.rules;
    this.#nameScoreMin = parts.nameScoreMin;
    this.#writer = parts.writer;
    this.#log = parts.log;
    this.#model = model;
    this.#tracker = this.#newTracker();
    this.#visits = this.#newVisits();
    this.#names = this.#newNames();
  }

  /** Takes up another model. Visits under way end: their class numbers belong to the old one. */
  switchModel(model: LoadedModel): void {
    this.#finish();
    this.#model = model;
    this.#tracker = this.#newTracker();
    this.#visits = this.#newVisits();
    this.#names = this.#newNames();
  }

  get openCount(): number {
    return this.#visits.openCount;
  }

  /** Frames a second through the model, over the last seconds. */
  get testedPerSecond(): number {
    const since = performance.now() - RATE_WINDOW_MS;
    this.#testedAtMs = this.#testedAtMs.filter((at) => at >= since);
    return (1000 * this.#testedAtMs.length) / RATE_WINDOW_MS;
  }

  /**
   * Sends a frame through the model. Frames may be under way side by side; what they show is taken in their order.
   * Resolves when this frame is done; a picture that cannot be read is logged and passed over.
   */
  async look(frame: FrameMessage): Promise<void> {
    this.inFlight++;
    this.skipped += frame.skipped;
    const model = this.#model;
    const detecting = this.#pool.detect(frame.jpeg, weakest(model));
    detecting.catch(() => {}); // reported below, in order
    const before = this.#last;
    this.#last = (async () => {
      await before;
      try {
        const { width, height, detections } = await detecting;
        this.#testedAtMs.push(performance.now());
        if (model === this.#model) this.#take(frame, { width, height }, detections);
      } catch (error) {
        this.#log.warn("a frame could not be looked at", {
          camera: this.name,
          sequence: frame.sequence,
          error,
        });
      }
    })();
    await this.#last;
    this.inFlight--;
  }

  /** Waits for frames under way, then closes what is open. */
  async end(): Promise<void> {
    await this.#last;
    this.#finish();
  }

  #take(
    frame: FrameMessage,
    size: { width: number; height: number },
    detections: readonly Detection[],
  ): void {
    const thresholds = this.#model.info.thresholds;
    const plausible = detections.filter(
      ({ classIndex, score }) => score >= WEAK_SHARE * (thresholds[classIndex] ?? 1),
    );
    const atMs = frame.mediaMs ?? frame.capturedMs;
    const step = this.#tracker.step(plausible, atMs);
    const names = this.#hear(step);
    this.latest = {
      capturedMs: frame.capturedMs,
      ...size,
      jpeg: frame.jpeg,
      detections: plausible
        .filter(({ classIndex, score }) => score >= (thresholds[classIndex] ?? 1))
        .map((one) => ({ ...one, name: names.get(one) })),
    };
    const changes = this.#visits.step(step, size, atMs);
    for (const change of changes) this.#write(change, frame);
  }

  /** Lets this frame's guesses count; returns who the objects of the frame are, as far as that is known. */
  #hear({ seen, lost }: TrackerStep): Map<Detection, string | undefined> {
    for (const { id } of lost) this.#names.forget(id);
    for (const { id, seen: detection } of seen) {
      if (detection.guess !== undefined) this.#names.hear(id, detection.guess);
    }
    return new Map(seen.map(({ id, seen: detection }) => [detection, this.#names.nameOf(id)]));
  }

  #finish(): void {
    this.#tracker.end();
    for (const change of this.#visits.end()) this.#write(change, undefined);
  }

  #write({ kind, visit }: VisitChange, frame: FrameMessage | undefined): void {
    const { info } = this.#model;
    this.#writer.write(kind, visit, frame, {
      camera: this.name,
      className: info.classes[visit.classIndex] ?? `class ${visit.classIndex}`,
      name: visit.trackId === undefined ? undefined : this.#names.nameOf(visit.trackId),
      model: info.name,
      modelVersion: info.version,
    });
  }

  #newTracker(): Tracker {
    const { thresholds } = this.#model.info;
    return new Tracker({ thresholds, lostAfterMs: LOST_AFTER_MS, historyFrames: HISTORY_FRAMES });
  }

  #newNames(): NameBook {
    return new NameBook(this.#nameScoreMin);
  }

  #newVisits(): VisitBook {
    return new VisitBook({ ...this.#rules, thresholds: this.#model.info.thresholds });
  }
}

function weakest({ info }: LoadedModel): number {
  return WEAK_SHARE * Math.min(1, ...info.thresholds);
}
