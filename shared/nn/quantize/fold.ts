import type { ParameterLayout } from "../graph.ts";
import type { LayerOf, Step } from "../steps.ts";
import type { Levels } from "./activations.ts";
import { quantizeFilters } from "./filters.ts";

/** A convolution with 8-bit filters; the batch norm that follows is in their scales and in the bias. */
export interface FoldedConvolution {
  readonly values: Int8Array;
  /** One a filter; negative where the batch norm's gamma is. */
  readonly scales: Float32Array;
  readonly bias: Float32Array;
}

/** Accumulators have 32 bits; the bias, in units of input scale * filter scale, must leave most of them free. */
const BIAS_MAX = 2 ** 30;

/** Convolutions that share their weights share the values here, too: the batch norm is in the scales alone. */
export function foldConvolution(
  parameters: ParameterLayout,
  weights: Float32Array,
  { layer, norm }: Step & { readonly layer: LayerOf<"conv"> },
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
  return { values, scales, bias };
}

/** The bias as accumulators hold it. */
export function wholeBias({ scales, bias }: FoldedConvolution, input: Levels): Int32Array {
  return Int32Array.from(bias, (value, i) => Math.round(value / (input.scale * scales[i]!)));
}
