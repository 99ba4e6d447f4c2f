import { access, readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { AppError } from "../base/errors.ts";
import { CLASS_COUNT_MAX, MODEL_FILE_BYTES_MAX, NAME_LENGTH_MAX } from "../base/limits.ts";
import { replaceFile } from "../base/replace-file.ts";
import type { Network } from "./graph.ts";
import { checkHistory, type History } from "./history.ts";
import { buildNetwork, checkNetworkConfig, type NetworkConfig } from "./networks/config.ts";
import { OnnxBuilder } from "./onnx/builder.ts";
import { lowerInference } from "./onnx/inference.ts";
import { readFloats, readModel } from "./onnx/read.ts";
import { type Activations, LEVEL_MAX, type Levels, measuredValues } from "./quantize/activations.ts";
import { buildQuantized, type QuantizedWeights, readQuantized } from "./quantize/file.ts";

/** What a model is, beside its weights. It travels in the file's metadata, as JSON under `vigia`. */
export interface ModelInfo {
  readonly name: string;
  readonly version: number;
  readonly network: NetworkConfig;
  readonly classes: readonly string[];
  /** Least score of a detection, for each class. */
  readonly thresholds: readonly number[];
  readonly metrics: Readonly<Record<string, number>>;
  /** How large the things were that it learnt; models of older versions do not say. */
  readonly learntSizes?: LearntSizes;
  /** What the people look like whose faces it learnt. */
  readonly looks?: PeopleLooks;
  readonly lineage: Lineage;
  readonly format: "float32" | "int8";
  /**
   * Of a float32 model: how the values between its layers lie in 8 bits, in the order of `measuredValues`. Whoever has
   * to be fast computes with them; absent where that would cost accuracy, and in models of older versions.
   */
  readonly levels?: readonly Levels[];
  /** How its training went; models of other makers and older versions have none. */
  readonly history?: History;
}

/**
 * How large things are on the pictures that a model learnt from: their longer side as a share of the picture's. A tenth
 * of them are smaller than `small`, half smaller than `usual`.
 */
export interface LearntSizes {
  readonly small: number;
  readonly usual: number;
}

/** Looks of people, by which strangers are told from them; made and read by `shared/detect/likeness.ts`. */
export interface PeopleLooks {
  /** For each class, as base64. */
  readonly looks: readonly string[];
  /** Somebody more unlike than this is a stranger: 0 to 1. */
  readonly limit: number;
}

/** Where a model came from. */
export interface Lineage {
  readonly dataset: string;
  /** Training pictures seen, repeats counted. */
  readonly samples: number;
  readonly seconds: number;
  readonly seed: number;
  /** Name of the model whose weights it started from. */
  readonly parent?: string;
  /** Made while the training went on. */
  readonly early?: boolean;
  readonly createdMs: number;
  /** Name and version of the program that made it. */
  readonly program: string;
}

const METADATA_KEY = "vigia";
const METADATA_LENGTH_MAX = 1024 * 1024;
/** The input's name and layout in every file: float32 [batch, channels, height, width], 0 to 255, RGB. */
export const MODEL_INPUT = "images";

/**
 * One `.onnx` file that other tools open too: input `images`, an output for each of the network's, an initializer for
 * each parameter under its own name, standard operators only.
 */
export function encodeModelFile(info: ModelInfo, weights: Float32Array): Uint8Array<ArrayBuffer> {
  const network = buildNetwork(info.network);
  if (weights.length !== network.parameters.totalCount) {
    throw new AppError("bug", `${weights.length} weights for ${network.parameters.totalCount} parameters`);
  }
  const { channels, height, width } = network.input;
  const b = new OnnxBuilder();
  lowerInference(b, network, weights, b.input(MODEL_INPUT, ["batch", channels, height, width]), "batch");
  return b.encode(encodeInfo(info));
}

function encodeInfo(info: ModelInfo): Record<string, string> {
  return { [METADATA_KEY]: JSON.stringify(info) };
}

/** Reads a float32 model back. Throws `input` where the file is not one of ours, is damaged or is quantized. */
export function decodeModelFile(bytes: Uint8Array): { info: ModelInfo; weights: Float32Array } {
  const { initializers, metadata } = readModel(bytes);
  const info = readInfo(metadata.get(METADATA_KEY));
  if (info.format !== "float32") {
    throw new AppError("input", `${info.name} is an ${info.format} model: its weights cannot be read back`, {
      hint: "use the float32 model that it was made from",
    });
  }
  const network = buildNetwork(info.network);
  const weights = new Float32Array(network.parameters.totalCount);
  for (const { name, offset, size, shape } of network.parameters.list) {
    const tensor = initializers.get(name);
    if (tensor === undefined) throw new AppError("input", `the model lacks its part ${name}`);
    if (tensor.shape.join() !== shape.join()) {
      throw new AppError("input", `part ${name} is [${tensor.shape}], expected [${shape}]`);
    }
    weights.set(readFloats(tensor, size), offset);
  }
  if (!weights.every(Number.isFinite))
    throw new AppError("input", "the model has weights that are no numbers");
  return { info, weights };
}

/** What an engine's `predictor` needs of a model file, of either format. */
export interface StoredNetwork {
  readonly info: ModelInfo;
  readonly weights: Float32Array;
  /** Of an int8 model, and of a float32 one that may be computed in 8 bits. */
  readonly activations: Activations | undefined;
}

/** An int8 file: 8-bit filters and levels, for the same network. `info.format` becomes int8. */
export function encodeQuantizedFile(
  { levels: _, ...info }: ModelInfo,
  quantized: QuantizedWeights,
): Uint8Array<ArrayBuffer> {
  const b = buildQuantized(buildNetwork(info.network), quantized, MODEL_INPUT);
  return b.encode(encodeInfo({ ...info, format: "int8" }));
}

/** Reads a model of either format, to look with and not to train on. Throws `input` as `decodeModelFile` does. */
export function decodeForInference(bytes: Uint8Array): StoredNetwork {
  const { initializers, metadata } = readModel(bytes);
  const info = readInfo(metadata.get(METADATA_KEY));
  const network = buildNetwork(info.network);
  if (info.format === "int8") return { info, ...readQuantized(network, initializers) };
  const { levels } = info;
  const activations = levels && new Map(measuredValues(network).map((place, i) => [place, levels[i]!]));
  return { ...decodeModelFile(bytes), activations };
}

/** Only the words of a model file, of either format. Throws `input`. */
export function readModelInfo(bytes: Uint8Array): ModelInfo {
  return readInfo(readModel(bytes).metadata.get(METADATA_KEY));
}

/** The network that a model file holds. */
export function networkOf(info: ModelInfo): Network {
  return buildNetwork(info.network);
}

/** A reader never sees half a model: see `replaceFile`. */
export async function saveModelFile(path: string, info: ModelInfo, weights: Float32Array): Promise<void> {
  await saveWhole(path, encodeModelFile(info, weights));
}

/** Saves the bytes of a model file as `saveModelFile` does. Throws `data-loss`. */
export async function saveWhole(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await access(dirname(path)); // a mistyped folder must not be made
    replaceFile(path, bytes, 0o644);
  } catch (cause) {
    throw new AppError("data-loss", `cannot save the model to ${path}`, {
      cause,
      hint: "check that the folder exists, may be written to, and that the disk has room",
    });
  }
}

