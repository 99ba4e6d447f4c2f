import { AppError } from "../../base/errors.ts";
import { isTrained, type Network, type Node } from "../graph.ts";
import { OnnxBuilder } from "../onnx/builder.ts";
import { pictureInput } from "../onnx/picture-input.ts";
import { type BatchStatistics, channelSums, normalize, normalizeBackward } from "./batch-norm.ts";
import {
  convolve,
  type FilterForm,
  type FilterSource,
  filterGradient,
  inputGradient,
} from "./convolution.ts";
import { Emitter, type FeatureMap, type MapLayout } from "./emitter.ts";
import type { FilterShape } from "./filters.ts";
import { type MaxPool, maxPool, maxPoolBackward, upsample, upsampleBackward } from "./pooling.ts";
import { reluBackward } from "./relu.ts";
import {
  type GradientValue,
  type GraphValue,
  gradientSides,
  outputGradientInput,
  type PackedFilter,
  plainInput,
  type TrainingGraphs,
} from "./training-graphs.ts";

/**
 * Lowers a network's training step for batches of exactly `batch` pictures.
 *
 * @param block channels of a block in onnxruntime's blocked layout; undefined where it has none
 */
export function lowerTraining(network: Network, batch: number, block: number | undefined): TrainingGraphs {
  const lowering = new Lowering(network, batch, block);
  lowering.forward();
  lowering.backward();
  return lowering.finish();
}

type Phase = "forward" | "backward";
type Rescale = Pick<Extract<Node["layer"], { kind: "rescale" }>, "scale" | "zero">;

class Lowering {
  readonly #network: Network;
  readonly #forward: Emitter;
  readonly #backward: Emitter;
  /** The forward value of each node. */
  readonly #values: FeatureMap[] = [];
  readonly #statistics = new Map<number, BatchStatistics>();
  readonly #consumers: readonly (readonly number[])[];
  /** Nodes with a trained parameter at or before them. */
  readonly #trained: readonly boolean[];
  readonly #outputNodes: ReadonlySet<number>;

  readonly #parameters = new Set<string>();
  readonly #filters = new Map<string, PackedFilter>();
  readonly #recalled = new Map<FeatureMap, FeatureMap>();
  readonly #declared: Record<Phase, Set<string>> = { forward: new Set(), backward: new Set() };
  readonly #saved = new Map<string, GraphValue>();
  readonly #outputs: GraphValue[] = [];
  readonly #ofStatistics: GradientValue[] = [];
  /** What each node's output, and each parameter, has gathered. */
  readonly #gradients = new Map<number, FeatureMap>();
  readonly #parameterGradients = new Map<string, { parts: string[]; filter: FilterShape | undefined }>();

  constructor(network: Network, batch: number, block: number | undefined) {
    this.#network = network;
    this.#forward = new Emitter(new OnnxBuilder("f_"), batch, block);
    this.#backward = new Emitter(new OnnxBuilder("b_"), batch, block);
    this.#outputNodes = new Set(network.outputs.map(({ node }) => node));
    const consumers: number[][] = network.nodes.map(() => []);
    network.nodes.forEach(({ inputs }, place) => {
      for (const input of inputs) consumers[input]!.push(place);
    });
    this.#consumers = consumers;
    const trained: boolean[] = [];
    for (const { layer, inputs } of network.nodes) {
      trained.push("weight" in layer || "gamma" in layer || inputs.some((input) => trained[input]!));
    }
    this.#trained = trained;
  }

