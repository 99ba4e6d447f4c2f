import { AppError } from "../base/errors.ts";
import type { Random } from "../base/random.ts";

/**
 * A network as a graph of typed layers, without a word on how it is computed: executors lower it to their own form.
 * Shapes leave out the batch: [channels, height, width] or [features].
 */
export interface Network {
  readonly nodes: readonly Node[];
  /** What the network answers, in the order in which executors return it. */
  readonly outputs: readonly Output[];
  readonly parameters: ParameterLayout;
  /** Pictures as they enter: uint8 [batch, height, width, channels], 0 to 255. */
  readonly input: { readonly channels: 1 | 3; readonly height: number; readonly width: number };
}

export type Shape = readonly number[];

export interface Output {
  readonly name: string;
  readonly node: number;
}

/** One layer. `inputs` are places in `Network.nodes`, always smaller than the node's own. */
export interface Node {
  readonly layer: Layer;
  readonly inputs: readonly number[];
  readonly shape: Shape;
}

/** Names of parameters are places in the layout; a name used by two nodes is one shared parameter. */
export type Layer =
  | { readonly kind: "input" }
  /** (x - zero) * scale: pictures of 0..255 to 0..1, or to numbers about 0 */
  | { readonly kind: "rescale"; readonly scale: number; readonly zero: number }
  /** SAME padding of (size - 1) / 2 on each side; weights [filters, channels, size, size]. */
  | {
      readonly kind: "conv";
      readonly size: 1 | 3;
      readonly stride: 1 | 2;
      readonly weight: string;
      readonly bias: string | undefined;
    }
  /** Per channel; `momentum` is the share of the new batch in the running mean and (biased) variance. */
  | {
      readonly kind: "batch-norm";
      readonly epsilon: number;
      readonly momentum: number;
      readonly gamma: string;
      readonly beta: string;
      readonly mean: string;
      readonly variance: string;
    }
  | { readonly kind: "relu" }
  /** Padding counts as minus infinity; `padding` on each side. Stride 1 keeps the size when padding = (size - 1) / 2. */
  | { readonly kind: "max-pool"; readonly size: number; readonly stride: number; readonly padding: number }
  /** Nearest neighbour, twice as wide and high. */
  | { readonly kind: "upsample" }
  /** Two inputs of the same shape. */
  | { readonly kind: "add" }
  /** Along the channels. */
  | { readonly kind: "concat" }
  /** [C, H, W] to [C * H * W], channels outermost. */
  | { readonly kind: "flatten" }
  /** weights [features, units] */
  | { readonly kind: "dense"; readonly weight: string; readonly bias: string };

/**
 * What a parameter is to its layer. `mean` and `variance` are running statistics: not trained by gradient, but moved
 * toward the batch's, and averaged between workers like gradients are.
 */
export type ParameterRole = "weight" | "bias" | "gamma" | "beta" | "mean" | "variance";

export interface Parameter {
  readonly name: string;
  readonly role: ParameterRole;
  readonly shape: Shape;
  /** Place of the first number in the weight vector. */
  readonly offset: number;
  readonly size: number;
  readonly start: Start;
}

/** How a parameter begins: He normal (He et al. 2015, fan in), a normal of given deviation, or constants. */
export type Start =
  | { readonly kind: "he"; readonly fanIn: number }
  | { readonly kind: "normal"; readonly deviation: number }
  | { readonly kind: "constant"; readonly values: readonly number[] };

/**
 * Every parameter's place in one flat float32 vector: the trained ones first (`trainedCount` numbers), then the
 * running statistics. Weights, gradients and optimizer state all use these places. A gradient vector holds the
 * batch's own mean and variance where the weight vector holds the running ones.
 */
export class ParameterLayout {
  readonly list: readonly Parameter[];
  readonly trainedCount: number;
  readonly totalCount: number;
  readonly #byName: ReadonlyMap<string, Parameter>;

  constructor(list: readonly Parameter[]) {
    this.list = list;
    this.#byName = new Map(list.map((parameter) => [parameter.name, parameter]));
    this.totalCount = list.reduce((sum, { size }) => sum + size, 0);
    this.trainedCount = list.filter(isTrained).reduce((sum, { size }) => sum + size, 0);
  }

  get(name: string): Parameter {
    const parameter = this.#byName.get(name);
    if (parameter === undefined) throw new AppError("bug", `the network has no parameter ${name}`);
    return parameter;
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** The parameter's part of a vector in this layout, as a view. */
  slice(vector: Float32Array, name: string): Float32Array {
    const { offset, size } = this.get(name);
    return vector.subarray(offset, offset + size);
  }

  /** A fresh weight vector; each parameter draws from its own stream, so adding one changes no other. */
  start(random: (name: string) => Random): Float32Array {
    const vector = new Float32Array(this.totalCount);
    for (const { name, start, offset, size } of this.list) {
      const source = random(name);
      for (let i = 0; i < size; i++) vector[offset + i] = startValue(start, i, source);
    }
    return vector;
  }
}

export function isTrained(parameter: Parameter): boolean {
  return parameter.role !== "mean" && parameter.role !== "variance";
}

function startValue(start: Start, place: number, random: Random): number {
  if (start.kind === "he") return random.normal() * Math.sqrt(2 / start.fanIn);
  if (start.kind === "normal") return random.normal() * start.deviation;
  return start.values[place % start.values.length]!;
}

/** A node while the network is being built. */
export interface Ref {
  readonly place: number;
  readonly shape: Shape;
}

/** Builds a network layer by layer; names of layers become names of parameters (`stem.weight`). */
export class GraphBuilder {
  readonly #nodes: Node[] = [];
  readonly #outputs: Output[] = [];
  readonly #parameters = new Map<string, Omit<Parameter, "offset">>();
  #input: Network["input"] | undefined;

