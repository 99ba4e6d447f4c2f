import { AppError } from "../base/errors.ts";
import { type FoldedConv, foldConvolutions } from "./fold.ts";
import type { Layer, Network } from "./graph.ts";
import { encodeInfo, MODEL_INPUT, type ModelInfo } from "./model-file.ts";
import { type HostTensor, hostTensor, openSession } from "./native/runtime.ts";
import { buildNetwork } from "./networks/config.ts";
import { OnnxBuilder } from "./onnx/builder.ts";
import { convAttributes, poolAttributes } from "./onnx/inference.ts";

/** Share of an activation's numbers above its range: they are clipped, and all others get a finer step. */
const CLIPPED_SHARE = 1e-4;
const ACTIVATION_LEVELS = 255;
const WEIGHT_LEVELS = 127;
const HISTOGRAM_BINS = 4096;

/**
 * Post-training quantization to int8 (Jacob et al. 2018): batch norm folded, weights symmetric with a scale for each
 * filter, activations uint8 with ranges seen on `pictures`. Convolutions that answer an output stay float32: their
 * numbers are few and a detection's score hangs on them. The file keeps the form of a float one, with the standard
 * QuantizeLinear and DequantizeLinear around each layer, which runtimes turn into integer kernels.
 *
 * @param pictures about a hundred of those it will see, each uint8 [height, width, channels] of the network's size
 * @returns the bytes of an int8 model file. Throws `input` where there are no pictures or the network has no ReLU
 */
export async function quantizeModel(
  info: ModelInfo,
  weights: Float32Array,
  pictures: readonly Uint8Array[],
): Promise<Uint8Array<ArrayBuffer>> {
  const network = buildNetwork(info.network);
  if (info.network.kind !== "detector") {
    throw new AppError(
      "input",
      `int8 models are made of detectors, and this is a ${info.network.kind} network`,
    );
  }
  if (pictures.length === 0)
    throw new AppError("input", "quantizing needs pictures to measure activations on");
  const convs = foldConvolutions(network, weights);
  const ranges = await measureRanges(network, convs, pictures);
  const b = new OnnxBuilder();
  const { channels, height, width } = network.input;
  const images = b.input(MODEL_INPUT, ["batch", channels, height, width]);
  new QuantizedLowering(b, network, convs, ranges).lower(images);
  return b.encode(encodeInfo({ ...info, format: "int8" }));
}

/** The largest number that each node's value may stand for, nodes of which only positive numbers come out. */
type Ranges = ReadonlyMap<number, number>;

/** Nodes whose values are kept as uint8: results of convolutions with a ReLU, and what is built of such. */
function quantizedNodes(network: Network, convs: ReadonlyMap<number, FoldedConv>): Set<number> {
  const results = new Set([...convs.values()].filter(({ relu }) => relu).map(({ result }) => result));
  const kinds: readonly Layer["kind"][] = ["add", "concat", "max-pool", "upsample"];
  network.nodes.forEach(({ layer, inputs }, place) => {
    if (kinds.includes(layer.kind) && inputs.every((input) => results.has(input))) results.add(place);
  });
  return results;
}

async function measureRanges(
  network: Network,
  convs: ReadonlyMap<number, FoldedConv>,
  pictures: readonly Uint8Array[],
): Promise<Ranges> {
  const { channels, height, width } = network.input;
  const b = new OnnxBuilder();
  const input = b.input("pictures", [1, height, width, channels], "uint8");
  const images = b.op("Cast", [b.op("Transpose", [input], { perm: [0, 3, 1, 2] })], { to: 1 });
  const names = lowerFolded(b, network, convs, images);
  const seen = [...quantizedNodes(network, convs)];
  for (const place of seen) b.output(names[place]!, [1, ...network.nodes[place]!.shape]);
  await using session = await openSession(b.encodeGraph(), { device: "cpu", threads: 1 });
  const values: Record<string, HostTensor> = {};
  for (const place of seen) values[names[place]!] = hostTensor([1, ...network.nodes[place]!.shape]);
  const run = async (
    picture: Uint8Array,
    visit: (place: number, data: Float32Array) => void,
  ): Promise<void> => {
    values.pictures = { type: "uint8", shape: [1, height, width, channels], data: picture };
    await session.run(values);
    for (const place of seen) visit(place, values[names[place]!]!.data as Float32Array);
  };

  const largest = new Map<number, number>();
  for (const picture of pictures) {
    await run(picture, (place, data) => {
      let top = largest.get(place) ?? 1e-6;
      for (const value of data) if (value > top) top = value;
      largest.set(place, top);
    });
  }
  const histograms = new Map(seen.map((place) => [place, new Float64Array(HISTOGRAM_BINS)]));
  for (const picture of pictures) {
    await run(picture, (place, data) => {
      const histogram = histograms.get(place)!;
      const scale = (HISTOGRAM_BINS - 1) / largest.get(place)!;
      for (const value of data) if (value > 0) histogram[Math.floor(value * scale)]!++;
    });
  }
  return new Map(seen.map((place) => [place, rangeOf(histograms.get(place)!, largest.get(place)!)]));
}

