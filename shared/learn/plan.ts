import { AppError } from "../base/errors.ts";
import { CLASS_COUNT_MAX, NAME_LENGTH_MAX, PICTURE_COUNT_MAX } from "../base/limits.ts";
import type { Augmentation } from "../dataset/augment.ts";
import { checkNetworkConfig, type NetworkConfig } from "../nn/networks/config.ts";
import type { DetectorVariant } from "../nn/networks/detector.ts";
import { FACE_HEIGHT, FACE_WIDTH } from "../nn/networks/mlp.ts";
import { cacheSidePx } from "./cache-side.ts";
import { INPUT_SIDE_PX } from "./input-choice.ts";

/**
 * Everything that decides what a training run computes, as plain JSON that travels with the job. Workers that hold the
 * same plan and the same pictures draw the same chunks and compute the same gradients.
 */
export interface LearningPlan {
  readonly network: NetworkConfig;
  /** In the order of the network's outputs. */
  readonly classes: readonly string[];
  readonly seed: number;
  /** Pictures that batch norm sees together: a chunk is the unit that is handed to workers. */
  readonly chunkSize: number;
  /** Chunks whose mean gradient makes one step of the weights. */
  readonly chunksPerRound: number;
  /** When the run ends; progress goes from 0 to 1 by this measure. */
  readonly limit: LearningLimit;
  /** Longest side of the pictures that are kept in memory. */
  readonly cacheSidePx: number;
  readonly optimizer: OptimizerPlan;
  readonly augmentation: Augmentation;
  /** No mosaic after this progress: the last part is learnt on pictures as they really look. */
  readonly mosaicUntil: number;
  /**
   * Pictures held out to measure progress and to choose thresholds are learnt from after this progress: small data
   * sets can spare none of their pictures for good.
   */
  readonly heldOutUntil: number;
}

export type LearningLimit =
  | { readonly kind: "samples"; readonly samples: number }
  | { readonly kind: "minutes"; readonly minutes: number };

/** AdamW (Loshchilov and Hutter 2019) with warm-up, a cosine, and a running mean of the weights. */
export interface OptimizerPlan {
  /** Peak learning rate. */
  readonly rate: number;
  /** The rate ends at this share of the peak. */
  readonly rateEnd: number;
  /** Progress from which the rate falls. */
  readonly fallFrom: number;
  readonly warmupRounds: number;
  /** On the weights of convolutions and dense layers only. */
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** A chunk's gradient is shortened to this length (l2). */
  readonly gradientNormMax: number;
  /** A round's share of its chunks' mean and variance in the running statistics of batch norm. */
  readonly statisticsMomentum: number;
  /** A round's share of the old mean of the weights, once the mean has warmed up. */
  readonly averageDecay: number;
  /** Rounds after which that share has grown to 63%. */
  readonly averageWarmupRounds: number;
}

export type NetworkChoice =
  | { readonly kind: "detector"; readonly size?: number; readonly variant?: DetectorVariant }
  | { readonly kind: "single-box"; readonly size?: number }
  | { readonly kind: "mlp"; readonly hidden?: number };

export interface PlanOptions {
  readonly network: NetworkChoice;
  readonly seed?: number;
  /** Passes over the training pictures. Ignored where `minutes` is given. */
  readonly epochs?: number;
  readonly minutes?: number;
  readonly chunkSize?: number;
  readonly chunksPerRound?: number;
  /** Workers that are expected, so that each has a chunk in every round. */
  readonly workers?: number;
}

export interface DatasetFacts {
  readonly classes: readonly string[];
  /** Training pictures. */
  readonly pictures: number;
}

/** The samples for which the optimizer's rates were found; other batches scale from there. */
const REFERENCE_BATCH = 8;
/**
 * Small batches learn more from few samples, and two workers must both have something to do. Moving the face network's
 * half a million weights costs more than a picture's gradient.
 */
const CHUNK_SIZE_DEFAULT = { detector: 4, "single-box": 4, mlp: 16 } as const;
const CHUNKS_DEFAULT = 2;
/** At the reference batch. */
const RATE = { detector: 2e-3, "single-box": 1e-3, mlp: 3e-4 } as const;
const SAMPLES_DEFAULT = { detector: 40_000, "single-box": 20_000, mlp: 16_000 } as const;

