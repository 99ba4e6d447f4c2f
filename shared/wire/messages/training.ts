import { AppError } from "../../base/errors.ts";
import {
  BOXES_PER_PICTURE_MAX,
  CLASS_COUNT_MAX,
  OWN_STEPS_MAX,
  PICTURE_COUNT_MAX,
  PIECE_SIZE_BYTES_MAX,
  VALUE_COUNT_MAX,
  WORKER_COUNT_MAX,
} from "../../base/limits.ts";
import { WIRE_FORMATS } from "../../numeric/wire-format.ts";
import {
  bool,
  bytes,
  type Codec,
  finite,
  floats,
  json,
  list,
  oneOf,
  optional,
  record,
  text,
  u8,
  u16,
  u32,
  u53,
  type ValueOf,
} from "../codec.ts";
import { defineMessage } from "../message.ts";
import { jobStatus } from "./job-status.ts";
import { box, classNames, jsonObject, name, path, piece, words } from "./parts.ts";

/**
 * Client <-> trainer (0x10 to 0x1f), worker <-> trainer (0x20 to 0x37, 0x3e, 0x3f), worker <-> worker (0x38 to 0x3d).
 * What is large and named by its hash is a *blob*: pictures as they were submitted, and shards of prepared ones. Workers
 * ask each other for shards by the same messages (0x15, 0x21, 0x22) as the trainer, and give each other state in its
 * pieces (0x2d).
 */

const hexText = text(64);
/** SHA-256 in 64 hex digits. */
export const hash: Codec<string> = {
  ...hexText,
  read(from) {
    const value = hexText.read(from);
    if (!/^[0-9a-f]{64}$/.test(value)) throw new AppError("protocol", "a hash is not 64 hex digits");
    return value;
  },
};

export const SPLITS = ["train", "val", "test"] as const;

/** One labelled picture of a data set; the picture itself travels as a blob. */
export const sampleRow = record({
  id: path,
  split: oneOf(...SPLITS),
  sha256: hash,
  fileBytes: u32,
  width: u16,
  height: u16,
  labels: list(record({ classIndex: u16, box, difficult: bool }), BOXES_PER_PICTURE_MAX),
});
export type SampleRow = ValueOf<typeof sampleRow>;

// Client and trainer: submitting

/** Opens a job. `SampleRows` follow until there are `sampleCount`; the trainer then asks for the blobs it lacks. */
export const SubmitJob = defineMessage(0x10, "SubmitJob", {
  name,
  classes: classNames,
  sampleCount: u32,
  /** Training options (`TrainingOptions`), checked by the trainer. */
  options: jsonObject(64 * 1024),
});
export const JobAccepted = defineMessage(0x11, "JobAccepted", { jobId: u32 });
export const JobRefused = defineMessage(0x12, "JobRefused", { reason: words, hint: words });
export const SampleRows = defineMessage(0x13, "SampleRows", { rows: list(sampleRow, 4096) });

/** Send these. The next page comes when they have arrived; an empty one says that the data set is complete. */
export const BlobsWanted = defineMessage(0x14, "BlobsWanted", { hashes: list(hash, 1024) });

/** A part of a blob, in order. Also between workers and the trainer, and between workers. */
export const BlobPiece = defineMessage(0x15, "BlobPiece", {
  sha256: hash,
  offset: u53,
  totalBytes: u53,
  piece,
});

/** Ends a job. With `keepBest` the best weights so far become the model, where there are any. */
export const CancelJob = defineMessage(0x16, "CancelJob", { jobId: u32, keepBest: bool });

/** Asks for `JobUpdate` now, at changes and at most twice a second, until the job has ended. */
export const FollowJob = defineMessage(0x17, "FollowJob", { jobId: u32 });
export const JobUpdate = defineMessage(0x18, "JobUpdate", {
  status: jobStatus,
  /** Version of the model, once there is one; its name is the job's. */
  modelVersion: optional(u32),
  /** Seconds of training so far. */
  seconds: finite,
});

// Worker and trainer: blobs and preparation

export const WorkerHello = defineMessage(0x20, "WorkerHello", { threads: u16 });
export const BlobWanted = defineMessage(0x21, "BlobWanted", { sha256: hash });
export const BlobMissing = defineMessage(0x22, "BlobMissing", { sha256: hash });

/** Fetch these pictures, make them small, and return one shard. */
export const PrepareTask = defineMessage(0x23, "PrepareTask", {
  taskId: u32,
  cacheSidePx: u16,
  samples: list(sampleRow, 256),
});
/** The shard's `BlobPiece`s have gone before. `rejected` pictures cannot be decoded, and are left out. */
export const TaskDone = defineMessage(0x24, "TaskDone", {
  taskId: u32,
  sha256: hash,
  shardBytes: u53,
  pictures: u32,
  rejected: list(record({ id: path, reason: words }), 256),
});
export const TaskFailed = defineMessage(0x25, "TaskFailed", { taskId: u32, reason: words });