/** The end of the bin above which no more than the clipped share of the positive numbers lies. */
function rangeOf(histogram: Float64Array, largest: number): number {
  const all = histogram.reduce((sum, count) => sum + count, 0);
  let above = 0;
  let bin = HISTOGRAM_BINS - 1;
  while (bin > 0 && above + histogram[bin]! <= CLIPPED_SHARE * all) above += histogram[bin--]!;
  return (largest * (bin + 1)) / HISTOGRAM_BINS;
}

/** The folded network in float32. @returns the value of each node; swallowed ones have none */
function lowerFolded(
  b: OnnxBuilder,
  network: Network,
  convs: ReadonlyMap<number, FoldedConv>,
  images: string,
): (string | undefined)[] {
  const values: (string | undefined)[] = [];
  network.nodes.forEach(({ layer, inputs }, place) => {
    const sources = inputs.map((input) => values[input] ?? "");
    if (values[place] !== undefined) return;
    const conv = convs.get(place);
    if (layer.kind === "conv" && conv !== undefined) {
      const y = b.op(
        "Conv",
        [sources[0]!, ...floatWeights(b, network, layer, place, conv)],
        convAttributes(layer),
      );
      values[conv.result] = conv.relu ? b.op("Relu", [y]) : y;
    } else if (layer.kind !== "batch-norm" && layer.kind !== "relu") {
      values[place] = plainLayer(b, layer, sources, images);
    }
  });
  return values;
}

function floatWeights(
  b: OnnxBuilder,
  network: Network,
  layer: Extract<Layer, { kind: "conv" }>,
  place: number,
  { weight, bias }: FoldedConv,
): [string, string] {
  const { shape } = network.parameters.get(layer.weight);
  return [b.weight(`conv${place}.weight`, shape, weight), b.weight(`conv${place}.bias`, [bias.length], bias)];
}

/** Layers without weights, the same in float32 and between quantized values. */
function plainLayer(b: OnnxBuilder, layer: Layer, sources: readonly string[], images: string): string {
  switch (layer.kind) {
    case "input":
      return images;
    case "rescale":
      return b.op("Mul", [sources[0]!, b.scalar(layer.scale)]);
    case "add":
      return b.op("Add", sources);
    case "concat":
      return b.op("Concat", sources, { axis: 1 });
    case "max-pool":
      return b.op("MaxPool", sources, poolAttributes(layer));
    case "upsample":
      return b.op("Resize", [sources[0]!, "", b.floats([1, 1, 2, 2])], {
        mode: "nearest",
        coordinate_transformation_mode: "asymmetric",
        nearest_mode: "floor",
      });
    default:
      throw new AppError("bug", `${layer.kind} is not part of a detector`);
  }
}

/** A value between layers: its float32 name, and the step of its uint8 numbers where it has such. */
interface Value {
  readonly name: string;
  readonly scale: number | undefined;
}

class QuantizedLowering {
  readonly #b: OnnxBuilder;
  readonly #network: Network;
  readonly #convs: ReadonlyMap<number, FoldedConv>;
  readonly #ranges: Ranges;
  readonly #values: Value[] = [];
  /** The whole weights of each filter that is already in the file, by its parameter's name. */
  readonly #stored = new Map<string, Int8Array>();

  constructor(b: OnnxBuilder, network: Network, convs: ReadonlyMap<number, FoldedConv>, ranges: Ranges) {
    this.#b = b;
    this.#network = network;
    this.#convs = convs;
    this.#ranges = ranges;
  }

