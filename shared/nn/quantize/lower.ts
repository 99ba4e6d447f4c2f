import { AppError } from "../../base/errors.ts";
import type { Network, ParameterLayout } from "../graph.ts";
import type { OnnxBuilder } from "../onnx/builder.ts";
import { convAttributes, lowerLayer, poolAttributes } from "../onnx/inference.ts";
import { type LayerOf, type Step, stepsOf } from "../steps.ts";
import { type Activations, isQuantizedConv, type Levels, PICTURE_LEVELS } from "./activations.ts";
import { quantizeFilters } from "./filters.ts";

/** A value in the graph being written: as real numbers, as 8-bit levels, or both. */
interface Value {
  float?: string;
  byte?: string;
  readonly levels: NamedLevels | undefined;
}

interface NamedLevels extends Levels {
  /** Of the two constants in the file. */
  readonly name: string;
}

/** Names of the constants that hold a value's levels. */
export function levelNames(name: string): { readonly scale: string; readonly zeroPoint: string } {
  return { scale: `${name}.scale`, zeroPoint: `${name}.zero_point` };
}

/** Name of the levels of the value at a node's place. */
export function valueName(place: number): string {
  return `value${place}`;
}

/**
 * Writes a quantized network in standard operators, in ONNX's QDQ form: real operators between DequantizeLinear and
 * QuantizeLinear, which runtimes that know 8-bit arithmetic fuse into it. Batch norm is folded: its gamma is the scale
 * of the filters, its beta the bias. A ReLU is no node: levels begin at zero.
 *
 * @param pictures name of the value that holds the pictures: uint8 [batch, channels, height, width]
 */
export function lowerQuantized(
  b: OnnxBuilder,
  network: Network,
  weights: Float32Array,
  activations: Activations,
  pictures: string,
  batch: number | string,
): void {
  new QuantizedLowering(b, network, weights, activations).lower(pictures, batch);
}

class QuantizedLowering {
  readonly #b: OnnxBuilder;
  readonly #network: Network;
  readonly #weights: Float32Array;
  readonly #activations: Activations;
  readonly #values: Value[] = [];

  constructor(b: OnnxBuilder, network: Network, weights: Float32Array, activations: Activations) {
    this.#b = b;
    this.#network = network;
    this.#weights = weights;
    this.#activations = activations;
  }