// Worker and trainer: a job's rounds

export const shardCard = record({ sha256: hash, shardBytes: u53, split: oneOf(...SPLITS) });
export type ShardCard = ValueOf<typeof shardCard>;

/** Where a worker takes links of other workers, as seen by the trainer. */
const ringMember = record({ nodeId: name, name, host: name, port: u16 });
export type RingMember = ValueOf<typeof ringMember>;

/** Get the shards and make ready to learn. Answered by `JobReady` or `JobUnable`. */
export const OpenJob = defineMessage(0x26, "OpenJob", {
  jobId: u32,
  /** When the job was handed in: with its number, which one it is, whatever trainer speaks. */
  createdMs: u53,
  /** The `LearningPlan`. */
  plan: jsonObject(256 * 1024),
  shards: list(shardCard, 16_384),
  /** Other workers, which may have the shards: `BlobWanted` on a link of its own, with the same answers as here. */
  peers: list(ringMember, WORKER_COUNT_MAX),
});
export const JobReady = defineMessage(0x27, "JobReady", {
  jobId: u32,
  engine: name,
  /** Numbers in the weight vector. */
  parameterCount: u32,
  /** Vectors of that length that the optimizer keeps. */
  stateVectors: u8,
});
export const JobUnable = defineMessage(0x28, "JobUnable", { jobId: u32, reason: words });
export const CloseJob = defineMessage(0x29, "CloseJob", { jobId: u32 });

/** The slice of a ring that made rounds, and that of one that was to follow it. */
const HELD_SLICES_MAX = 2;
/** Parts end where a slice that somebody holds does, or the wanted one. */
const STATE_PARTS_MAX = 2 * HELD_SLICES_MAX * WORKER_COUNT_MAX + 1;

/** Leave the ring and the running round, and say where you stand. Answered by `Standing`. */
export const Regroup = defineMessage(0x2a, "Regroup", { jobId: u32, generation: u32 });
export const Standing = defineMessage(0x2b, "Standing", {
  generation: u32,
  /** Absent where it holds no state of this job. */
  position: optional(
    record({
      round: u32,
      pendingRound: optional(u32),
      checksum: u32,
      slices: list(record({ from: u32, to: u32 }), HELD_SLICES_MAX),
    }),
  ),
});

/** Send your slice's state after `round` (`StatePiece`s, then `StateEnd`); also all weights when `weights`. */
export const HandOver = defineMessage(0x2c, "HandOver", { generation: u32, round: u32, weights: bool });

/** A part of the training's state, either way. Vector 0 is the weights, the others are the optimizer's. */
export const StatePiece = defineMessage(0x2d, "StatePiece", {
  generation: u32,
  vector: u8,
  offset: u32,
  values: floats(PIECE_SIZE_BYTES_MAX / 4),
});
export const StateEnd = defineMessage(0x2e, "StateEnd", { generation: u32 });

/**
 * A place in the ring of a generation, and where what the worker lacks of the state is to be had. What the trainer
 * sends of it has gone before, as `StatePiece`s.
 */
export const FormRing = defineMessage(0x2f, "FormRing", {
  generation: u32,
  round: u32,
  members: list(ringMember, WORKER_COUNT_MAX),
  self: u16,
  /** `start`: by the plan's seed; `keep`: its own; `sent`: by the trainer; `member`: those of the one at `weightsPlace`. */
  weights: oneOf("start", "keep", "sent", "member"),
  weightsPlace: u16,
  /** What the weights are; absent before the first round. */
  checksum: optional(u32),
  /** Parts of the slice whose state a member holds, by its place: this one itself, or another (`StateWanted`). */
  parts: list(record({ place: u16, from: u32, to: u32 }), STATE_PARTS_MAX),
  /** Whether the state of the rest of the slice was sent; otherwise it begins empty. */
  state: bool,
});
export const RingFormed = defineMessage(0x30, "RingFormed", { generation: u32, checksum: u32 });

/** Steps of a round, from 1. */
const stepCount: Codec<number> = {
  ...u8,
  read(from) {
    const value = u8.read(from);
    if (value < 1 || value > OWN_STEPS_MAX) throw new AppError("protocol", `a round of ${value} steps`);
    return value;
  },
};

