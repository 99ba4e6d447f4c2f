import type { ParameterLayout } from "../graph.ts";
import type { OnnxBuilder } from "../onnx/builder.ts";
import { convAttributes, lowerLayer, poolAttributes } from "../onnx/inference.ts";
import type { OnnxTensor } from "../onnx/model.ts";
import type { LayerOf, Step } from "../steps.ts";
import { filterWeights, quantizeFilters } from "./filters.ts";
import { type FoldedConvolution, wholeBias } from "./fold.ts";
import { levelConstants, type NamedLevels } from "./levels.ts";
import type { ByteValue, ConvStep, Named, QuantizedForm } from "./lower.ts";

const ONNXRUNTIME = { domain: "com.microsoft" } as const;
const TO_CHANNELS_FIRST = [0, 3, 1, 2];
const TO_CHANNELS_LAST = [0, 2, 3, 1];

/**
 * The form that onnxruntime computes fastest, in its own operators: 8-bit values are [batch, height, width, channels],
 * as pictures are and as its 8-bit convolutions want them.
 */
export class ChannelsLastForm implements QuantizedForm {
  readonly #b: OnnxBuilder;
  readonly #parameters: ParameterLayout;
  readonly #weights: Float32Array;
  readonly #input: { readonly height: number; readonly width: number };

  constructor(
    b: OnnxBuilder,
    parameters: ParameterLayout,
    weights: Float32Array,
    input: { readonly height: number; readonly width: number },
  ) {
    this.#b = b;
    this.#parameters = parameters;
    this.#weights = weights;
    this.#input = input;
  }

  quantize(real: string, levels: NamedLevels): string {
    const bytes = this.#b.op("QuantizeLinear", [real, ...levelConstants(this.#b, levels)]);
    return this.#b.op("Transpose", [bytes], { perm: TO_CHANNELS_LAST });
  }

  dequantize({ byte, levels }: ByteValue): string {
    const bytes = this.#b.op("Transpose", [byte], { perm: TO_CHANNELS_FIRST });
    return this.#b.op("DequantizeLinear", [bytes, ...levelConstants(this.#b, levels)]);
  }

  maxPool(byte: string, layer: LayerOf<"max-pool">): string {
    return this.#b.op("NhwcMaxPool", [byte], poolAttributes(layer), ONNXRUNTIME);
  }

  /**
   * Each pixel next to itself, then each row below itself: copies of whole pixels and rows, where Resize goes number
   * by number.
   */
  upsample(byte: string, [channels, height, width]: Step["shape"]): string {
    const b = this.#b;
    const wide = b.op("Concat", [byte, byte], { axis: 3 });
    const rows = b.reshape(wide, -1, height! / 2, width! * channels!);
    return b.reshape(b.op("Concat", [rows, rows], { axis: 2 }), -1, height!, width!, channels!);
  }

  concat(bytes: readonly string[]): string {
    return this.#b.op("Concat", bytes, { axis: 3 });
  }

