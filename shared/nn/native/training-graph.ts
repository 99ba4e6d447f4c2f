import { AppError } from "../../base/errors.ts";
import { isTrained, type Network, type Node, type Shape } from "../graph.ts";
import { OnnxBuilder } from "../onnx/builder.ts";
import { type BatchStatistics, channelSums, normalize, normalizeBackward } from "./batch-norm.ts";
import { convolve, type FilterForm, type FilterSource, inputGradient } from "./convolution.ts";
import { Emitter, type FeatureMap, type MapLayout, type Pieces } from "./emitter.ts";
import { filterGradient } from "./filter-gradient.ts";
import type { FilterShape } from "./filters.ts";
import { enterPictures, type Rescale, rescaled } from "./pictures.ts";
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

class Lowering {
  readonly #network: Network;
  readonly #forward: Emitter;
  readonly #backward: Emitter;
  /** The forward value of each node. */
  readonly #values: Pieces[] = [];
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
  readonly #gradients = new Map<number, Pieces>();
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
      this.#values.push(e.regroup(this.#forwardNode(e, node, place), this.#pieceCount(place)));
    });
    for (const { node } of this.#network.outputs) {
      const [value] = e.regroup(this.#values[node]!, 1);
      const shape = [e.batch, ...value!.shape];
      const name = e.plain(value!);
      e.b.output(name, shape);
      this.#outputs.push({ name, shape });
    }
  }

  backward(): void {
    const e = this.#backward;
    for (const { name, node } of this.#network.outputs) {
      const { shape } = this.#network.nodes[node]!;
      const input = e.b.input(outputGradientInput(name), [e.batch, ...shape]);
      this.#addGradient(node, [{ shape, pictures: e.batch, plain: input }]);
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
    // onnxruntime computes first what the last of a graph's results needs. Each filter's gradient is to be had as soon
    // as it can be: later the values it reads have left the cache, and must all be kept until then.
    const gradients = [...this.#parameterGradients].reverse().map(([parameter, { parts, filter }]) => {
      const sides = filter === undefined ? parameters.get(parameter).shape : gradientSides(filter);
      const last = filter !== undefined && parts.length === 1;
      const name = last ? e.b.reshape(parts[0]!, ...sides) : e.sum(parts);
      e.b.output(name, sides);
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

  #forwardNode(e: Emitter, { layer, inputs, shape }: Node, place: number): Pieces {
    const count = Math.max(this.#pieceCount(place), ...inputs.map((input) => this.#values[input]!.length));
    const operands = inputs.map((input) => e.regroup(this.#values[input]!, count));
    const x = operands[0] ?? [];
    const filter: FilterSource = (weight, form) => this.#filter("forward", weight, form);
    const parameter = (name: string): string => this.#parameter("forward", name);
    const relu = this.#reluFollows(place);
    switch (layer.kind) {
      case "input":
        return enterPictures(e, shape, count, this.#rescaleOf(place));
      case "rescale":
        if (this.#rescaleOf(inputs[0]!) !== undefined) return x;
        return x.map((piece) => e.map("plain", piece, shape, rescaled(e, e.plain(piece), layer)));
      case "conv": {
        const bias = layer.bias === undefined ? undefined : parameter(layer.bias);
        return x.map((piece) => convolve(e, layer, piece, shape, filter, bias, relu));
      }
      case "batch-norm": {
        const { y, statistics } = normalize(e, layer, x, parameter(layer.gamma), parameter(layer.beta), relu);
        this.#statistics.set(place, statistics);
        this.#reportStatistic(layer.mean, statistics.mean);
        this.#reportStatistic(layer.variance, statistics.variance);
        return y;
      }
      case "relu":
        return this.#reluFollows(inputs[0]!) ? x : x.map((piece) => e.elementwise("Relu", piece));
      case "max-pool":
        return x.map((piece) => maxPool(e, layer, piece, shape));
      case "upsample":
        return x.map((piece) => upsample(e, piece));
      case "add":
        return x.map((piece, i) => e.elementwise("Add", piece, operands[1]![i]!));
      case "concat":
        return x.map((piece, i) => {
          const maps = operands.map((operand) => operand[i]!);
          const layout = e.layoutFor(...maps);
          const names = maps.map((map) => e.in(layout, map));
          return e.map(layout, piece, shape, e.b.op("Concat", names, { axis: 1 }));
        });
      case "flatten":
        return x.map((piece) => flattened(e, piece, shape));
      case "dense":
        return x.map((piece) => {
          const operands = [e.plain(piece), parameter(layer.weight), parameter(layer.bias)];
          return e.map("plain", piece, shape, e.b.op("Gemm", operands));
        });
    }
  }

  /** Sends a node's gradient to its parameters and inputs. */
  #backwardNode(e: Emitter, { layer, inputs }: Node, place: number, known: Pieces): void {
    const source = inputs[0]!;
    const shape = this.#network.nodes[source]?.shape ?? [];
    const count = Math.max(known.length, ...inputs.map((input) => this.#values[input]!.length));
    const gradient = e.regroup(known, count);
    const recall = (place: number): Pieces => e.regroup(this.#recall(place), count);
    const give = (make: (gradient: FeatureMap, piece: number) => FeatureMap): void => {
      if (this.#trained[source]) this.#addGradient(source, gradient.map(make));
    };
    switch (layer.kind) {
      case "input":
      case "rescale":
        // Nothing to learn lies before the pictures' rescaling.
        break;
      case "conv": {
        const x = recall(source);
        const products = gradient.map((piece, i) => filterGradient(e, layer, x[i]!, piece));
        this.#addParameter(layer.weight, products, this.#filterShape(layer.weight));
        if (layer.bias !== undefined) {
          const sums = gradient.map((piece) => channelSums(e, piece));
          this.#addParameter(layer.bias, sums);
        }
        const filter: FilterSource = (weight, form) => this.#filter("backward", weight, form);
        const gathered = this.#gradients.get(source);
        const plus = gathered && e.regroup(gathered, count);
        if (this.#trained[source]) this.#gradients.delete(source);
        give((piece, i) => inputGradient(e, layer, piece, shape, filter, plus?.[i]));
        break;
      }
      case "batch-norm": {
        const { mean, inverse } = this.#statistics.get(place)!;
        const sides = this.#network.parameters.get(layer.mean).shape;
        const kept = { mean: this.#keep(mean, sides), inverse: this.#keep(inverse, sides) };
        const gamma = this.#parameter("backward", layer.gamma);
        const result = normalizeBackward(e, recall(source), gradient, gamma, kept);
        this.#addParameter(layer.gamma, [result.gamma]);
        this.#addParameter(layer.beta, [result.beta]);
        give((_, i) => result.x[i]!);
        break;
      }
      case "relu": {
        const y = recall(place);
        give((piece, i) => reluBackward(e, y[i]!, piece));
        break;
      }
      case "max-pool":
        this.#maxPoolBackward(e, layer, source, recall(source), recall(place), gradient);
        break;
      case "upsample":
        give((piece) => upsampleBackward(e, piece));
        break;
      case "add":
        for (const input of inputs) if (this.#trained[input]) this.#addGradient(input, gradient);
        break;
      case "concat":
        this.#splitGradient(e, inputs, gradient);
        break;
      case "flatten":
        give((piece) => flattened(e, piece, shape));
        break;
      case "dense": {
        const x = recall(source);
        const products = gradient.map((piece, i) =>
          e.b.op("Gemm", [e.plain(x[i]!), e.plain(piece)], { transA: 1 }),
        );
        this.#addParameter(layer.weight, products);
        const sums = gradient.map((piece) => e.sumOver(e.plain(piece), [0]));
        this.#addParameter(layer.bias, sums);
        const weight = this.#parameter("backward", layer.weight);
        give((piece) =>
          e.map("plain", piece, shape, e.b.op("Gemm", [e.plain(piece), weight], { transB: 1 })),
        );
        break;
      }
    }
  }

  /** A window's largest number passed the ReLU before it if it is above zero: the mask is had at the pool's own size. */
  #maxPoolBackward(e: Emitter, layer: MaxPool, source: number, x: Pieces, y: Pieces, gradient: Pieces): void {
    if (!this.#trained[source]) return;
    const { layer: before, inputs } = this.#network.nodes[source]!;
    const alone = this.#consumers[source]!.length === 1 && !this.#outputNodes.has(source);
    const masks = before.kind === "relu" && alone;
    const onInput = gradient.map((piece, i) => {
      const open = masks ? reluBackward(e, y[i]!, piece) : piece;
      return maxPoolBackward(e, layer, x[i]!, y[i]!, open);
    });
    this.#addGradient(masks ? inputs[0]! : source, onInput);
  }

  #splitGradient(e: Emitter, inputs: readonly number[], gradient: Pieces): void {
    const shapes = inputs.map((input) => this.#network.nodes[input]!.shape);
    const blocks = shapes.every(([channels]) => e.canBlock(channels!));
    const layout: MapLayout = blocks ? e.layoutFor(...gradient) : "plain";
    const sizes = e.b.wholes(...shapes.map(([channels]) => channels!));
    const parts = gradient.map((piece) =>
      e.b
        .ops(inputs.length, "Split", [e.in(layout, piece), sizes], { axis: 1 })
        .map((name, i) => e.map(layout, piece, shapes[i]!, name)),
    );
    inputs.forEach((input, i) => {
      if (this.#trained[input])
        this.#addGradient(
          input,
          parts.map((part) => part[i]!),
        );
    });
  }

  /** Pictures of the first layers come in the pieces in which those who read them compute. */
  #pieceCount(place: number): number {
    const { layer, shape } = this.#network.nodes[place]!;
    if (layer.kind !== "input" && layer.kind !== "rescale") return this.#forward.pieceCount(shape);
    return Math.max(1, ...this.#consumers[place]!.map((consumer) => this.#pieceCount(consumer)));
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

  #addGradient(place: number, gradient: Pieces): void {
    const e = this.#backward;
    const known = this.#gradients.get(place);
    const pieces = e.regroup(gradient, this.#values[place]!.length);
    const sum =
      known === undefined ? pieces : pieces.map((piece, i) => e.elementwise("Add", known[i]!, piece));
    this.#gradients.set(place, sum);
  }

  #addParameter(name: string, parts: readonly string[], filter?: FilterShape): void {
    const known = this.#parameterGradients.get(name) ?? { parts: [], filter };
    known.parts.push(...parts);
    this.#parameterGradients.set(name, known);
  }

  /** A forward value as the backward graph sees it: blocked where it exists so. */
  #recall(place: number): Pieces {
    return this.#values[place]!.map((piece) => {
      const known = this.#recalled.get(piece);
      if (known !== undefined) return known;
      const layout: MapLayout = piece.blocked === undefined ? "plain" : "blocked";
      const name = this.#keep(piece[layout]!, [piece.pictures, ...piece.shape]);
      const recalled = this.#backward.map(layout, piece, piece.shape, name);
      this.#recalled.set(piece, recalled);
      return recalled;
    });
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

/** Features of a map, or the other way. */
function flattened(e: Emitter, map: FeatureMap, shape: Shape): FeatureMap {
  return e.map("plain", map, shape, e.b.reshape(e.plain(map), map.pictures, ...shape));
}
