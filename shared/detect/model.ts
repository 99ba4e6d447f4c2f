import type { Log } from "../base/log.ts";
import type { Picture } from "../image/types.ts";
import type { Engine, EngineOptions } from "../nn/engine.ts";
import { decodeForInference, type ModelInfo, readModelBytes } from "../nn/model-file.ts";
import { openEngine } from "../nn/open-engine.ts";
import { PicturePredictor } from "./picture-predictor.ts";
import type { Detection } from "./types.ts";

/** Pictures that the engine sees at once, where a caller hands in many. */
const BATCH = 8;

export interface DetectOptions {
  /** Instead of the model's own threshold of each class; evaluation asks for nearly everything. */
  readonly minScore?: number;
}

/** A trained model, ready to look at pictures. One call at a time. */
export class Model implements AsyncDisposable {
  readonly info: ModelInfo;
  readonly #engine: Engine;
  readonly #predictor: PicturePredictor;

  /** @param engine taken over: it goes when the model goes */
  constructor(info: ModelInfo, engine: Engine, predictor: PicturePredictor) {
    this.info = info;
    this.#engine = engine;
    this.#predictor = predictor;
  }

  get engineName(): string {
    return this.#engine.name;
  }

  /**
   * @param pictures of any size
   * @returns for each picture what is in it, in its pixels, in falling order of score; none below its class's
   *          threshold. A single-box model answers one detection, a face model one that covers the picture.
   */
  detect(pictures: readonly Picture[], { minScore }: DetectOptions = {}): Promise<Detection[][]> {
    const { thresholds, classes } = this.info;
    const scoresMin = minScore === undefined ? thresholds : classes.map(() => minScore);
    return this.#predictor.detect(pictures, scoresMin);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#predictor[Symbol.asyncDispose]();
    await this.#engine[Symbol.asyncDispose]();
  }
}

export interface OpenOptions extends EngineOptions {
  /** For watching: in 8 bits where the file says how, and without the grey about wide pictures. Nearly the same. */
  readonly fast?: boolean;
}

/** Opens a model from its file's bytes or path. Throws `input` where it is none. */
export async function openModel(
  file: Uint8Array | string,
  { fast = false, ...options }: OpenOptions,
  log: Log,
): Promise<Model> {
  const bytes = typeof file === "string" ? await readModelBytes(file) : file;
  const { info, weights, activations } = decodeForInference(bytes);
  const engine = await openEngine(options, log);
  try {
    const levels = fast || info.format === "int8" ? activations : undefined;
    const given = { batch: BATCH, activations: levels, trims: fast };
    return new Model(info, engine, await PicturePredictor.open(engine, info.network, weights, given));
  } catch (error) {
    await engine[Symbol.asyncDispose]();
    throw error;
  }
}