  add(parts: readonly ByteValue[], to: NamedLevels): string {
    const operands = parts.flatMap(({ byte, levels }) => [byte, ...levelConstants(this.#b, levels)]);
    return this.#b.op("QLinearAdd", [...operands, ...levelConstants(this.#b, to)], {}, ONNXRUNTIME);
  }

  convolve(
    x: ByteValue,
    folded: FoldedConvolution,
    { layer, shape: output }: ConvStep,
    to: NamedLevels,
  ): string {
    const { shape } = this.#parameters.get(layer.weight);
    const [, height, width] = output;
    if (
      shape[1] === 3 &&
      layer.size === 3 &&
      layer.stride === 2 &&
      this.#input.width === 2 * width! &&
      width! % 2 === 0
    ) {
      return this.#stem(x, folded, height!, width!, to);
    }
    const filters: OnnxTensor = { name: `${to.name}.filters`, type: "int8", shape, data: folded.values };
    return this.#convolution(x, filters, folded, to, convAttributes(layer));
  }

  /**
   * 3 channels are too few for the fast kernels, 12 are not: four pixels of a row are taken as one of 12 channels,
   * which is the same memory under another shape, and two output pixels as one of twice the channels. Half of the
   * weights are then zero, and it is still three times as fast.
   */
  #stem(x: ByteValue, folded: FoldedConvolution, height: number, width: number, to: NamedLevels): string {
    const b = this.#b;
    const count = folded.scales.length;
    const filters: OnnxTensor = {
      name: `${to.name}.filters`,
      type: "int8",
      shape: [2 * count, 12, 3, 2],
      data: pixelGroupFilters(folded.values, count),
    };
    const twice = {
      values: filters.data as Int8Array,
      scales: Float32Array.from([...folded.scales, ...folded.scales]),
      bias: Float32Array.from([...folded.bias, ...folded.bias]),
    };
    const groups = { ...x, byte: b.reshape(x.byte, -1, 2 * height, width / 2, 12) };
    const attributes = { kernel_shape: [3, 2], strides: [2, 1], pads: [1, 1, 0, 0] };
    return b.reshape(this.#convolution(groups, filters, twice, to, attributes), -1, height, width, count);
  }

  #convolution(
    x: ByteValue,
    filters: OnnxTensor,
    folded: FoldedConvolution,
    to: NamedLevels,
    attributes: Readonly<Record<string, readonly number[]>>,
  ): string {
    const b = this.#b;
    const count = folded.scales.length;
    const inputs = [
      x.byte,
      ...levelConstants(b, x.levels),
      b.tensor(filters),
      b.weight(`${to.name}.filter_scales`, [count], folded.scales),
      b.tensor({ name: "filter_zero_point", type: "int8", shape: [], data: Int8Array.of(0) }),
      ...levelConstants(b, to),
      b.tensor({ name: `${to.name}.bias`, type: "int32", shape: [count], data: wholeBias(folded, x.levels) }),
    ];
    return b.op("QLinearConv", inputs, { ...attributes, channels_last: 1 }, ONNXRUNTIME);
  }

  /** A convolution of 1x1 over channels that lie together is a matrix product. */
  predict(x: ByteValue, { layer, shape }: ConvStep, named: Named): string {
    const b = this.#b;
    if (layer.size !== 1 || layer.stride !== 1 || layer.bias === undefined) {
      return lowerLayer(b, this.#parameters, this.#weights, layer, [this.dequantize(x)], "", named.name);
    }
    const real = b.op("DequantizeLinear", [x.byte, ...levelConstants(b, x.levels)]);
    const part = (name: string): Float32Array => this.#parameters.slice(this.#weights, name);
    const filterCount = shape[0]!;
    const matrix = transposed(part(layer.weight), filterCount);
    const product = b.op("MatMul", [
      real,
      b.weight(`${layer.weight}.matrix`, [matrix.length / filterCount, filterCount], matrix),
    ]);
    const sum = b.op("Add", [product, b.weight(layer.bias, [filterCount], part(layer.bias))]);
    return b.op("Transpose", [sum], { perm: TO_CHANNELS_FIRST }, named);
  }

  /** The weights are rounded as the file's are, and real. */
  dense(x: string, layer: LayerOf<"dense">, named: Named): string {
    const { shape } = this.#parameters.get(layer.weight);
    const part = (name: string): Float32Array => this.#parameters.slice(this.#weights, name);
    const { values, scales } = quantizeFilters(part(layer.weight), shape[1]!, "innermost");
    const weight = this.#b.weight(layer.weight, shape, filterWeights(values, scales, "innermost"));
    const bias = this.#b.weight(layer.bias, [shape[1]!], part(layer.bias));
    return this.#b.op("Gemm", [x, weight, bias], {}, named);
  }
}

/**
 * Filters [count, 3, 3, 3] that move by two pixels, for groups of four pixels: [2 * count, 12, 3, 2]. The window is
 * the group to the left, of which only the last pixel counts, and the group itself; the first `count` filters answer
 * for its left pair of pixels, the others for its right.
 */
function pixelGroupFilters(values: Int8Array, count: number): Int8Array {
  const groups = new Int8Array(2 * count * 12 * 3 * 2);
  for (let pair = 0; pair < 2; pair++) {
    for (let filter = 0; filter < count; filter++) {
      for (let channel = 0; channel < 3; channel++) {
        for (let row = 0; row < 3; row++) {
          for (let column = 0; column < 3; column++) {
            // Pixels from the left end of the window of two groups.
            const pixel = 4 + 2 * pair - 1 + column;
            const place = (pixel % 4) * 3 + channel;
            const to = ((pair * count + filter) * 12 + place) * 6 + row * 2 + Math.floor(pixel / 4);
            groups[to] = values[((filter * 3 + channel) * 3 + row) * 3 + column]!;
          }
        }
      }
    }
  }
  return groups;
}

/** [filters, channels] to [channels, filters]. */
function transposed(weights: Float32Array, filterCount: number): Float32Array {
  const channels = weights.length / filterCount;
  return Float32Array.from(
    weights,
    (_, i) => weights[(i % filterCount) * channels + Math.floor(i / filterCount)]!,
  );
}
