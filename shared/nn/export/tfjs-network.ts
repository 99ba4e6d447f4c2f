import type { Network } from "../graph.ts";
import { type LayerOf, type Step, stepsOf } from "../steps.ts";
import { type GraphAttribute, type GraphValue, TfjsGraph, text, texts, wholes } from "./tfjs-graph.ts";

/** Less than any number that a layer gives. */
const LEAST = -3e38;

/**
 * A network for inference as a tfjs graph. Pictures go in as float32 [batch, height, width, channels], 0 to 255;
 * outputs have the network's names and their channels last. Batch norms are folded into the convolutions before them.
 */
export function tfjsNetwork(network: Network, weights: Float32Array, input: string): TfjsGraph {
  const writer = new NetworkWriter(network, weights);
  writer.write(input);
  return writer.graph;
}

class NetworkWriter {
  readonly graph = new TfjsGraph();
  readonly #network: Network;
  readonly #weights: Float32Array;
  readonly #values: GraphValue[] = [];

  constructor(network: Network, weights: Float32Array) {
    this.#network = network;
    this.#weights = weights;
  }

  write(input: string): void {
    const { channels, height, width } = this.#network.input;
    const images = this.graph.input(input, [-1, height, width, channels]);
    const names = new Map(this.#network.outputs.map(({ name, node }) => [node, name]));
    for (const step of stepsOf(this.#network, "inference")) {
      const name = names.get(step.output);
      this.#values[step.output] = step.layer.kind === "input" ? images : this.#step(step, name);
      if (name !== undefined) this.graph.output(name, [-1, ...channelsLast(step.shape)]);
    }
  }

  #step(step: Step, name: string | undefined): GraphValue {
    const g = this.graph;
    const { layer, shape } = step;
    const [x = "", ...more] = step.inputs.map((place) => this.#values[place]!);
    switch (layer.kind) {
      case "input":
        return x;
      case "rescale":
        return this.#rescale(layer, x, name);
      case "conv":
        return this.#convolution(step as Step & { layer: LayerOf<"conv"> }, x, name);
      case "batch-norm": {
        const { scale, shift } = this.#norm(layer);
        const scaled = g.op("Mul", [x, g.constant(layer.gamma, [scale.length], scale)]);
        const offset = g.constant(layer.beta, [shift.length], shift);
        const y = g.op("AddV2", [scaled, offset], {}, step.relu ? undefined : name);
        return step.relu ? g.op("Relu", [y], {}, name) : y;
      }
      case "relu":
        return g.op("Relu", [x], {}, name);
      case "max-pool":
        return this.#maxPool(layer, x, name);
      case "upsample": {
        const size = g.wholes(shape[1]!, shape[2]!);
        const attributes = { align_corners: { b: false }, half_pixel_centers: { b: false } };
        return g.op("ResizeNearestNeighbor", [x, size], attributes, name);
      }
      case "add":
        return g.op("AddV2", [x, ...more], {}, name);
      case "concat": {
        const axis = g.constant("channel_axis", [], Int32Array.of(3));
        return g.op("ConcatV2", [x, ...more, axis], { N: { i: String(1 + more.length) } }, name);
      }
      case "flatten": {
        // Channels are the outermost of the flat numbers.
        const first = g.op("Transpose", [x, g.wholes(0, 3, 1, 2)]);
        return g.op("Reshape", [first, g.wholes(-1, shape[0]!)], {}, name);
      }
      case "dense": {
        const weight = g.constant(layer.weight, this.#shapeOf(layer.weight), this.#part(layer.weight));
        const bias = g.constant(layer.bias, this.#shapeOf(layer.bias), this.#part(layer.bias));
        const attributes = { transpose_a: { b: false }, transpose_b: { b: false }, ...fused(step.relu) };
        return g.op("_FusedMatMul", [x, weight, bias], attributes, name);
      }
    }
  }

  #rescale({ scale, zero }: LayerOf<"rescale">, x: GraphValue, name: string | undefined): GraphValue {
    const g = this.graph;
    const number = (word: string, value: number) =>
      g.constant(`${word}_${value}`, [], Float32Array.of(value));
    const moved = zero === 0 ? x : g.op("Sub", [x, number("zero", zero)]);
    return g.op("Mul", [moved, number("scale", scale)], {}, name);
  }

  /** Constants are named by the step's place: layers that share weights have norms of their own. */
  #convolution(
    { layer, norm, output, relu }: Step & { layer: LayerOf<"conv"> },
    x: GraphValue,
    name: string | undefined,
  ): GraphValue {
    const [count, channels] = this.#shapeOf(layer.weight) as [number, number];
    const { scale, shift } = norm === undefined ? plain(count) : this.#norm(norm);
    const bias =
      layer.bias === undefined
        ? shift
        : this.#part(layer.bias).map((value, i) => value * scale[i]! + shift[i]!);
    const filters = filtersLast(this.#part(layer.weight), count, channels, layer.size, scale);
    const pad = (layer.size - 1) / 2;
    const attributes = {
      strides: wholes(1, layer.stride, layer.stride, 1),
      padding: text("EXPLICIT"),
      explicit_paddings: wholes(0, 0, pad, pad, pad, pad, 0, 0),
      dilations: wholes(1, 1, 1, 1),
      data_format: text("NHWC"),
      ...fused(relu),
    };
    const inputs = [
      x,
      this.graph.constant(`filters${output}`, [layer.size, layer.size, channels, count], filters),
      this.graph.constant(`bias${output}`, [count], bias),
    ];
    return this.graph.op("_FusedConv2D", inputs, attributes, name);
  }

  #maxPool(
    { size, stride, padding }: LayerOf<"max-pool">,
    x: GraphValue,
    name: string | undefined,
  ): GraphValue {
    const g = this.graph;
    const attributes = { ksize: wholes(1, size, size, 1), strides: wholes(1, stride, stride, 1) };
    const same = stride === 1 && padding === (size - 1) / 2;
    if (same) return g.op("MaxPool", [x], { ...attributes, padding: text("SAME") }, name);
    let padded = x;
    if (padding > 0) {
      const sides = Int32Array.of(0, 0, padding, padding, padding, padding, 0, 0);
      const least = g.constant("least", [], Float32Array.of(LEAST));
      padded = g.op("PadV2", [x, g.constant(`sides_${padding}`, [4, 2], sides), least]);
    }
    return g.op("MaxPool", [padded], { ...attributes, padding: text("VALID") }, name);
  }

  #norm({ gamma, beta, mean, variance, epsilon }: LayerOf<"batch-norm">): Affine {
    const means = this.#part(mean);
    const variances = this.#part(variance);
    const scale = this.#part(gamma).map((value, i) => value / Math.sqrt(variances[i]! + epsilon));
    return { scale, shift: this.#part(beta).map((value, i) => value - means[i]! * scale[i]!) };
  }

  #part(name: string): Float32Array {
    return this.#network.parameters.slice(this.#weights, name);
  }

  #shapeOf(name: string): readonly number[] {
    return this.#network.parameters.get(name).shape;
  }
}

/** For each channel, x * scale + shift. */
interface Affine {
  readonly scale: Float32Array;
  readonly shift: Float32Array;
}

function plain(count: number): Affine {
  return { scale: new Float32Array(count).fill(1), shift: new Float32Array(count) };
}

function fused(relu: boolean): Record<string, GraphAttribute> {
  return {
    fused_ops: relu ? texts("BiasAdd", "Relu") : texts("BiasAdd"),
    num_args: { i: "1" },
  };
}

/** [filters, channels, rows, columns] to [rows, columns, channels, filters], each filter times its scale. */
function filtersLast(
  weights: Float32Array,
  count: number,
  channels: number,
  size: number,
  scale: Float32Array,
): Float32Array {
  const last = new Float32Array(weights.length);
  const area = size * size;
  for (let filter = 0; filter < count; filter++) {
    for (let channel = 0; channel < channels; channel++) {
      for (let place = 0; place < area; place++) {
        const value = weights[(filter * channels + channel) * area + place]!;
        last[(place * channels + channel) * count + filter] = value * scale[filter]!;
      }
    }
  }
  return last;
}

function channelsLast(shape: readonly number[]): readonly number[] {
  const [channels, ...sides] = shape;
  return [...sides, channels!];
}