  lower(pictures: string, batch: number | string): void {
    const names = new Map(this.#network.outputs.map(({ name, node }) => [node, name]));
    for (const step of stepsOf(this.#network, "inference")) {
      const name = names.get(step.output);
      this.#values[step.output] = this.#step(step, pictures, name);
      if (name !== undefined) this.#b.output(name, [batch, ...step.shape]);
    }
  }

  #step(step: Step, pictures: string, name: string | undefined): Value {
    const b = this.#b;
    const { layer, inputs } = step;
    const [x, ...more] = inputs.map((input) => this.#values[input]!);
    const named = name === undefined ? {} : { name };
    switch (layer.kind) {
      case "input":
        return { byte: pictures, levels: { ...PICTURE_LEVELS, name: "pictures" } };
      case "rescale": {
        const { scale, zeroPoint, name: from } = x!.levels!;
        return {
          byte: x!.byte!,
          levels: { scale: Math.fround(scale * layer.scale), zeroPoint, name: `${from}.rescaled` },
        };
      }
      case "max-pool":
        if (x!.byte === undefined || name !== undefined) break;
        return { byte: b.op("MaxPool", [x!.byte], poolAttributes(layer)), levels: x!.levels };
      case "upsample":
        if (x!.byte === undefined || name !== undefined) break;
        return {
          byte: b.op("Resize", [x!.byte, "", b.floats([1, 1, 2, 2])], {
            mode: "nearest",
            coordinate_transformation_mode: "asymmetric",
            nearest_mode: "floor",
          }),
          levels: x!.levels,
        };
      case "concat": {
        const parts = [x!, ...more];
        if (
          name !== undefined ||
          !parts.every((part) => part.byte !== undefined && alike(part.levels!, x!.levels!))
        )
          break;
        return {
          byte: b.op(
            "Concat",
            parts.map(({ byte }) => byte!),
            { axis: 1 },
          ),
          levels: x!.levels,
        };
      }
      case "conv":
        if (isQuantizedConv(this.#network, step))
          return this.#convolution(step as Step & { layer: LayerOf<"conv"> });
        break;
      case "dense":
        return { float: this.#dense(layer, this.#float(x!), step.relu, named), levels: undefined };
    }
    let y = lowerLayer(
      b,
      this.#network.parameters,
      this.#weights,
      layer,
      [x!, ...more].map((value) => this.#float(value)),
      "",
      step.relu ? undefined : name,
    );
    if (step.relu) y = b.op("Relu", [y], {}, named);
    return { float: y, levels: this.#measured(step.output) };
  }

  #convolution(step: Step & { layer: LayerOf<"conv"> }): Value {
    const b = this.#b;
    const x = this.#values[step.inputs[0]!]!;
    const { values, scales, bias, scaleName, biasName } = foldedConvolution(
      this.#network.parameters,
      this.#weights,
      step,
      this.#levels(x),
    );
    const { weight } = step.layer;
    const { shape } = this.#network.parameters.get(weight);
    const zeros = b.tensor({
      name: `${scaleName}.zero_point`,
      type: "int8",
      shape: [scales.length],
      data: new Int8Array(scales.length),
    });
    const filters = b.op(
      "DequantizeLinear",
      [
        b.tensor({ name: weight, type: "int8", shape, data: values }),
        b.weight(scaleName, [scales.length], scales),
        zeros,
      ],
      { axis: 0 },
    );
    const levels = this.#levels({ levels: this.#measured(step.output) });
    const real = b.op("DequantizeLinear", [this.#byte(x), ...this.#scaleOf(this.#levels(x))]);
    const y = b.op(
      "Conv",
      [real, filters, b.weight(biasName, [bias.length], bias)],
      convAttributes(step.layer),
    );
    return { byte: b.op("QuantizeLinear", [y, ...this.#scaleOf(levels)]), levels };
  }

  #dense(layer: LayerOf<"dense">, x: string, relu: boolean, named: { name?: string }): string {
    const b = this.#b;
    const { parameters } = this.#network;
    const { shape } = parameters.get(layer.weight);
    const units = shape[1]!;
    const { values, scales } = quantizeFilters(
      parameters.slice(this.#weights, layer.weight),
      units,
      "innermost",
    );
    const weight = b.op(
      "DequantizeLinear",
      [
        b.tensor({ name: layer.weight, type: "int8", shape, data: values }),
        b.weight(`${layer.weight}.scale`, [units], scales),
      ],
      { axis: 1 },
    );
    const bias = b.weight(layer.bias, [units], parameters.slice(this.#weights, layer.bias));
    const y = b.op("Gemm", [x, weight, bias], {}, relu ? {} : named);
    return relu ? b.op("Relu", [y], {}, named) : y;
  }

  #measured(place: number): NamedLevels | undefined {
    const levels = this.#activations.get(place);
    return levels === undefined ? undefined : { ...levels, name: valueName(place) };
  }

  #levels(value: Value): NamedLevels {
    if (value.levels === undefined) throw new AppError("bug", "a value has no range");
    return value.levels;
  }

  /** The value as levels, quantized once where it is only there as real numbers. */
  #byte(value: Value): string {
    value.byte ??= this.#b.op("QuantizeLinear", [value.float!, ...this.#scaleOf(this.#levels(value))]);
    return value.byte;
  }

  /** The value as real numbers. Runtimes look for a DequantizeLinear of each reader's own. */
  #float(value: Value): string {
    return value.byte === undefined
      ? value.float!
      : this.#b.op("DequantizeLinear", [value.byte, ...this.#scaleOf(this.#levels(value))]);
  }

  #scaleOf({ scale, zeroPoint, name }: NamedLevels): [scale: string, zeroPoint: string] {
    const names = levelNames(name);
    return [
      this.#b.weight(names.scale, [], Float32Array.of(scale)),
      this.#b.tensor({ name: names.zeroPoint, type: "uint8", shape: [], data: Uint8Array.of(zeroPoint) }),
    ];
  }
}

function alike(a: Levels, b: Levels): boolean {
  return a.scale === b.scale && a.zeroPoint === b.zeroPoint;
}

interface FoldedConvolution {
  readonly values: Int8Array;
  readonly scales: Float32Array;
  readonly bias: Float32Array;
  /** Names of the parameters that hold them in a file. */
  readonly scaleName: string;
  readonly biasName: string;
}

/** Accumulators have 32 bits; the bias, in units of input scale * filter scale, must leave most of them free. */
const BIAS_MAX = 2 ** 30;

/** A convolution's weights with the batch norm that follows folded into scales and bias. */
export function foldedConvolution(
  parameters: ParameterLayout,
  weights: Float32Array,
  { layer, norm }: Step & { layer: LayerOf<"conv"> },
  input: Levels,
): FoldedConvolution {
  const part = (name: string): Float32Array => parameters.slice(weights, name);
  const filterCount = parameters.get(layer.weight).shape[0]!;
  const { values, scales } = quantizeFilters(part(layer.weight), filterCount, "outermost");
  const bias = layer.bias === undefined ? new Float32Array(filterCount) : part(layer.bias).slice();
  if (norm !== undefined) {
    const [gamma, beta, mean, variance] = [norm.gamma, norm.beta, norm.mean, norm.variance].map(part);
    for (let i = 0; i < filterCount; i++) {
      const factor = gamma![i]! / Math.sqrt(variance![i]! + norm.epsilon);
      scales[i]! *= factor;
      bias[i] = beta![i]! + (bias[i]! - mean![i]!) * factor;
    }
  }
  for (let i = 0; i < filterCount; i++) {
    const least = Math.max(Math.abs(bias[i]!) / (BIAS_MAX * input.scale), 1e-12);
    if (Math.abs(scales[i]!) < least) scales[i] = least;
  }
  return {
    values,
    scales,
    bias,
    scaleName: norm?.gamma ?? `${layer.weight}.scale`,
    biasName: norm?.beta ?? layer.bias ?? `${layer.weight}.bias`,
  };
}