/** Throws `input` with a hint where there is no readable model at that path. */
export async function loadModelFile(path: string): Promise<{ info: ModelInfo; weights: Float32Array }> {
  return decodeModelFile(await readModelBytes(path));
}

/** The bytes of a model file, bounded; what it says of itself has been checked. Throws `input`. */
export async function readModelBytes(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > MODEL_FILE_BYTES_MAX) throw new AppError("input", `it has ${size} bytes`);
    const bytes = await readFile(path);
    readModelInfo(bytes);
    return bytes;
  } catch (cause) {
    throw new AppError("input", `cannot read the model ${path}`, {
      cause,
      hint: "give the path of a .onnx file that vigia train or vigia submit made",
    });
  }
}

function readInfo(json: string | undefined): ModelInfo {
  if (json === undefined) {
    throw new AppError("input", "this .onnx file was not made by vigia: it has no vigia metadata", {
      hint: "train a model with vigia train, or give one that vigia saved",
    });
  }
  if (json.length > METADATA_LENGTH_MAX) throw new AppError("input", "the model's metadata is too large");
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new AppError("input", "the model's metadata is damaged", { cause });
  }
  return checkInfo(value);
}

function checkInfo(value: unknown): ModelInfo {
  const bad = (what: string): AppError => new AppError("input", `the model's metadata has no usable ${what}`);
  if (typeof value !== "object" || value === null) throw bad("fields");
  const info = value as Partial<Record<keyof ModelInfo, unknown>>;
  const {
    name,
    version,
    classes,
    thresholds,
    metrics,
    learntSizes,
    looks,
    lineage,
    format,
    levels,
    history,
  } = info;
  const network = checkNetworkConfig(info.network);
  if (typeof name !== "string" || name.length > NAME_LENGTH_MAX) throw bad("name");
  if (typeof version !== "number" || !Number.isSafeInteger(version)) throw bad("version");
  if (format !== "float32" && format !== "int8") throw bad("format");
  const isName = (one: unknown): one is string => typeof one === "string" && one.length <= NAME_LENGTH_MAX;
  if (!Array.isArray(classes) || classes.length > CLASS_COUNT_MAX || !classes.every(isName))
    throw bad("classes");
  if (classes.length !== network.classCount) throw bad("classes: there are as many as the network has");
  if (
    !Array.isArray(thresholds) ||
    thresholds.length !== classes.length ||
    !thresholds.every(Number.isFinite)
  ) {
    throw bad("thresholds");
  }
  if (typeof metrics !== "object" || metrics === null || !Object.values(metrics).every(Number.isFinite)) {
    throw bad("metrics");
  }
  return {
    name,
    version,
    network,
    classes,
    thresholds,
    metrics: metrics as Record<string, number>,
    ...(learntSizes !== undefined && { learntSizes: checkSizes(learntSizes, bad) }),
    ...(looks !== undefined && { looks: checkLooks(looks, classes.length, bad) }),
    lineage: checkLineage(lineage, bad),
    format,
    ...(levels !== undefined && { levels: checkLevels(levels, network, bad) }),
    ...(history !== undefined && { history: checkHistory(history) }),
  };
}