/** The recipe: one set of numbers for every data set. Throws `usage` where a choice is out of range. */
export function planFor(options: PlanOptions, facts: DatasetFacts): LearningPlan {
  if (facts.pictures < 1) throw new AppError("input", "there is no training picture");
  if (options.network.kind === "mlp" && facts.classes.length < 2) {
    throw new AppError("input", `faces of one person alone, ${facts.classes.join()}, teach nothing`, {
      hint: "whoever came by would be taken for them: add a folder of pictures for at least one other person",
    });
  }
  const network = configFor(options.network, facts.classes.length);
  const chunkSize = options.chunkSize ?? CHUNK_SIZE_DEFAULT[network.kind];
  const chunksPerRound = options.chunksPerRound ?? Math.max(CHUNKS_DEFAULT, options.workers ?? 0);
  const batch = chunkSize * chunksPerRound;
  const samples =
    options.epochs === undefined
      ? SAMPLES_DEFAULT[network.kind]
      : Math.max(batch, Math.round(options.epochs * facts.pictures));
  const plan: LearningPlan = {
    network,
    classes: facts.classes,
    seed: options.seed ?? 1,
    chunkSize,
    chunksPerRound,
    limit:
      options.minutes === undefined
        ? { kind: "samples", samples }
        : { kind: "minutes", minutes: options.minutes },
    cacheSidePx: cacheSidePx(network, facts.pictures),
    optimizer: optimizerFor(network, batch),
    augmentation: augmentationFor(network, facts.pictures),
    mosaicUntil: 0.8,
    heldOutUntil: 0.75,
  };
  try {
    return checkLearningPlan(plan);
  } catch (error) {
    throw new AppError("usage", "these training options do not go together", { cause: error });
  }
}

function configFor(choice: NetworkChoice, classCount: number): NetworkConfig {
  switch (choice.kind) {
    case "detector":
      return {
        kind: "detector",
        size: choice.size ?? INPUT_SIDE_PX,
        variant: choice.variant ?? "normal",
        classCount,
      };
    case "single-box":
      return { kind: "single-box", size: choice.size ?? 224, classCount };
    case "mlp":
      return { kind: "mlp", hidden: choice.hidden ?? 64, classCount };
  }
}

function optimizerFor(network: NetworkConfig, batch: number): OptimizerPlan {
  const ratio = batch / REFERENCE_BATCH;
  return {
    rate: RATE[network.kind] * Math.sqrt(ratio),
    rateEnd: 0.05,
    fallFrom: 0.5,
    warmupRounds: network.kind === "mlp" ? 20 : Math.max(20, Math.round(100 / ratio)),
    weightDecay: 0.02,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    gradientNormMax: 10,
    statisticsMomentum: 1 - 0.97 ** ratio,
    averageDecay: 0.998 ** ratio,
    averageWarmupRounds: Math.max(1, Math.round((network.kind === "mlp" ? 50 : 200) / ratio)),
  };
}

/** What a detector learns from. */
const DETECTOR_AUGMENTATION: Augmentation = {
  mosaic: 0.5,
  mosaicScale: [0.4, 1.1],
  scale: [0.75, 1.35],
  aspect: 0.05,
  shift: 0.1,
  mirror: 0.5,
  colour: 1,
  visibleMin: 0.25,
  fit: "letterbox",
};

/** Up to so many pictures colours vary the most; from so many on as usual; between them by the straight line. */
const FEW_PICTURES = 150;
const MANY_PICTURES = 250;
const COLOUR_OF_FEW = 1.6;

/**
 * Few pictures show things in few lights, and a network that knows them by heart takes the light for the thing. Where
 * there are many, colour tells things apart: stronger changes then cost more than they give.
 */
function colourStrength(pictures: number): number {
  const fewness = Math.min(1, Math.max(0, (MANY_PICTURES - pictures) / (MANY_PICTURES - FEW_PICTURES)));
  return 1 + (COLOUR_OF_FEW - 1) * fewness;
}

function augmentationFor(network: NetworkConfig, pictures: number): Augmentation {
  const colour = colourStrength(pictures);
  switch (network.kind) {
    case "detector":
      return { ...DETECTOR_AUGMENTATION, colour };
    case "single-box":
      // A mosaic holds more than the one object that it can say.
      return { ...DETECTOR_AUGMENTATION, colour, mosaic: 0, mosaicScale: [1, 1] };
    case "mlp":
      return {
        mosaic: 0,
        mosaicScale: [1, 1],
        scale: [0.92, 1.1],
        aspect: 0.04,
        shift: 0.04,
        mirror: 0,
        colour: 0.5,
        visibleMin: 0,
        fit: "stretch",
      };
  }
}

