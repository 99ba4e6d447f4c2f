import { AppError } from "../../base/errors.ts";
import type { Predictor } from "../engine.ts";
import type { Network } from "../graph.ts";
import { type LayerOf, type Step, stepsOf } from "../steps.ts";
import { Arena, type Kernels, type Tensor } from "./backend.ts";
import { type ConvShape, convForward, forwardFilter } from "./conv.ts";
import {
  channelsFirst,
  convShape,
  inputShape,
  pictureTensor,
  plainForward,
  tensorShape,
  weightsOf,
} from "./layers.ts";
import * as loops from "./loops.ts";

/** Runs a network with fixed weights; batch norms are folded into the convolutions before them. */
export class TfjsPredictor implements Predictor {
  readonly #kernels: Kernels;
  readonly #network: Network;
  readonly #batch: number;
  readonly #weights: Float32Array;
  readonly #steps: readonly Step[];
  /** Filters and biases, kept as long as the predictor, so that XNNPACK packs them once. */
  readonly #kept: Arena;
  readonly #folded = new Map<Step, Folded>();
  /** For each step, the nodes that no later step reads. */
  readonly #lastRead: readonly (readonly number[])[];

  constructor(kernels: Kernels, network: Network, weights: Float32Array, batch: number) {
    if (weights.length !== network.parameters.totalCount) {
      throw new AppError("bug", `weights ${weights.length}, layout ${network.parameters.totalCount}`);
    }
    this.#kernels = kernels;
    this.#network = network;
    this.#batch = batch;
    this.#weights = weights.slice();
    this.#steps = stepsOf(network, "inference");
    this.#kept = new Arena(kernels);
    for (const step of this.#steps) {
      const { layer } = step;
      if (layer.kind === "conv" || layer.kind === "dense") this.#folded.set(step, this.#fold(step, layer));
    }
    this.#lastRead = lastReads(network, this.#steps);
  }

  async infer(pictures: Uint8Array, count: number): Promise<readonly Float32Array[]> {
    if (count < 1 || count > this.#batch) {
      throw new AppError("bug", `${count} pictures for a predictor of 1 to ${this.#batch}`);
    }
    using arena = new Arena(this.#kernels);
    const values = new Map<number, Tensor>();
    this.#steps.forEach((step, i) => {
      values.set(step.output, this.#forward(arena, step, values, pictures, count));
      for (const node of this.#lastRead[i]!) arena.free(values.get(node)!);
    });
    return this.#network.outputs.map(({ node }) => channelsFirst(arena, values.get(node)!));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#kept[Symbol.dispose]();
  }

  #forward(
    arena: Arena,
    step: Step,
    values: ReadonlyMap<number, Tensor>,
    pictures: Uint8Array,
    count: number,
  ): Tensor {
    const { layer, inputs, shape, relu } = step;
    const read = inputs.map((input) => values.get(input)!);
    const x = read[0]!;
    switch (layer.kind) {
      case "input":
        return pictureTensor(arena, this.#network, pictures, count);
      case "conv":
      case "dense": {
        const { filter, bias, sides } = this.#folded.get(step)!;
        return convForward(arena, x, filter, sides, { bias, relu });
      }
      case "batch-norm": {
        const y = arena.make(x.shape);
        const { scale, shift } = this.#running(layer);
        loops.scaleChannels(arena.view(x), arena.view(y), scale, shift, relu);
        return y;
      }
      default:
        return plainForward(arena, layer, read, tensorShape(count, shape));
    }
  }

  #fold({ inputs, shape, norm }: Step, layer: LayerOf<"conv" | "dense">): Folded {
    const { parameters } = this.#network;
    const sides = convShape(layer, inputShape(this.#network, inputs[0]!), shape);
    const filter = forwardFilter(this.#kept, weightsOf(this.#network, this.#weights, layer, sides), sides);
    const bias =
      layer.bias === undefined
        ? new Float32Array(sides.filters)
        : parameters.slice(this.#weights, layer.bias).slice();
    if (norm !== undefined) {
      const { scale, shift } = this.#running(norm);
      const values = this.#kept.view(filter);
      loops.scaleChannels(values, values, scale, new Float32Array(scale.length), false);
      bias.forEach((value, f) => {
        bias[f] = value * scale[f]! + shift[f]!;
      });
    }
    return { sides, filter, bias: this.#kept.vector(bias) };
  }

  #running(layer: LayerOf<"batch-norm">): { scale: Float32Array; shift: Float32Array } {
    const part = (name: string): Float32Array => this.#network.parameters.slice(this.#weights, name);
    const { gamma, beta, mean, variance, epsilon } = layer;
    return loops.normScale({
      gamma: part(gamma),
      beta: part(beta),
      mean: part(mean),
      variance: part(variance),
      epsilon,
    });
  }
}

interface Folded {
  readonly sides: ConvShape;
  readonly filter: Tensor;
  readonly bias: Tensor;
}

function lastReads(network: Network, steps: readonly Step[]): number[][] {
  const last = new Map<number, number>();
  steps.forEach(({ inputs, output }, i) => {
    for (const node of [output, ...inputs]) last.set(node, i);
  });
  for (const { node } of network.outputs) last.delete(node);
  const freed = steps.map((): number[] => []);
  for (const [node, i] of last) freed[i]!.push(node);
  return freed;
}
