import { patientThreshold } from "../../../shared/detect/certainty.ts";
import { NearJudge } from "../../../shared/detect/near/near-judge.ts";
import type { CameraRules } from "../../../shared/detect/near/rules.ts";
import { Tracker, type TrackerStep } from "../../../shared/detect/tracker.ts";
import type { Box, Detection } from "../../../shared/detect/types.ts";
import { VisitBook, type VisitChange } from "../../../shared/detect/visits.ts";

export const PICTURE = { width: 640, height: 360 };
export const FRAME_MS = 200;
const CLASSES = ["car", "person"];
export const VISIT_RULES = {
  thresholds: CLASSES.map(() => 0.5),
  hitsMin: 3,
  rejoinMs: 4000,
  rejoinStillMs: 20_000,
};

/** A camera's tracker and visits with its own clock: a frame every 200 ms. */
export class Scene {
  readonly #tracker = new Tracker({
    thresholds: CLASSES.map(() => patientThreshold(0.5)),
    lostAfterMs: 1500,
    historyFrames: 10,
  });
  readonly #book: VisitBook;
  readonly changes: VisitChange[] = [];
  #atMs = 0;

  constructor(rules: CameraRules = {}) {
    this.#book = new VisitBook(VISIT_RULES, new NearJudge(rules, CLASSES, 0.1));
  }

  get book(): VisitBook {
    return this.#book;
  }

  frame(...detections: Detection[]): VisitChange[] {
    this.#atMs += FRAME_MS;
    return this.#take(this.#tracker.step(detections, this.#atMs));
  }

  /** A frame in which nothing moved and that the model did not see. */
  quietFrame(): VisitChange[] {
    this.#atMs += FRAME_MS;
    return this.#take(this.#tracker.rest(this.#atMs));
  }

  #take(step: TrackerStep): VisitChange[] {
    const changes = this.#book.step(step, PICTURE, this.#atMs);
    this.changes.push(...changes);
    return changes;
  }

  count(kind: VisitChange["kind"]): number {
    return this.changes.filter((change) => change.kind === kind).length;
  }
}

/** Of the first class, unless another is said. */
export function thing(box: Box, score = 0.8, classIndex = 0): Detection {
  return { classIndex, score, box };
}
