import { NAME_LENGTH_MAX, WORKER_COUNT_MAX } from "../../base/limits.ts";
import { type Codec, f64, finite, list, oneOf, optional, record, text, u32, type ValueOf } from "../codec.ts";
import { failure, name } from "./parts.ts";

/** How a training job goes, as people see it: part of the messages of trainers and testers. */

/** Letters of a reason that are told: the log has all of it. */
const REASON_LETTERS_MAX = 200;

/** What a job waits for, or why it ended so. Whoever shows it puts it in words of a language. */
const jobNote = record({
  /**
   * `arriving`, `preparing`: `done` of `total` pictures are; `others-first`: `total` jobs come before it; `failed`,
   * `unsaved` (the model waits until the disk takes it): `failure` says why; `ended-early`: on request, with what was
   * learnt.
   */
  kind: oneOf(
    "arriving",
    "others-first",
    "preparing",
    "no-worker",
    "getting-ready",
    "unsaved",
    "ended-early",
    "failed",
  ),
  done: u32,
  total: u32,
  failure: optional(failure),
});
export type JobNote = ValueOf<typeof jobNote>;

/** A note of a kind, with its numbers or its reason. */
export function jobNoteOf(
  kind: JobNote["kind"],
  { done = 0, total = 0, failure: why }: Partial<Omit<JobNote, "kind">> = {},
): JobNote {
  return { kind, done, total, failure: why };
}

const workerStatus = record({
  name,
  nodeId: name,
  /** `silent`: nothing is heard of it; `left-out`: for a while, and `reason` says why; the others go on without it. */
  state: oneOf("training", "joining", "silent", "left-out"),
  reason: text(4 * REASON_LETTERS_MAX),
  engine: name,
  imagesPerSecond: finite,
  /** Its part of the global batch, 0 to 1. */
  share: finite,
  /** The part of a round that it sends, receives and waits for others, 0 to 1. */
  networkShare: finite,
});
/** One worker of a job. */
export type WorkerStatus = ValueOf<typeof workerStatus>;

/** A reason as short as `WorkerStatus` takes it. */
export function shortReason(reason: string): string {
  return reason.slice(0, REASON_LETTERS_MAX);
}

const lossParts = list(record({ part: text(NAME_LENGTH_MAX), value: f64 }), 32);
const partsOf = (loss: Readonly<Record<string, number>>): ValueOf<typeof lossParts> =>
  Object.entries(loss).map(([part, value]) => ({ part, value }));
/** Named parts of the loss; of a training that diverges they are no numbers any more. */
const loss: Codec<Readonly<Record<string, number>>> = {
  size: (value) => lossParts.size(partsOf(value)),
  write: (out, at, value) => lossParts.write(out, at, partsOf(value)),
  read: (from) => Object.fromEntries(lossParts.read(from).map(({ part, value }) => [part, value])),
};

export const JOB_STATES = [
  "queued",
  "receiving",
  "preparing",
  "training",
  "evaluating",
  "done",
  "failed",
  "cancelled",
] as const;

export const jobStatus = record({
  jobId: u32,
  name,
  state: oneOf(...JOB_STATES),
  /** Share of the whole job that is done, 0 to 1. */
  progress: finite,
  epoch: finite,
  epochs: finite,
  samples: finite,
  imagesPerSecond: finite,
  /** Averaged over the last second or so. */
  loss,
  map50: optional(finite),
  bestMap50: optional(finite),
  /** Of faces, at the end: the share of the pictures whose person is named right. Their mAP50 ranks answers. */
  accuracy: optional(finite),
  timeLeftMs: optional(finite),
  note: optional(jobNote),
  workers: list(workerStatus, WORKER_COUNT_MAX),
});
/** One training job. */
export type JobStatus = ValueOf<typeof jobStatus>;

/** Whether nothing becomes of a job any more. */
export function isOver({ state }: Pick<JobStatus, "state">): boolean {
  return state === "done" || state === "failed" || state === "cancelled";
}
