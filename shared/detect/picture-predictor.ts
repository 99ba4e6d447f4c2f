import type { Picture } from "../image/types.ts";
import type { Engine, Predictor, PredictorOptions } from "../nn/engine.ts";
import { buildNetwork, type NetworkConfig } from "../nn/networks/config.ts";
import { createDecoder, type Decoder, type PictureView } from "./decode.ts";
import { inputBytes, writeInput } from "./input.ts";
import type { Detection } from "./types.ts";

/** Pictures of any size in, detections out: a network with weights on an engine, from pixels to boxes. */
export class PicturePredictor implements AsyncDisposable {
  readonly #network: NetworkConfig;
  readonly #batch: number;
  readonly #predictor: Predictor;
  readonly #decoder: Decoder;
  readonly #input: Uint8Array;

  private constructor(network: NetworkConfig, batch: number, predictor: Predictor) {
    this.#network = network;
    this.#batch = batch;
    this.#predictor = predictor;
    this.#decoder = createDecoder(network);
    this.#input = new Uint8Array(batch * inputBytes(network));
  }

  /** @param options `batch`: most pictures that the engine sees at once */
  static async open(
    engine: Engine,
    network: NetworkConfig,
    weights: Float32Array,
    options: PredictorOptions,
  ): Promise<PicturePredictor> {
    const predictor = await engine.predictor(buildNetwork(network), weights, options);
    return new PicturePredictor(network, options.batch, predictor);
  }

  /**
   * @param scoresMin least score for each class
   * @returns for each picture, in falling order of score
   */
  async detect(pictures: readonly Picture[], scoresMin: ArrayLike<number>): Promise<Detection[][]> {
    const answers: Detection[][] = [];
    const size = inputBytes(this.#network);
    for (let from = 0; from < pictures.length; from += this.#batch) {
      const group = pictures.slice(from, from + this.#batch);
      const views: PictureView[] = group.map((picture, i) =>
        writeInput(this.#network, picture, this.#input.subarray(i * size, (i + 1) * size)),
      );
      const outputs = await this.#predictor.infer(this.#input.subarray(0, group.length * size), group.length);
      answers.push(...views.map((view, i) => this.#decoder.decode(outputs, i, view, scoresMin)));
    }
    return answers;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#predictor[Symbol.asyncDispose]();
  }
}
