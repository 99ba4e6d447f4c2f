import type { ParameterLayout } from "../graph.ts";
import type { OnnxBuilder } from "../onnx/builder.ts";
import { convAttributes, lowerLayer, poolAttributes } from "../onnx/inference.ts";
import type { LayerOf } from "../steps.ts";
import { quantizeFilters } from "./filters.ts";
import type { FoldedConvolution } from "./fold.ts";
import { levelConstants, type NamedLevels } from "./levels.ts";
import type { ByteValue, ConvStep, Named, QuantizedForm } from "./lower.ts";

/**
 * The form of files: standard operators only. Computation stands between DequantizeLinear and QuantizeLinear; runtimes
 * that have 8-bit arithmetic fuse the three into it. 8-bit values are [batch, channels, height, width].
 */
export class QdqForm implements QuantizedForm {
  readonly #b: OnnxBuilder;
  readonly #parameters: ParameterLayout;
  readonly #weights: Float32Array;

  constructor(b: OnnxBuilder, parameters: ParameterLayout, weights: Float32Array) {
    this.#b = b;
    this.#parameters = parameters;
    this.#weights = weights;
  }

  quantize(real: string, levels: NamedLevels): string {
    return this.#b.op("QuantizeLinear", [real, ...levelConstants(this.#b, levels)]);
  }

  dequantize({ byte, levels }: ByteValue): string {
    return this.#b.op("DequantizeLinear", [byte, ...levelConstants(this.#b, levels)]);
  }

  maxPool(byte: string, layer: LayerOf<"max-pool">): string {
    return this.#b.op("MaxPool", [byte], poolAttributes(layer));
  }

  upsample(byte: string): string {
    return this.#b.op("Resize", [byte, "", this.#b.floats([1, 1, 2, 2])], {
      mode: "nearest",
      coordinate_transformation_mode: "asymmetric",
      nearest_mode: "floor",
    });
  }

  concat(bytes: readonly string[]): string {
    return this.#b.op("Concat", bytes, { axis: 1 });
  }

  add(parts: readonly ByteValue[], to: NamedLevels): string {
    const reals = parts.map((part) => this.dequantize(part));
    return this.quantize(this.#b.op("Add", reals), to);
  }

  /** Scales and bias are stored under the names of the batch norm that they replace. */
  convolve(x: ByteValue, folded: FoldedConvolution, { layer, norm }: ConvStep, to: NamedLevels): string {
    const b = this.#b;
    const { values, scales, bias } = folded;
    const scale = b.weight(norm?.gamma ?? `${layer.weight}.scale`, [scales.length], scales);
    const offset = b.weight(norm?.beta ?? layer.bias ?? `${layer.weight}.bias`, [bias.length], bias);
    const filters = this.#filters(layer.weight, values, scale, 0);
    return this.quantize(b.op("Conv", [this.dequantize(x), filters, offset], convAttributes(layer)), to);
  }

  predict(x: ByteValue, { layer }: ConvStep, { name }: Named): string {
    return lowerLayer(this.#b, this.#parameters, this.#weights, layer, [this.dequantize(x)], "", name);
  }

  /** Real arithmetic on 8-bit weights: dense layers are most of some files, but little of the time. */
  dense(x: string, layer: LayerOf<"dense">, named: Named): string {
    const units = this.#parameters.get(layer.weight).shape[1]!;
    const part = (name: string): Float32Array => this.#parameters.slice(this.#weights, name);
    const { values, scales } = quantizeFilters(part(layer.weight), units, "innermost");
    const scale = this.#b.weight(`${layer.weight}.scale`, [units], scales);
    const bias = this.#b.weight(layer.bias, [units], part(layer.bias));
    return this.#b.op("Gemm", [x, this.#filters(layer.weight, values, scale, 1), bias], {}, named);
  }

  #filters(name: string, data: Int8Array, scale: string, axis: number): string {
    const { shape } = this.#parameters.get(name);
    const filters = this.#b.tensor({ name, type: "int8", shape, data });
    return this.#b.op("DequantizeLinear", [filters, scale], { axis });
  }
}
