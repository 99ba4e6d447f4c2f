import type { Picture } from "../image/types.ts";
import type { Engine, Predictor, PredictorOptions } from "../nn/engine.ts";
import { buildNetwork, type NetworkConfig } from "../nn/networks/config.ts";
import { createDecoder, type Decoder, type PictureView } from "./decode.ts";
import { heightFor, inputBytes, writeInput } from "./input.ts";
import type { Detection } from "./types.ts";

export interface PicturePredictorOptions extends PredictorOptions {
  /**
   * A detector computes only as many rows as the pictures fill, not the grey above and below: of wide pictures, 16 to
   * 9, at 256 px five eighths. False by default.
   */
  readonly trims?: boolean;
}

/** A network for inputs of one height. */
interface Eye {
  readonly predictor: Predictor;
  readonly decoder: Decoder;
}

/** Pictures of any size in, detections out: a network with weights on an engine, from pixels to boxes. */
export class PicturePredictor implements AsyncDisposable {
  readonly #engine: Engine;
  readonly #network: NetworkConfig;
  readonly #weights: Float32Array;
  readonly #options: PicturePredictorOptions;
  /** By the height of the input; `undefined` for the network's own. */
  readonly #eyes = new Map<number | undefined, Eye>();
  readonly #input: Uint8Array;

  private constructor(
    engine: Engine,
    network: NetworkConfig,
    weights: Float32Array,
    options: PicturePredictorOptions,
  ) {
    this.#engine = engine;
    this.#network = network;
    this.#weights = weights;
    this.#options = options;
    this.#input = new Uint8Array(options.batch * inputBytes(network));
  }

  /** @param options `batch`: most pictures that the engine sees at once */
  static async open(
    engine: Engine,
    network: NetworkConfig,
    weights: Float32Array,
    options: PicturePredictorOptions,
  ): Promise<PicturePredictor> {
    const opened = new PicturePredictor(engine, network, weights, options);
    await opened.#eye(undefined);
    return opened;
  }

  /**
   * @param scoresMin least score for each class
   * @returns for each picture, in falling order of score
   */
  async detect(pictures: readonly Picture[], scoresMin: ArrayLike<number>): Promise<Detection[][]> {
    const answers: Detection[][] = [];
    const { batch } = this.#options;
    for (let from = 0; from < pictures.length; from += batch) {
      const group = pictures.slice(from, from + batch);
      const height = this.#heightFor(group);
      const { predictor, decoder } = await this.#eye(height);
      const size = inputBytes(this.#network, height);
      const views: PictureView[] = group.map((picture, i) =>
        writeInput(this.#network, picture, this.#input.subarray(i * size, (i + 1) * size), height),
      );
      const outputs = await predictor.infer(this.#input.subarray(0, group.length * size), group.length);
      answers.push(...views.map((view, i) => decoder.decode(outputs, i, view, scoresMin)));
    }
    return answers;
  }

  /** The height of the input for these pictures; `undefined` where it is the network's own. */
  #heightFor(pictures: readonly Picture[]): number | undefined {
    const network = this.#network;
    if (this.#options.trims !== true || network.kind !== "detector") return undefined;
    const height = Math.max(...pictures.map((picture) => heightFor(picture, network)));
    return height < network.size ? height : undefined;
  }

  async #eye(height: number | undefined): Promise<Eye> {
    const known = this.#eyes.get(height);
    if (known !== undefined) return known;
    const network = buildNetwork(this.#network, height);
    const eye = {
      predictor: await this.#engine.predictor(network, this.#weights, this.#options),
      decoder: createDecoder(this.#network, height),
    };
    this.#eyes.set(height, eye);
    return eye;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { predictor } of this.#eyes.values()) await predictor[Symbol.asyncDispose]();
  }
}