/** The pixels of a network's input, and its channels. */
export function inputSize(network: NetworkConfig): { width: number; height: number; channels: 1 | 3 } {
  return network.kind === "mlp"
    ? { width: FACE_WIDTH, height: FACE_HEIGHT, channels: 1 }
    : { width: network.size, height: network.size, channels: 3 };
}

/** Checks a plan that came from a file or a peer: types and ranges. Throws `input`. */
export function checkLearningPlan(value: unknown): LearningPlan {
  const plan = record(value, "learning plan");
  const network = checkNetworkConfig(plan.network);
  const classes = list(plan.classes, "classes", 1, CLASS_COUNT_MAX).map((name) => {
    if (typeof name !== "string" || name.length > NAME_LENGTH_MAX) throw bad("a class name", name);
    return name;
  });
  if (classes.length !== network.classCount) throw bad("number of classes", classes.length);
  const optimizer = record(plan.optimizer, "optimizer");
  const augmentation = record(plan.augmentation, "augmentation");
  if (augmentation.fit !== "letterbox" && augmentation.fit !== "stretch") throw bad("fit", augmentation.fit);
  const share = (name: string): number => real(augmentation, name, 0, 1);
  return {
    network,
    classes,
    seed: whole(plan, "seed", 0, 2 ** 32 - 1),
    chunkSize: whole(plan, "chunkSize", 1, 256),
    chunksPerRound: whole(plan, "chunksPerRound", 1, 4096),
    limit: checkLimit(plan.limit),
    cacheSidePx: whole(plan, "cacheSidePx", 16, 4096),
    optimizer: {
      rate: real(optimizer, "rate", 0, 1),
      rateEnd: real(optimizer, "rateEnd", 0, 1),
      fallFrom: real(optimizer, "fallFrom", 0, 1),
      warmupRounds: whole(optimizer, "warmupRounds", 0, 1e6),
      weightDecay: real(optimizer, "weightDecay", 0, 10),
      beta1: real(optimizer, "beta1", 0, 1),
      beta2: real(optimizer, "beta2", 0, 1),
      epsilon: real(optimizer, "epsilon", 0, 1),
      gradientNormMax: real(optimizer, "gradientNormMax", 1e-6, 1e6),
      statisticsMomentum: real(optimizer, "statisticsMomentum", 0, 1),
      averageDecay: real(optimizer, "averageDecay", 0, 1),
      averageWarmupRounds: whole(optimizer, "averageWarmupRounds", 1, 1e6),
    },
    augmentation: {
      mosaic: share("mosaic"),
      mosaicScale: range(augmentation.mosaicScale, "mosaicScale"),
      scale: range(augmentation.scale, "scale"),
      aspect: real(augmentation, "aspect", 0, 0.5),
      shift: share("shift"),
      mirror: share("mirror"),
      colour: real(augmentation, "colour", 0, 2),
      visibleMin: share("visibleMin"),
      fit: augmentation.fit,
    },
    mosaicUntil: real(plan, "mosaicUntil", 0, 1),
    heldOutUntil: real(plan, "heldOutUntil", 0, 1),
  };
}

function checkLimit(value: unknown): LearningLimit {
  const limit = record(value, "limit");
  if (limit.kind === "samples") {
    return { kind: "samples", samples: whole(limit, "samples", 1, 1000 * PICTURE_COUNT_MAX) };
  }
  if (limit.kind === "minutes") return { kind: "minutes", minutes: real(limit, "minutes", 0.001, 1e6) };
  throw bad("limit", limit.kind);
}

type Fields = Partial<Record<string, unknown>>;

function bad(what: string, value: unknown): AppError {
  return new AppError("input", `learning plan: ${what} is ${JSON.stringify(value)?.slice(0, 80)}`);
}

function record(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad(what, value);
  return value as Fields;
}

function list(value: unknown, what: string, least: number, most: number): unknown[] {
  if (!Array.isArray(value) || value.length < least || value.length > most) throw bad(what, value);
  return value;
}

function real(fields: Fields, name: string, least: number, most: number): number {
  const value = fields[name];
  if (typeof value !== "number" || !(value >= least && value <= most)) throw bad(name, value);
  return value;
}

function whole(fields: Fields, name: string, least: number, most: number): number {
  const value = real(fields, name, least, most);
  if (!Number.isInteger(value)) throw bad(name, value);
  return value;
}

function range(value: unknown, name: string): [number, number] {
  const [least, most] = list(value, name, 2, 2);
  if (
    typeof least !== "number" ||
    typeof most !== "number" ||
    !(least >= 0.05 && most >= least && most <= 20)
  ) {
    throw bad(name, value);
  }
  return [least, most];
}