/** Compute these chunks, and average with the ring: the round that leads to `round + steps`. */
export const RunRound = defineMessage(0x31, "RunRound", {
  generation: u32,
  round: u32,
  firstChunk: u32,
  chunkCount: u32,
  /** Chunks of all members: what the sum is divided by. */
  chunksTotal: u32,
  /** 1: gradients are averaged. More: each member makes so many steps by itself, and the weights are averaged. */
  steps: stepCount,
  progress: finite,
  /** How numbers are written in the ring, the same for all members. */
  format: oneOf(...WIRE_FORMATS),
});
export const RoundComputed = defineMessage(0x32, "RoundComputed", { generation: u32, round: u32 });
export const RoundDone = defineMessage(0x33, "RoundDone", {
  generation: u32,
  /** Rounds completed, this one included. */
  round: u32,
  checksum: u32,
  computeMs: finite,
  /** From the end of the own computation to the end of the round: sending, and waiting for others. */
  networkMs: finite,
  /** Terms of the loss, summed over the own chunks. */
  loss: json(4096, lossParts),
});
/** This generation cannot go on; `suspect` is the member that was lost or cannot be reached. */
export const RingBroken = defineMessage(0x34, "RingBroken", {
  generation: u32,
  /** `state`: the suspect has not given the state that it was to give. */
  what: oneOf("ring", "state"),
  suspect: optional(name),
  reason: words,
});

/** A part of weights to evaluate; then `Evaluate` with the same number. */
export const EvaluationPiece = defineMessage(0x35, "EvaluationPiece", {
  evaluationId: u32,
  offset: u32,
  values: floats(PIECE_SIZE_BYTES_MAX / 4),
});
/** Score the weights that came on the pictures of a split. */
export const Evaluate = defineMessage(0x36, "Evaluate", {
  evaluationId: u32,
  split: oneOf(...SPLITS),
  /** Of each class, to count what is found and missed by; none to find those that suit these pictures. */
  thresholds: list(finite, CLASS_COUNT_MAX),
});
export const Evaluated = defineMessage(0x37, "Evaluated", {
  evaluationId: u32,
  scores: json(512 * 1024, checkScores),
});

/** Find out how the weights that came may be computed in 8 bits. */
export const Quantize = defineMessage(0x3e, "Quantize", { evaluationId: u32 });
export const Quantized = defineMessage(0x3f, "Quantized", {
  evaluationId: u32,
  /** Of the values between layers, as a model file has them; none where 8 bits would cost accuracy. */
  levels: list(record({ scale: finite, zeroPoint: u8 }), VALUE_COUNT_MAX),
});

// Worker and worker: the ring, and state

/** First on a link to the next member. The previous one's links of other generations are not this ring's. */
export const RingJoin = defineMessage(0x38, "RingJoin", { jobId: u32, generation: u32 });
/** A `RingPiece`. The fields before the numbers take 16 bytes, tag included: they begin where a float32 may. */
export const RingNumbers = defineMessage(0x39, "RingNumbers", {
  phase: oneOf("reduce", "gather"),
  hop: u8,
  round: u32,
  offset: u32,
  /** In the round's wire format. */
  bytes: bytes(PIECE_SIZE_BYTES_MAX),
});

/**
 * First on a link to a member that holds state, for what `FormRing` says that it has: all weights after `round`, or the
 * optimizer's vectors from `from` to `to`. Answered by `StatePiece`s without gaps, vector after vector, or `StateRefused`.
 */
export const StateWanted = defineMessage(0x3a, "StateWanted", {
  jobId: u32,
  generation: u32,
  round: u32,
  what: oneOf("weights", "optimizer"),
  from: u32,
  to: u32,
});
export const StateRefused = defineMessage(0x3b, "StateRefused", { reason: words });

/** Bounds that a submitted data set is held against beside those of its fields. */
export const DATASET_LIMITS = { pictures: PICTURE_COUNT_MAX, classes: CLASS_COUNT_MAX } as const;

/** What weights are worth on some pictures; shares of 0 to 1, and for each class the threshold of the best F1. */
export interface Scores {
  readonly images: number;
  readonly map50: number;
  readonly map: number;
  readonly precision: number;
  readonly recall: number;
  /** Of faces the share that is named right; of objects what is right of all that is there or was seen. */
  readonly accuracy: number;
  readonly thresholds: readonly number[];
}

function checkScores(value: unknown): Scores {
  const scores = value as Partial<Record<keyof Scores, unknown>> | null;
  const number = (name: keyof Scores): number => {
    const one = scores?.[name];
    if (typeof one !== "number" || !Number.isFinite(one))
      throw new AppError("protocol", `score ${name} is no number`);
    return one;
  };
  const thresholds = scores?.thresholds;
  if (
    !Array.isArray(thresholds) ||
    thresholds.length > CLASS_COUNT_MAX ||
    !thresholds.every(Number.isFinite)
  ) {
    throw new AppError("protocol", "scores without thresholds");
  }
  return {
    images: number("images"),
    map50: number("map50"),
    map: number("map"),
    precision: number("precision"),
    recall: number("recall"),
    accuracy: number("accuracy"),
    thresholds: thresholds as number[],
  };
}

function lossParts(value: unknown): Readonly<Record<string, number>> {
  if (typeof value !== "object" || value === null) throw new AppError("protocol", "loss is no object");
  const parts = Object.entries(value).slice(0, 32);
  return Object.fromEntries(parts.filter(([, part]) => Number.isFinite(part)));
}