  forward(): void {
    const e = this.#forward;
    this.#network.nodes.forEach((node, place) => {
      this.#values.push(this.#forwardNode(e, node, place));
    });
    for (const { node } of this.#network.outputs) {
      const value = this.#values[node]!;
      const shape = [e.batch, ...value.shape];
      const name = e.plain(value);
      e.b.output(name, shape);
      this.#outputs.push({ name, shape });
    }
  }

  backward(): void {
    const e = this.#backward;
    for (const { name, node } of this.#network.outputs) {
      const { shape } = this.#values[node]!;
      const input = e.b.input(outputGradientInput(name), [e.batch, ...shape]);
      this.#addGradient(node, { shape, plain: input });
    }
    for (let place = this.#network.nodes.length - 1; place >= 0; place--) {
      const gradient = this.#gradients.get(place);
      if (gradient === undefined || !this.#trained[place]) continue;
      this.#gradients.delete(place);
      this.#backwardNode(e, this.#network.nodes[place]!, place, gradient);
    }
  }

  finish(): TrainingGraphs {
    const { parameters } = this.#network;
    const e = this.#backward;
    const gradients = [...this.#parameterGradients].map(([parameter, { parts, filter }]) => {
      const name = parts.length === 1 ? parts[0]! : e.b.op("Sum", parts);
      const { shape } = parameters.get(parameter);
      e.b.output(name, filter === undefined ? shape : gradientSides(filter));
      return { parameter, name, filter };
    });
    const reached = new Set(gradients.map(({ parameter }) => parameter));
    const lost = parameters.list.find((parameter) => isTrained(parameter) && !reached.has(parameter.name));
    if (lost !== undefined) throw new AppError("bug", `no output of the network depends on ${lost.name}`);
    return {
      forward: this.#forward.b.encodeGraph(),
      backward: e.b.encodeGraph(),
      parameters: [...this.#parameters],
      filters: [...this.#filters.values()],
      outputs: this.#outputs,
      saved: [...this.#saved.values()],
      statistics: this.#ofStatistics,
      gradients,
    };
  }

  #forwardNode(e: Emitter, { layer, inputs, shape }: Node, place: number): FeatureMap {
    const x = this.#values[inputs[0]!]!;
    const filter: FilterSource = (weight, form) => this.#filter("forward", weight, form);
    const parameter = (name: string): string => this.#parameter("forward", name);
    const relu = this.#reluFollows(place);
    switch (layer.kind) {
      case "input":
        return this.#pictures(e, shape, this.#rescaleOf(place));
      case "rescale":
        if (this.#rescaleOf(inputs[0]!) !== undefined) return x;
        return e.map(
          "plain",
          shape,
          e.b.op("Mul", [this.#moved(e, e.plain(x), layer.zero), e.b.scalar(layer.scale)]),
        );
      case "conv": {
        const bias = layer.bias === undefined ? undefined : parameter(layer.bias);
        return convolve(e, layer, x, shape, filter, bias, relu);
      }
      case "batch-norm": {
        const { y, statistics } = normalize(e, layer, x, parameter(layer.gamma), parameter(layer.beta), relu);
        this.#statistics.set(place, statistics);
        this.#reportStatistic(layer.mean, statistics.mean);
        this.#reportStatistic(layer.variance, statistics.variance);
        return y;
      }
      case "relu":
        return this.#reluFollows(inputs[0]!) ? x : e.elementwise("Relu", x);
      case "max-pool":
        return maxPool(e, layer, x, shape);
      case "upsample":
        return upsample(e, x);
      case "add":
        return e.elementwise("Add", x, this.#values[inputs[1]!]!);
      case "concat": {
        const maps = inputs.map((input) => this.#values[input]!);
        const layout = e.layoutFor(...maps);
        const names = maps.map((map) => e.in(layout, map));
        return e.map(layout, shape, e.b.op("Concat", names, { axis: 1 }));
      }
      case "flatten":
        return { shape, plain: e.b.reshape(e.plain(x), e.batch, ...shape) };
      case "dense": {
        const operands = [e.plain(x), parameter(layer.weight), parameter(layer.bias)];
        return { shape, plain: e.b.op("Gemm", operands) };
      }
    }
  }

  /** Sends a node's gradient to its parameters and inputs. */
  #backwardNode(e: Emitter, { layer, inputs }: Node, place: number, gradient: FeatureMap): void {
    const source = inputs[0]!;
    const shape = this.#network.nodes[source]?.shape ?? [];
    const give = (make: () => FeatureMap): void => {
      if (this.#trained[source]) this.#addGradient(source, make());
    };
    switch (layer.kind) {
      case "input":
      case "rescale":
        // Nothing to learn lies before the pictures' rescaling.
        break;
      case "conv": {
        const sides = this.#filterShape(layer.weight);
        const product = filterGradient(e, layer, this.#recall(source), gradient, sides);
        this.#addParameter(layer.weight, product, sides);
        if (layer.bias !== undefined) this.#addParameter(layer.bias, channelSums(e, gradient));
        const filter: FilterSource = (weight, form) => this.#filter("backward", weight, form);
        give(() => inputGradient(e, layer, gradient, shape, filter));
        break;
      }
      case "batch-norm": {
        const { mean, inverse } = this.#statistics.get(place)!;
        const sides = this.#network.parameters.get(layer.mean).shape;
        const kept = { mean: this.#keep(mean, sides), inverse: this.#keep(inverse, sides) };
        const gamma = this.#parameter("backward", layer.gamma);
        const result = normalizeBackward(e, this.#recall(source), gradient, gamma, kept);
        this.#addParameter(layer.gamma, result.gamma);
        this.#addParameter(layer.beta, result.beta);
        give(() => result.x);
        break;
      }
      case "relu":
        give(() => reluBackward(e, this.#recall(place), gradient));
        break;
      case "max-pool":
        this.#maxPoolBackward(e, layer, source, place, gradient);
        break;
      case "upsample":
        give(() => upsampleBackward(e, gradient));
        break;
      case "add":
        for (const input of inputs) if (this.#trained[input]) this.#addGradient(input, gradient);
        break;
      case "concat":
        this.#splitGradient(e, inputs, gradient);
        break;
      case "flatten":
        give(() => ({ shape, plain: e.b.reshape(e.plain(gradient), e.batch, ...shape) }));
        break;
      case "dense": {
        const output = e.plain(gradient);
        const input = e.plain(this.#recall(source));
        this.#addParameter(layer.weight, e.b.op("Gemm", [input, output], { transA: 1 }));
        this.#addParameter(layer.bias, e.sumOver(output, [0]));
        const weight = this.#parameter("backward", layer.weight);
        give(() => ({ shape, plain: e.b.op("Gemm", [output, weight], { transB: 1 }) }));
        break;
      }
    }
  }

  /** A window's largest number passed the ReLU before it if it is above zero: the mask is had at the pool's own size. */
  #maxPoolBackward(e: Emitter, layer: MaxPool, source: number, place: number, gradient: FeatureMap): void {
    if (!this.#trained[source]) return;
    const [x, y] = [this.#recall(source), this.#recall(place)];
    const { layer: before, inputs } = this.#network.nodes[source]!;
    const alone = this.#consumers[source]!.length === 1 && !this.#outputNodes.has(source);
    if (before.kind === "relu" && alone) {
      this.#addGradient(inputs[0]!, maxPoolBackward(e, layer, x, y, reluBackward(e, y, gradient)));
    } else {
      this.#addGradient(source, maxPoolBackward(e, layer, x, y, gradient));
    }
  }

  #splitGradient(e: Emitter, inputs: readonly number[], gradient: FeatureMap): void {
    const shapes = inputs.map((input) => this.#network.nodes[input]!.shape);
    const blocks = shapes.every(([channels]) => e.canBlock(channels!));
    const layout: MapLayout = blocks ? e.layoutFor(gradient) : "plain";
    const sizes = e.b.wholes(...shapes.map(([channels]) => channels!));
    const names = e.b.ops(inputs.length, "Split", [e.in(layout, gradient), sizes], { axis: 1 });
    inputs.forEach((input, i) => {
      if (this.#trained[input]) this.#addGradient(input, e.map(layout, shapes[i]!, names[i]!));
    });
  }

  /**
   * Pictures as uint8 [batch, height, width, channels] to float32 [batch, channels, height, width], rescaled where a
   * rescaling follows.
   */
  #pictures(
    e: Emitter,
    [channels, height, width]: readonly number[],
    { scale, zero }: Rescale = { scale: 1, zero: 0 },
  ): FeatureMap {
    const shape = [channels!, height!, width!];
    const input = pictureInput(e.b, { channels: channels!, height: height!, width: width! }, e.batch);
    const planes = e.b.op("Transpose", [input], { perm: [0, 3, 1, 2] });
    const scaled = e.b.op("DequantizeLinear", [planes, e.b.scalar(scale)]);
    return e.map("plain", shape, this.#moved(e, scaled, zero * scale));
  }

  #moved(e: Emitter, x: string, zero: number): string {
    return zero === 0 ? x : e.b.op("Sub", [x, e.b.scalar(zero)]);
  }

  /** The rescaling that is all that reads this input, so that both can be computed in one pass. */
  #rescaleOf(place: number): Rescale | undefined {
    const [consumer, ...others] = this.#consumers[place]!;
    const { layer } = this.#network.nodes[consumer!] ?? {};
    const { kind } = this.#network.nodes[place]!.layer;
    return kind === "input" && others.length === 0 && layer?.kind === "rescale" ? layer : undefined;
  }

  /** Whether a ReLU is all that reads this node, so that both can be computed in one pass. */
  #reluFollows(place: number): boolean {
    const { kind } = this.#network.nodes[place]!.layer;
    const [consumer, ...others] = this.#consumers[place]!;
    return (
      (kind === "conv" || kind === "batch-norm") &&
      consumer !== undefined &&
      others.length === 0 &&
      this.#network.nodes[consumer]!.layer.kind === "relu" &&
      !this.#outputNodes.has(place)
    );
  }

  #addGradient(place: number, gradient: FeatureMap): void {
    const known = this.#gradients.get(place);
    const sum = known === undefined ? gradient : this.#backward.elementwise("Add", known, gradient);
    this.#gradients.set(place, sum);
  }

  #addParameter(name: string, part: string, filter?: FilterShape): void {
    const known = this.#parameterGradients.get(name) ?? { parts: [], filter };
    known.parts.push(part);
    this.#parameterGradients.set(name, known);
  }

  /** A forward value as the backward graph sees it: blocked where it exists so. */
  #recall(place: number): FeatureMap {
    const value = this.#values[place]!;
    const known = this.#recalled.get(value);
    if (known !== undefined) return known;
    const layout: MapLayout = value.blocked === undefined ? "plain" : "blocked";
    const name = this.#keep(value[layout]!, [this.#forward.batch, ...value.shape]);
    const recalled = this.#backward.map(layout, value.shape, name);
    this.#recalled.set(value, recalled);
    return recalled;
  }

  /** Lets a value of the forward graph enter the backward graph under its own name. */
  #keep(name: string, shape: readonly number[]): string {
    if (this.#declare("backward", name)) {
      this.#backward.b.input(name, shape);
      const known = [...this.#outputs, ...this.#saved.values()].some((value) => value.name === name);
      const isStatistic = this.#ofStatistics.some((value) => value.name === name);
      if (!known && !isStatistic) {
        this.#forward.b.output(name, shape);
        this.#saved.set(name, { name, shape });
      }
    }
    return name;
  }

  #reportStatistic(parameter: string, name: string): void {
    this.#forward.b.output(name, this.#network.parameters.get(parameter).shape);
    this.#ofStatistics.push({ parameter, name, filter: undefined });
  }

  #parameter(phase: Phase, name: string): string {
    const input = plainInput(name);
    this.#parameters.add(name);
    if (this.#declare(phase, input))
      this.#emitter(phase).b.input(input, this.#network.parameters.get(name).shape);
    return input;
  }

  #filter(phase: Phase, weight: string, form: FilterForm): string {
    if (form === "plain") return this.#parameter(phase, weight);
    const name = `${form}.${weight}`;
    const shape = this.#filterShape(weight);
    const { filters, channels, size } = shape;
    const sides = {
      forward: [filters, channels, size, size],
      backward: [channels, filters, size, size],
      strided: [4 * channels, filters, 2, 2],
    }[form];
    if (!this.#filters.has(name)) this.#filters.set(name, { name, weight, form, shape, sides });
    if (this.#declare(phase, name)) this.#emitter(phase).b.input(name, sides);
    return name;
  }

  #filterShape(weight: string): FilterShape {
    const [filters, channels, size] = this.#network.parameters.get(weight).shape as [number, number, number];
    return { filters, channels, size };
  }

  #emitter(phase: Phase): Emitter {
    return phase === "forward" ? this.#forward : this.#backward;
  }

  /** Whether this is the first time that the graph declares the input. */
  #declare(phase: Phase, name: string): boolean {
    const declared = this.#declared[phase];
    if (declared.has(name)) return false;
    declared.add(name);
    return true;
  }
}
