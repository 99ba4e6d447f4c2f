import { AppError } from "../../base/errors.ts";
import type { LossResult, TrainingSession } from "../engine.ts";
import type { Network } from "../graph.ts";
import { packBackward, packForward, unpackGradient } from "./filters.ts";
import { Session, type SessionOptions, type Tensor, Tensors } from "./runtime.ts";
import {
  gradientSides,
  lowerTraining,
  outputGradientInput,
  PICTURES_INPUT,
  plainInput,
  type TrainingGraphs,
} from "./training-graph.ts";

/**
 * Trains with two onnxruntime graphs. All memory that crosses between them and this program is allocated once and
 * handed to onnxruntime to write into; gradients land in the caller's vector.
 */
export class NativeTrainer implements TrainingSession {
  readonly #network: Network;
  readonly #graphs: TrainingGraphs;
  readonly #batch: number;
  readonly #block: number;
  readonly #forward: Session;
  readonly #backward: Session;
  readonly #tensors: Tensors;
  /** Values kept between the graphs, and packed filters. */
  readonly #kept: Record<string, Tensor> = {};
  readonly #outputs: readonly Tensor[];
  /** Filter gradients before they are put in order. */
  readonly #scratch: Record<string, Tensor> = {};

  private constructor(
    network: Network,
    graphs: TrainingGraphs,
    batch: number,
    block: number,
    [forward, backward]: readonly [Session, Session],
    tensors: Tensors,
  ) {
    this.#network = network;
    this.#graphs = graphs;
    this.#batch = batch;
    this.#block = block;
    this.#forward = forward;
    this.#backward = backward;
    this.#tensors = tensors;
    for (const { name, type, shape } of graphs.saved) this.#kept[name] = tensors.empty(type, shape);
    for (const { name, sides } of graphs.filters) this.#kept[name] = tensors.empty("float32", sides);
    this.#outputs = graphs.outputs.map(({ type, shape }) => tensors.empty(type, shape));
    for (const { name, filter } of graphs.gradients) {
      if (filter !== undefined && filter.size > 1) {
        this.#scratch[name] = tensors.empty("float32", gradientSides(filter));
      }
    }
  }

  /** @param block channels of a block of onnxruntime's blocked layout, where it has one */
  static async open(
    network: Network,
    batch: number,
    block: number | undefined,
    options: SessionOptions,
  ): Promise<NativeTrainer> {
    const graphs = lowerTraining(network, batch, block);
    const suffixed = (part: string): SessionOptions =>
      options.profilePrefix === undefined
        ? options
        : { ...options, profilePrefix: `${options.profilePrefix}-${part}` };
    const forward = await Session.open(graphs.forward, suffixed("forward"));
    const backward = await Session.open(graphs.backward, suffixed("backward"));
    const tensors = await Tensors.open();
    return new NativeTrainer(network, graphs, batch, block ?? 1, [forward, backward], tensors);
  }

  async trainStep<R>(
    weights: Float32Array,
    pictures: Uint8Array,
    loss: (outputs: readonly Float32Array[]) => LossResult<R>,
    gradient: Float32Array,
  ): Promise<R> {
    const { totalCount } = this.#network.parameters;
    if (weights.length !== totalCount || gradient.length !== totalCount) {
      throw new AppError(
        "bug",
        `weights ${weights.length}, gradient ${gradient.length}, expected ${totalCount}`,
      );
    }
    const values: Record<string, Tensor> = { ...this.#kept };
    this.#addWeights(values, weights);
    values[PICTURES_INPUT] = this.#pictures(pictures);
    for (const { name, parameter } of this.#graphs.statistics) values[name] = this.#slot(gradient, parameter);
    this.#graphs.outputs.forEach(({ name }, i) => {
      values[name] = this.#outputs[i]!;
    });
    await this.#forward.run(values, values);

    const { gradients, report } = loss(this.#outputs.map(({ data }) => data as Float32Array));
    this.#network.outputs.forEach(({ name }, i) => {
      values[outputGradientInput(name)] = this.#tensors.floats(gradients[i]!, this.#outputs[i]!.dims);
    });
    for (const { name, parameter, filter } of this.#graphs.gradients) {
      const sides = filter === undefined ? undefined : gradientSides(filter);
      values[name] = this.#scratch[name] ?? this.#slot(gradient, parameter, sides);
    }
    await this.#backward.run(values, values);
    this.#unpackGradients(gradient);
    return report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#forward[Symbol.asyncDispose]();
    await this.#backward[Symbol.asyncDispose]();
  }

  #addWeights(values: Record<string, Tensor>, weights: Float32Array): void {
    for (const name of this.#graphs.parameters) values[plainInput(name)] = this.#slot(weights, name);
    for (const { name, weight, form, shape } of this.#graphs.filters) {
      const pack = form === "forward" ? packForward : packBackward;
      const from = this.#network.parameters.slice(weights, weight);
      pack(from, shape, this.#block, this.#kept[name]!.data as Float32Array);
    }
  }

  #pictures(pictures: Uint8Array): Tensor {
    const { channels, height, width } = this.#network.input;
    const expected = this.#batch * height * width * channels;
    if (pictures.length !== expected) {
      throw new AppError("bug", `${pictures.length} bytes of pictures, expected ${expected}`);
    }
    return this.#tensors.bytes(pictures, [this.#batch, height, width, channels]);
  }

  /** A parameter's part of a vector, as a tensor over the same memory. */
  #slot(vector: Float32Array, parameter: string, sides?: readonly number[]): Tensor {
    const { shape } = this.#network.parameters.get(parameter);
    return this.#tensors.floats(this.#network.parameters.slice(vector, parameter), sides ?? shape);
  }

  #unpackGradients(gradient: Float32Array): void {
    for (const { name, parameter, filter } of this.#graphs.gradients) {
      const scratch = this.#scratch[name];
      if (scratch === undefined || filter === undefined) continue;
      unpackGradient(
        scratch.data as Float32Array,
        filter,
        this.#network.parameters.slice(gradient, parameter),
      );
    }
  }
}
