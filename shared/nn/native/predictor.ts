import { AppError } from "../../base/errors.ts";
import type { Predictor, PredictorOptions } from "../engine.ts";
import type { Network } from "../graph.ts";
import { type EncodedGraph, OnnxBuilder } from "../onnx/builder.ts";
import { lowerInference } from "../onnx/inference.ts";
import { PICTURES_INPUT, pictureInput } from "../onnx/picture-input.ts";
import type { Activations } from "../quantize/activations.ts";
import { ChannelsLastForm } from "../quantize/channels-last.ts";
import { lowerQuantized } from "../quantize/lower.ts";
import { type HostTensor, hostTensor, openSession, type Session, type SessionOptions } from "./runtime.ts";

/** Runs a network with fixed weights. onnxruntime folds batch norm into the convolutions when the graph is opened. */
export class NativePredictor implements Predictor {
  readonly #network: Network;
  readonly #batch: number;
  readonly #session: Session;

  private constructor(network: Network, batch: number, session: Session) {
    this.#network = network;
    this.#batch = batch;
    this.#session = session;
  }

  static async open(
    network: Network,
    weights: Float32Array,
    { batch, activations }: PredictorOptions,
    options: SessionOptions,
  ): Promise<NativePredictor> {
    const session = await openSession(predictionGraph(network, weights, activations), options);
    return new NativePredictor(network, batch, session);
  }

  async infer(pictures: Uint8Array, count: number): Promise<readonly Float32Array[]> {
    const { channels, height, width } = this.#network.input;
    if (count < 1 || count > this.#batch || pictures.length !== count * height * width * channels) {
      throw new AppError("bug", `${pictures.length} bytes are not ${count} pictures (most: ${this.#batch})`);
    }
    const shape = [count, height, width, channels];
    const values: Record<string, HostTensor> = { [PICTURES_INPUT]: { type: "uint8", shape, data: pictures } };
    for (const { name, node } of this.#network.outputs) {
      values[name] = hostTensor([count, ...this.#network.nodes[node]!.shape]);
    }
    await this.#session.run(values);
    return this.#network.outputs.map(({ name }) => values[name]!.data as Float32Array);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
  }
}

function predictionGraph(
  network: Network,
  weights: Float32Array,
  activations: Activations | undefined,
): EncodedGraph {
  const b = new OnnxBuilder();
  const input = pictureInput(b, network.input, "batch");
  if (activations === undefined) {
    const bytes = b.op("Transpose", [input], { perm: [0, 3, 1, 2] });
    lowerInference(b, network, weights, b.op("Cast", [bytes], { to: 1 }), "batch");
  } else {
    const form = new ChannelsLastForm(b, network.parameters, weights, network.input);
    lowerQuantized(b, form, { network, weights, activations }, input, "batch");
  }
  return b.encodeGraph();
}
