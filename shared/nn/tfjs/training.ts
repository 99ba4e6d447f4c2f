import { AppError } from "../../base/errors.ts";
import type { LossResult, TrainingSession } from "../engine.ts";
import type { Network } from "../graph.ts";
import { type LayerOf, type Step, stepsOf, wantsGradient } from "../steps.ts";
import { Arena, type Kernels, type Tensor } from "./backend.ts";
import { addFilterGradient, convForward, forwardFilter, InputGradient } from "./conv.ts";
import {
  channelsFirst,
  channelsLast,
  convShape,
  inputShape,
  pictureTensor,
  plainForward,
  tensorShape,
  weightsOf,
} from "./layers.ts";
import * as loops from "./loops.ts";

/**
 * Training layer by layer: forward with every value kept, then backward with gradients of our own, each value freed
 * as soon as nothing needs it. tfjs's tape is not used: several of its wasm gradients are missing, wrong or slow.
 */
export class TfjsTraining implements TrainingSession {
  readonly #kernels: Kernels;
  readonly #network: Network;
  readonly #batch: number;
  readonly #steps: readonly Step[];
  readonly #wanted: readonly boolean[];

  constructor(kernels: Kernels, network: Network, batch: number) {
    this.#kernels = kernels;
    this.#network = network;
    this.#batch = batch;
    this.#steps = stepsOf(network, "training");
    this.#wanted = wantsGradient(network);
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
        `weights ${weights.length}, gradient ${gradient.length}, layout ${totalCount}`,
      );
    }
    gradient.fill(0);
    using arena = new Arena(this.#kernels);
    const pass = new Pass(arena, this.#network, this.#batch, weights, gradient, this.#wanted);
    for (const step of this.#steps) pass.forward(step, pictures);
    const { gradients, report } = loss(pass.outputs());
    pass.startBackward(gradients);
    for (const step of this.#steps.toReversed()) pass.backward(step);
    return report;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** One step's values and gradients, by the node they belong to. */
class Pass {
  readonly #arena: Arena;
  readonly #network: Network;
  readonly #batch: number;
  readonly #weights: Float32Array;
  /** Filled with the batch's statistics on the way forward and with gradients on the way back. */
  readonly #gradient: Float32Array;
  readonly #wanted: readonly boolean[];
  readonly #values = new Map<number, Tensor>();
  readonly #slopes = new Map<number, Tensor>();
  readonly #filters = new Map<string, Tensor>();
  readonly #inputGradients = new Map<string, InputGradient>();

  constructor(
    arena: Arena,
    network: Network,
    batch: number,
    weights: Float32Array,
    gradient: Float32Array,
    wanted: readonly boolean[],
  ) {
    this.#arena = arena;
    this.#network = network;
    this.#batch = batch;
    this.#weights = weights;
    this.#gradient = gradient;
    this.#wanted = wanted;
  }

  forward(step: Step, pictures: Uint8Array): void {
    this.#values.set(step.output, this.#compute(step, pictures));
  }

  outputs(): Float32Array[] {
    return this.#network.outputs.map(({ node }) => channelsFirst(this.#arena, this.#value(node)));
  }

  startBackward(gradients: readonly Float32Array[]): void {
    this.#network.outputs.forEach(({ node }, i) => {
      const values = gradients[i];
      if (values === undefined) throw new AppError("bug", "the loss gave fewer gradients than outputs");
      this.#give(node, channelsLast(this.#arena, values, this.#value(node).shape));
    });
  }

  /** Hands the gradient of the step's output to its inputs and parameters, and frees both value and gradient. */
  backward(step: Step): void {
    const { layer, inputs, output, relu } = step;
    const arena = this.#arena;
    const y = this.#value(output);
    const dy = this.#slopes.get(output);
    if (dy !== undefined) {
      this.#slopes.delete(output);
      if ((relu && layer.kind !== "batch-norm") || layer.kind === "relu") {
        loops.maskByOutput(arena.view(y), arena.view(dy));
      }
      if (layer.kind === "conv" || layer.kind === "dense") this.#convolveBack(step, layer, dy);
      else if (layer.kind === "batch-norm") this.#normalizeBack(step, layer, y, dy);
      else if (inputs.some((input) => this.#wanted[input])) this.#plainBack(step, dy);
      else arena.free(dy);
    }
    arena.free(y);
    this.#values.delete(output);
  }

  #compute(step: Step, pictures: Uint8Array): Tensor {
    const { layer, inputs, shape } = step;
    switch (layer.kind) {
      case "input":
        return pictureTensor(this.#arena, this.#network, pictures, this.#batch);
      case "conv":
      case "dense":
        return this.#convolve(step, layer);
      case "batch-norm":
        return this.#normalize(step, layer);
      default: {
        const read = inputs.map((input) => this.#value(input));
        return plainForward(this.#arena, layer, read, tensorShape(this.#batch, shape));
      }
    }
  }

  #convolve({ inputs, shape, relu }: Step, layer: LayerOf<"conv" | "dense">): Tensor {
    const arena = this.#arena;
    const sides = convShape(layer, inputShape(this.#network, inputs[0]!), shape);
    let filter = this.#filters.get(layer.weight);
    if (filter === undefined) {
      filter = forwardFilter(arena, weightsOf(this.#network, this.#weights, layer, sides), sides);
      this.#filters.set(layer.weight, filter);
    }
    const bias = layer.bias === undefined ? undefined : arena.vector(this.#parameter(layer.bias));
    const y = convForward(arena, this.#value(inputs[0]!), filter, sides, { bias, relu });
    if (bias !== undefined) arena.free(bias);
    return y;
  }

  #convolveBack({ inputs, shape }: Step, layer: LayerOf<"conv" | "dense">, dy: Tensor): void {
    const arena = this.#arena;
    const x = this.#value(inputs[0]!);
    const sides = convShape(layer, inputShape(this.#network, inputs[0]!), shape);
    if (layer.bias !== undefined) loops.addChannelSums(arena.view(dy), this.#gradientOf(layer.bias));
    addFilterGradient(arena, x, dy, sides, weightsOf(this.#network, this.#gradient, layer, sides));
    if (this.#wanted[inputs[0]!]) {
      let back = this.#inputGradients.get(layer.weight);
      if (back === undefined) {
        back = new InputGradient(arena, weightsOf(this.#network, this.#weights, layer, sides), sides);
        this.#inputGradients.set(layer.weight, back);
      }
      this.#give(inputs[0]!, back.apply(dy, x.shape[1], x.shape[2]));
    }
    arena.free(dy);
  }

  #normalize({ inputs, relu }: Step, layer: LayerOf<"batch-norm">): Tensor {
    const x = this.#value(inputs[0]!);
    const y = this.#arena.make(x.shape);
    const [from, to] = [this.#arena.view(x), this.#arena.view(y)];
    const parts = this.#normParts(layer);
    loops.channelStatistics(from, parts.mean, parts.variance);
    const { scale, shift } = loops.normScale(parts);
    loops.scaleChannels(from, to, scale, shift, relu);
    return y;
  }

  #normalizeBack({ inputs, relu }: Step, layer: LayerOf<"batch-norm">, y: Tensor, dy: Tensor): void {
    const arena = this.#arena;
    const x = this.#value(inputs[0]!);
    loops.normGradient(
      arena.view(x),
      arena.view(y),
      arena.view(dy),
      this.#normParts(layer),
      relu,
      this.#gradientOf(layer.gamma),
      this.#gradientOf(layer.beta),
    );
    this.#pass(inputs[0]!, dy);
  }

  #normParts(layer: LayerOf<"batch-norm">): loops.NormParts {
    return {
      gamma: this.#parameter(layer.gamma),
      beta: this.#parameter(layer.beta),
      mean: this.#gradientOf(layer.mean),
      variance: this.#gradientOf(layer.variance),
      epsilon: layer.epsilon,
    };
  }

  #plainBack({ layer, inputs }: Step, dy: Tensor): void {
    const arena = this.#arena;
    const x = this.#value(inputs[0]!);
    const [batch, height, width, channels] = x.shape;
    if (layer.kind === "relu") {
      this.#pass(inputs[0]!, dy);
      return;
    }
    if (layer.kind === "add") {
      const copy = arena.make(dy.shape);
      arena.view(copy).set(arena.view(dy));
      this.#pass(inputs[0]!, copy);
      this.#pass(inputs[1]!, dy);
      return;
    }
    if (layer.kind === "concat") {
      let offset = 0;
      for (const input of inputs) {
        const part = arena.make(this.#value(input).shape);
        const count = part.shape[3];
        loops.copyChannels(arena.view(dy), offset, dy.shape[3], arena.view(part), 0, count, count);
        this.#pass(input, part);
        offset += count;
      }
      arena.free(dy);
      return;
    }
    const dx = arena.make(x.shape);
    const [from, to] = [arena.view(dy), arena.view(dx)];
    if (layer.kind === "rescale") for (let i = 0; i < to.length; i++) to[i] = from[i]! * layer.scale;
    else if (layer.kind === "flatten") loops.swapSides(from, to, batch, channels, height * width);
    else if (layer.kind === "upsample") loops.upsampleGradient(from, to, batch * height, width, channels);
    else if (layer.kind === "max-pool") {
      const [outHeight, outWidth] = [dy.shape[1], dy.shape[2]];
      const { size, stride, padding } = layer;
      const pool = { batch, height, width, channels, outHeight, outWidth, size, stride, padding };
      loops.maxPoolGradient(arena.view(x), from, to, pool);
    }
    arena.free(dy);
    this.#pass(inputs[0]!, dx);
  }

  /** Gives a gradient to a node that wants one, and frees it otherwise. */
  #pass(node: number, slope: Tensor): void {
    if (this.#wanted[node]) this.#give(node, slope);
    else this.#arena.free(slope);
  }

  #give(node: number, slope: Tensor): void {
    const known = this.#slopes.get(node);
    if (known === undefined) {
      this.#slopes.set(node, slope);
      return;
    }
    loops.addInto(this.#arena.view(known), this.#arena.view(slope));
    this.#arena.free(slope);
  }

  #value(node: number): Tensor {
    return this.#values.get(node)!;
  }

  #parameter(name: string): Float32Array {
    return this.#network.parameters.slice(this.#weights, name);
  }

  #gradientOf(name: string): Float32Array {
    return this.#network.parameters.slice(this.#gradient, name);
  }
}