  input(channels: 1 | 3, height: number, width: number): Ref {
    this.#input = { channels, height, width };
    return this.#add({ kind: "input" }, [], [channels, height, width]);
  }

  rescale(x: Ref, scale: number, zero = 0): Ref {
    return this.#add({ kind: "rescale", scale, zero }, [x], x.shape);
  }

  /**
   * @param name the layer's; two convolutions of one name share their weights
   * @param options `bias` adds one a filter, with its start values; `start` is He by default
   */
  conv(
    x: Ref,
    name: string,
    filters: number,
    size: 1 | 3,
    { stride = 1, bias, start }: { stride?: 1 | 2; bias?: readonly number[]; start?: Start } = {},
  ): Ref {
    const [channels, height, width] = spatial(x);
    const weight = `${name}.weight`;
    const fanIn = channels * size * size;
    this.#parameter(weight, "weight", [filters, channels, size, size], start ?? { kind: "he", fanIn });
    if (bias !== undefined) this.#parameter(`${name}.bias`, "bias", [filters], constant(...bias));
    const layer: Layer = {
      kind: "conv",
      size,
      stride,
      weight,
      bias: bias === undefined ? undefined : `${name}.bias`,
    };
    return this.#add(layer, [x], [filters, Math.ceil(height / stride), Math.ceil(width / stride)]);
  }

  batchNorm(x: Ref, name: string, { epsilon = 1e-3, momentum = 0.03 } = {}): Ref {
    const [channels] = spatial(x);
    const part = (role: ParameterRole, value: number): string => {
      this.#parameter(`${name}.${role}`, role, [channels], constant(value));
      return `${name}.${role}`;
    };
    const names = { gamma: part("gamma", 1), beta: part("beta", 0) };
    const statistics = { mean: part("mean", 0), variance: part("variance", 1) };
    return this.#add({ kind: "batch-norm", epsilon, momentum, ...names, ...statistics }, [x], x.shape);
  }

  relu(x: Ref): Ref {
    return this.#add({ kind: "relu" }, [x], x.shape);
  }

  maxPool(x: Ref, size: number, stride: number, padding = 0): Ref {
    const [channels, height, width] = spatial(x);
    const after = (side: number): number => Math.floor((side + 2 * padding - size) / stride) + 1;
    return this.#add(
      { kind: "max-pool", size, stride, padding },
      [x],
      [channels, after(height), after(width)],
    );
  }

  upsample(x: Ref): Ref {
    const [channels, height, width] = spatial(x);
    return this.#add({ kind: "upsample" }, [x], [channels, 2 * height, 2 * width]);
  }

  add(a: Ref, b: Ref): Ref {
    if (a.shape.join() !== b.shape.join()) throw new AppError("bug", `add of [${a.shape}] and [${b.shape}]`);
    return this.#add({ kind: "add" }, [a, b], a.shape);
  }

  concat(parts: readonly Ref[]): Ref {
    const [, height, width] = spatial(parts[0]!);
    const channels = parts.reduce((sum, part) => sum + spatial(part)[0], 0);
    return this.#add({ kind: "concat" }, parts, [channels, height, width]);
  }

  flatten(x: Ref): Ref {
    return this.#add({ kind: "flatten" }, [x], [x.shape.reduce((product, side) => product * side, 1)]);
  }

  /** @param start He by default */
  dense(x: Ref, name: string, units: number, start?: Start): Ref {
    const features = x.shape[0]!;
    if (x.shape.length !== 1) throw new AppError("bug", `dense ${name} needs a flat input, got [${x.shape}]`);
    this.#parameter(`${name}.weight`, "weight", [features, units], start ?? { kind: "he", fanIn: features });
    this.#parameter(`${name}.bias`, "bias", [units], constant(0));
    return this.#add({ kind: "dense", weight: `${name}.weight`, bias: `${name}.bias` }, [x], [units]);
  }

  output(name: string, x: Ref): void {
    this.#outputs.push({ name, node: x.place });
  }

  build(): Network {
    if (this.#input === undefined || this.#outputs.length === 0) {
      throw new AppError("bug", "a network needs an input and an output");
    }
    const all = [...this.#parameters.values()] as Parameter[];
    let offset = 0;
    const placed = [...all.filter(isTrained), ...all.filter((one) => !isTrained(one))].map((parameter) => {
      const place = offset;
      offset += parameter.size;
      return { ...parameter, offset: place };
    });
    return {
      nodes: this.#nodes,
      outputs: this.#outputs,
      parameters: new ParameterLayout(placed),
      input: this.#input,
    };
  }

  #add(layer: Layer, inputs: readonly Ref[], shape: Shape): Ref {
    this.#nodes.push({ layer, inputs: inputs.map(({ place }) => place), shape });
    return { place: this.#nodes.length - 1, shape };
  }

  #parameter(name: string, role: ParameterRole, shape: Shape, start: Start): void {
    const known = this.#parameters.get(name);
    if (known === undefined) {
      const size = shape.reduce((product, side) => product * side, 1);
      this.#parameters.set(name, { name, role, shape, size, start });
    } else if (known.shape.join() !== shape.join()) {
      throw new AppError("bug", `parameter ${name} is [${known.shape}] and [${shape}]`);
    }
  }
}

function constant(...values: number[]): Start {
  return { kind: "constant", values };
}

function spatial(x: Ref): [channels: number, height: number, width: number] {
  const [channels, height, width] = x.shape;
  if (channels === undefined || height === undefined || width === undefined) {
    throw new AppError("bug", `a picture-like input is needed, got [${x.shape}]`);
  }
  return [channels, height, width];
}
