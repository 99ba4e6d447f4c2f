import { AppError } from "../../base/errors.ts";
import type { LossResult, TrainingSession } from "../engine.ts";
import type { Network, ParameterLayout } from "../graph.ts";
import { PICTURES_INPUT } from "../onnx/picture-input.ts";
import { type FilterShape, packBackward, packForward, packStrided, unpackGradient } from "./filters.ts";
import { type HostTensor, hostTensor, openSession, type Session, type SessionOptions } from "./runtime.ts";
import { lowerTraining } from "./training-graph.ts";
import { gradientSides, outputGradientInput, plainInput, type TrainingGraphs } from "./training-graphs.ts";

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
  /** Values kept between the graphs, packed filters and filter gradients that are not in order yet. */
  readonly #kept: Record<string, HostTensor> = {};
  readonly #outputs: readonly HostTensor[];
  /** The caller's vectors of the last step, cut into parameters: they mostly come again. */
  #weights: Slots | undefined;
  #gradient: Slots | undefined;

  private constructor(
    network: Network,
    graphs: TrainingGraphs,
    batch: number,
    block: number,
    [forward, backward]: readonly [Session, Session],
  ) {
    this.#network = network;
    this.#graphs = graphs;
    this.#batch = batch;
    this.#block = block;
    this.#forward = forward;
    this.#backward = backward;
    for (const { name, shape } of graphs.saved) this.#kept[name] = hostTensor(shape);
    for (const { name, sides } of graphs.filters) this.#kept[name] = hostTensor(sides);
    for (const { name, filter } of graphs.gradients) {
      if (isScrambled(filter)) this.#kept[name] = hostTensor(gradientSides(filter));
    }
    this.#outputs = graphs.outputs.map(({ shape }) => hostTensor(shape));
  }

  /** @param block channels of a block of onnxruntime's blocked layout, where it has one */
  static async open(
    network: Network,
    batch: number,
    block: number | undefined,
    options: SessionOptions,
  ): Promise<NativeTrainer> {
    const graphs = lowerTraining(network, batch, block);
    const { profilePrefix } = options;
    const planned = batch <= PLANNED_BATCH_MAX;
    const optionsOf = (part: string): SessionOptions => ({
      ...options,
      planned,
      profilePrefix: profilePrefix && `${profilePrefix}-${part}`,
    });
    const forward = await openSession(graphs.forward, optionsOf("forward"));
    const backward = await openSession(graphs.backward, optionsOf("backward"));
    return new NativeTrainer(network, graphs, batch, block ?? 1, [forward, backward]);
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
    this.#weights = this.#slots(this.#weights, weights);
    this.#gradient = this.#slots(this.#gradient, gradient);
    const values: Record<string, HostTensor> = { ...this.#kept, [PICTURES_INPUT]: this.#pictures(pictures) };
    for (const name of this.#graphs.parameters) values[plainInput(name)] = this.#weights.at(name);
    for (const { name, parameter } of this.#graphs.statistics) values[name] = this.#gradient.at(parameter);
    for (const { name, parameter, filter } of this.#graphs.gradients) {
      if (!isScrambled(filter)) values[name] = this.#gradient.at(parameter, filter && gradientSides(filter));
    }
    this.#graphs.outputs.forEach(({ name }, i) => {
      values[name] = this.#outputs[i]!;
    });
    this.#packFilters(weights);
    await this.#forward.run(values);

    const { gradients, report } = loss(this.#outputs.map(({ data }) => data as Float32Array));
    this.#network.outputs.forEach(({ name }, i) => {
      values[outputGradientInput(name)] = hostTensor(this.#outputs[i]!.shape, gradients[i]!);
    });
    await this.#backward.run(values);
    this.#unpackGradients(gradient);
    return report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#forward[Symbol.asyncDispose]();
    await this.#backward[Symbol.asyncDispose]();
  }

  #packFilters(weights: Float32Array): void {
    for (const { name, weight, form, shape } of this.#graphs.filters) {
      const from = this.#network.parameters.slice(weights, weight);
      PACKERS[form](from, shape, this.#block, this.#kept[name]!.data as Float32Array);
    }
  }

  #pictures(pictures: Uint8Array): HostTensor {
    const { channels, height, width } = this.#network.input;
    const expected = this.#batch * height * width * channels;
    if (pictures.length !== expected) {
      throw new AppError("bug", `${pictures.length} bytes of pictures, expected ${expected}`);
    }
    return { type: "uint8", shape: [this.#batch, height, width, channels], data: pictures };
  }

  #slots(known: Slots | undefined, vector: Float32Array): Slots {
    return known?.vector === vector ? known : new Slots(this.#network.parameters, vector);
  }

  #unpackGradients(gradient: Float32Array): void {
    for (const { name, parameter, filter } of this.#graphs.gradients) {
      if (!isScrambled(filter)) continue;
      const computed = this.#kept[name]!.data as Float32Array;
      unpackGradient(computed, filter, this.#network.parameters.slice(gradient, parameter));
    }
  }
}

/** Pictures of a batch beyond which a step's memory weighs more than the last 2% of its speed. */
const PLANNED_BATCH_MAX = 8;

const PACKERS = { forward: packForward, backward: packBackward, strided: packStrided };

/** Whether the gradient comes in another order than the weight vector's. */
function isScrambled(filter: FilterShape | undefined): filter is FilterShape {
  return filter !== undefined && filter.size > 1;
}

/** A vector of the layout, cut into tensors over its own memory. */
class Slots {
  readonly vector: Float32Array;
  readonly #layout: ParameterLayout;
  readonly #tensors = new Map<string, HostTensor>();

  constructor(layout: ParameterLayout, vector: Float32Array) {
    this.#layout = layout;
    this.vector = vector;
  }

  /** @param shape the parameter's own by default */
  at(name: string, shape: readonly number[] = this.#layout.get(name).shape): HostTensor {
    const known = this.#tensors.get(name);
    if (known !== undefined) return known;
    const tensor = hostTensor(shape, this.#layout.slice(this.vector, name));
    this.#tensors.set(name, tensor);
    return tensor;
  }
}
