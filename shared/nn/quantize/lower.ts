import { AppError } from "../../base/errors.ts";
import type { Network } from "../graph.ts";
import type { OnnxBuilder } from "../onnx/builder.ts";
import { lowerLayer } from "../onnx/inference.ts";
import { type LayerOf, type Step, stepsOf } from "../steps.ts";
import { type Activations, isQuantizedConv, PICTURE_LEVELS } from "./activations.ts";
import { type FoldedConvolution, foldConvolution } from "./fold.ts";
import { type NamedLevels, valueName } from "./levels.ts";

/** A value in 8 bits, in the form's own order of sides. */
export interface ByteValue {
  readonly byte: string;
  readonly levels: NamedLevels;
}

/**
 * How a graph with 8-bit values is written. The walk over the network is the same for every form; real values are
 * [batch, channels, height, width] in all of them.
 */
export interface QuantizedForm {
  /** Real numbers to levels. */
  quantize(real: string, levels: NamedLevels): string;
  /** Levels to real numbers. */
  dequantize(value: ByteValue): string;
  /** Of the same levels as the input. */
  maxPool(byte: string, layer: LayerOf<"max-pool">): string;
  upsample(byte: string, shape: Step["shape"]): string;
  concat(bytes: readonly string[]): string;
  add(parts: readonly ByteValue[], to: NamedLevels): string;
  convolve(x: ByteValue, folded: FoldedConvolution, step: ConvStep, to: NamedLevels): string;
  /** A convolution of the network's answer: real weights, real output. */
  predict(x: ByteValue, step: ConvStep, named: Named): string;
  dense(x: string, layer: LayerOf<"dense">, named: Named): string;
}

export type ConvStep = Step & { readonly layer: LayerOf<"conv"> };

/** The name that a node's output must have, where it matters. */
export interface Named {
  readonly name?: string;
}

/** A value in the graph being written: as real numbers, as 8-bit levels, or both. */
interface Value {
  real?: string;
  byte?: string;
  readonly levels: NamedLevels | undefined;
}

/**
 * Writes a quantized network. Batch norms after convolutions are folded. A ReLU there is no node: levels begin at
 * zero.
 *
 * @param pictures name of the value that holds the pictures' bytes, in the form's order of sides
 * @param batch size of the batch, or a word where it is open
 */
export function lowerQuantized(
  b: OnnxBuilder,
  form: QuantizedForm,
  { network, weights, activations }: QuantizedNetwork,
  pictures: string,
  batch: number | string,
): void {
  const names = new Map(network.outputs.map(({ name, node }) => [node, name]));
  const walk = new Walk(b, form, { network, weights, activations }, pictures);
  for (const step of stepsOf(network, "inference")) {
    const name = names.get(step.output);
    walk.take(step, name === undefined ? {} : { name });
    if (name !== undefined) b.output(name, [batch, ...step.shape]);
  }
}

export interface QuantizedNetwork {
  readonly network: Network;
  readonly weights: Float32Array;
  readonly activations: Activations;
}

class Walk {
  readonly #b: OnnxBuilder;
  readonly #form: QuantizedForm;
  readonly #given: QuantizedNetwork;
  readonly #pictures: string;
  readonly #values: Value[] = [];

  constructor(b: OnnxBuilder, form: QuantizedForm, given: QuantizedNetwork, pictures: string) {
    this.#b = b;
    this.#form = form;
    this.#given = given;
    this.#pictures = pictures;
  }

  /** @param named given for the network's outputs, which are real */
  take(step: Step, named: Named): void {
    const inputs = step.inputs.map((input) => this.#values[input]!);
    const inBytes = named.name === undefined ? this.#inBytes(step, inputs) : undefined;
    this.#values[step.output] = inBytes ?? {
      real: this.#inReals(step, inputs, named),
      levels: this.#measured(step.output),
    };
  }

  /** What can be computed on levels is; undefined for the rest. */
  #inBytes(step: Step, inputs: readonly Value[]): Value | undefined {
    const form = this.#form;
    const { layer, output } = step;
    const [x] = inputs;
    const levels = x?.levels;
    switch (layer.kind) {
      case "input":
        return { byte: this.#pictures, levels: { ...PICTURE_LEVELS, name: "pictures" } };
      case "rescale": {
        if (x?.byte === undefined || levels === undefined) return undefined;
        const scale = Math.fround(levels.scale * layer.scale);
        const zeroPoint = levels.zeroPoint + layer.zero / levels.scale;
        // Levels count from whole bytes; other zeros are left to floating point.
        if (!Number.isInteger(zeroPoint)) return undefined;
        return { byte: x.byte, levels: { scale, zeroPoint, name: `${levels.name}.rescaled` } };
      }
      case "max-pool":
        return x?.byte === undefined ? undefined : { byte: form.maxPool(x.byte, layer), levels };
      case "upsample":
        return x?.byte === undefined ? undefined : { byte: form.upsample(x.byte, step.shape), levels };
      case "concat": {
        const alike = inputs.every(
          ({ byte, levels: own }) => byte !== undefined && own?.name === levels?.name,
        );
        return alike ? { byte: form.concat(inputs.map(({ byte }) => byte!)), levels } : undefined;
      }
      case "add": {
        const to = this.#needMeasured(output);
        return {
          byte: form.add(
            inputs.map((input) => this.#byte(input)),
            to,
          ),
          levels: to,
        };
      }
      case "conv": {
        const { network, weights } = this.#given;
        if (!isQuantizedConv(network, step)) return undefined;
        const conv = step as ConvStep;
        const from = this.#byte(x!);
        const to = this.#needMeasured(output);
        const folded = foldConvolution(network.parameters, weights, conv, from.levels);
        return { byte: form.convolve(from, folded, conv, to), levels: to };
      }
      default:
        return undefined;
    }
  }

  #inReals(step: Step, inputs: readonly Value[], named: Named): string {
    const { layer, relu } = step;
    const inner = relu ? {} : named;
    const y = this.#real(layer, step, inputs, inner);
    return relu ? this.#b.op("Relu", [y], {}, named) : y;
  }

  #real(layer: Step["layer"], step: Step, inputs: readonly Value[], named: Named): string {
    const { network, weights } = this.#given;
    const x = inputs[0]!;
    if (layer.kind === "dense") return this.#form.dense(this.#realOf(x), layer, named);
    if (layer.kind === "conv" && step.norm === undefined && x.byte !== undefined) {
      return this.#form.predict(this.#byte(x), step as ConvStep, named);
    }
    const reals = inputs.map((input) => this.#realOf(input));
    return lowerLayer(this.#b, network.parameters, weights, layer, reals, "", named.name);
  }

  #measured(place: number): NamedLevels | undefined {
    const levels = this.#given.activations.get(place);
    return levels === undefined ? undefined : { ...levels, name: valueName(place) };
  }

  #needMeasured(place: number): NamedLevels {
    const levels = this.#measured(place);
    if (levels === undefined)
      throw new AppError("input", `the quantized model has no range for value ${place}`);
    return levels;
  }

  #byte(value: Value): ByteValue {
    const { levels } = value;
    if (levels === undefined) throw new AppError("bug", "a value without a range cannot be quantized");
    value.byte ??= this.#form.quantize(value.real!, levels);
    return { byte: value.byte, levels };
  }

  /** Made anew for each reader: runtimes look for a DequantizeLinear of one reader. */
  #realOf({ real, byte, levels }: Value): string {
    return byte === undefined || levels === undefined ? real! : this.#form.dequantize({ byte, levels });
  }
}