function checkSizes(value: unknown, bad: (what: string) => AppError): LearntSizes {
  const { small, usual } = (value ?? {}) as Partial<Record<keyof LearntSizes, unknown>>;
  const isShare = (one: unknown): one is number => typeof one === "number" && one > 0 && one <= 1;
  if (!isShare(small) || !isShare(usual) || small > usual) throw bad("sizes of what it learnt");
  return { small, usual };
}

function checkLooks(value: unknown, classCount: number, bad: (what: string) => AppError): PeopleLooks {
  const { looks, limit } = (value ?? {}) as Partial<Record<keyof PeopleLooks, unknown>>;
  const isText = (one: unknown): one is string => typeof one === "string";
  if (!Array.isArray(looks) || looks.length !== classCount || !looks.every(isText))
    throw bad("looks of people");
  if (typeof limit !== "number" || !(limit > 0 && limit <= 1)) throw bad("limit of looks");
  return { looks, limit };
}

function checkLevels(
  value: unknown,
  network: NetworkConfig,
  bad: (what: string) => AppError,
): readonly Levels[] {
  const isLevels = (one: Partial<Record<keyof Levels, unknown>> | null): one is Levels =>
    typeof one?.scale === "number" &&
    Number.isFinite(one.scale) &&
    one.scale > 0 &&
    Number.isInteger(one.zeroPoint) &&
    (one.zeroPoint as number) >= 0 &&
    (one.zeroPoint as number) <= LEVEL_MAX;
  const count = measuredValues(buildNetwork(network)).length;
  if (!Array.isArray(value) || value.length !== count || !value.every(isLevels))
    throw bad("levels of its values");
  return value.map(({ scale, zeroPoint }) => ({ scale, zeroPoint }));
}

function checkLineage(value: unknown, bad: (what: string) => AppError): Lineage {
  if (typeof value !== "object" || value === null) throw bad("lineage");
  const { dataset, samples, seconds, seed, parent, early, createdMs, program } = value as Partial<
    Record<keyof Lineage, unknown>
  >;
  const number = (one: unknown, what: string): number => {
    if (typeof one !== "number" || !Number.isFinite(one)) throw bad(what);
    return one;
  };
  if (typeof dataset !== "string") throw bad("dataset");
  if (typeof program !== "string") throw bad("program");
  return {
    dataset,
    samples: number(samples, "count of samples"),
    seconds: number(seconds, "seconds"),
    seed: number(seed, "seed"),
    ...(typeof parent === "string" ? { parent } : {}),
    ...(early === true ? { early } : {}),
    createdMs: number(createdMs, "date"),
    program,
  };
}