  lower(images: string): void {
    const outputs = new Map(this.#network.outputs.map(({ name, node }) => [node, name]));
    this.#network.nodes.forEach(({ layer, inputs, shape }, place) => {
      if (this.#values[place] !== undefined || layer.kind === "batch-norm" || layer.kind === "relu") return;
      const sources = inputs.map((input) => this.#values[input]!);
      const conv = this.#convs.get(place);
      if (layer.kind === "conv" && conv !== undefined) {
        const name = outputs.get(place);
        this.#values[conv.result] = this.#conv(layer, place, conv, sources[0]!, name);
        if (name !== undefined) this.#b.output(name, ["batch", ...shape]);
      } else {
        this.#values[place] = this.#between(layer, place, sources, images);
      }
    });
  }

  #between(layer: Layer, place: number, sources: readonly Value[], images: string): Value {
    const b = this.#b;
    // Pictures are whole numbers of 0 to 255: as uint8 they lose nothing, and rescaling is a matter of the step.
    if (layer.kind === "input") return { name: images, scale: undefined };
    if (layer.kind === "rescale") {
      const bytes = b.op("QuantizeLinear", [sources[0]!.name, b.scalar(1), this.#zero()]);
      return this.#dequantized(bytes, layer.scale);
    }
    const name = plainLayer(
      b,
      layer,
      sources.map((source) => source.name),
      images,
    );
    const same = layer.kind === "max-pool" || layer.kind === "upsample" ? sources[0]!.scale : undefined;
    return this.#quantized(name, same ?? this.#ranges.get(place)! / ACTIVATION_LEVELS);
  }

  #conv(
    layer: Extract<Layer, { kind: "conv" }>,
    place: number,
    conv: FoldedConv,
    x: Value,
    output: string | undefined,
  ): Value {
    const b = this.#b;
    const attributes = convAttributes(layer);
    const range = this.#ranges.get(conv.result);
    if (range === undefined || x.scale === undefined) {
      const inputs = [x.name, ...floatWeights(b, this.#network, layer, place, conv)];
      const y = b.op("Conv", inputs, attributes, output === undefined ? {} : { name: output });
      return { name: conv.relu ? b.op("Relu", [y]) : y, scale: undefined };
    }
    const inputs = [x.name, ...this.#integerWeights(layer, place, conv, x.scale)];
    // Values below zero are clipped to the zero of uint8, which is the ReLU.
    return this.#quantized(b.op("Conv", inputs, attributes), range / ACTIVATION_LEVELS);
  }

  /** Weight as int8 with a scale for each filter, bias as int32 in steps of weight scale times input scale. */
  #integerWeights(
    layer: Extract<Layer, { kind: "conv" }>,
    place: number,
    { weight, bias }: FoldedConv,
    inputScale: number,
  ): [string, string] {
    const b = this.#b;
    const filters = bias.length;
    const area = weight.length / filters;
    const scales = Array.from({ length: filters }, (_, o) => {
      let top = 1e-9;
      for (let i = o * area; i < (o + 1) * area; i++) top = Math.max(top, Math.abs(weight[i]!));
      return top / WEIGHT_LEVELS;
    });
    const whole = Int8Array.from(weight, (value, i) => Math.round(value / scales[Math.floor(i / area)]!));
    const biasScales = scales.map((scale) => scale * inputScale);
    const wholeBias = Int32Array.from(bias, (value, o) => Math.round(value / biasScales[o]!));
    const w = [this.#wholeWeights(layer.weight, place, whole), b.floats(scales)];
    const c = [
      b.tensor({ name: `conv${place}.bias`, type: "int32", shape: [filters], data: wholeBias }),
      b.floats(biasScales),
    ];
    return [b.op("DequantizeLinear", w, { axis: 0 }), b.op("DequantizeLinear", c, { axis: 0 })];
  }

  /**
   * Convolutions that share weights differ in their batch norms only, which change the scales and not the whole
   * numbers: those are stored once, unless a negative gamma turned some around.
   */
  #wholeWeights(weight: string, place: number, whole: Int8Array): string {
    const known = this.#stored.get(weight);
    if (known?.every((value, i) => Math.abs(value - whole[i]!) <= 1)) return weight;
    const name = known === undefined ? weight : `conv${place}.weight`;
    if (known === undefined) this.#stored.set(weight, whole);
    const { shape } = this.#network.parameters.get(weight);
    return this.#b.tensor({ name, type: "int8", shape, data: whole });
  }

  #quantized(name: string, scale: number): Value {
    const bytes = this.#b.op("QuantizeLinear", [name, this.#b.scalar(scale), this.#zero()]);
    return this.#dequantized(bytes, scale);
  }

  #dequantized(bytes: string, scale: number): Value {
    const inputs = [bytes, this.#b.scalar(scale), this.#zero()];
    return { name: this.#b.op("DequantizeLinear", inputs), scale };
  }

  #zero(): string {
    return this.#b.tensor({ name: "zero", type: "uint8", shape: [], data: new Uint8Array(1) });
  }
}
