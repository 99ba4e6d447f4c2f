import type { EncodedGraph } from "../onnx/builder.ts";
import type { FilterForm } from "./convolution.ts";
import type { FilterShape } from "./filters.ts";

/** A filter that has to be packed before a step; `name` is the input of the graphs that reads it. */
export interface PackedFilter {
  readonly name: string;
  readonly weight: string;
  readonly form: Exclude<FilterForm, "plain">;
  readonly shape: FilterShape;
  /** As the graph declares it. */
  readonly sides: readonly number[];
}

/** A float32 value. */
export interface GraphValue {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Where a parameter's gradient, or its batch statistic, comes out. */
export interface GradientValue {
  readonly parameter: string;
  readonly name: string;
  /** Set where the numbers come as [size, filters, size, channels]; 3x3 ones have to be put in order. */
  readonly filter: FilterShape | undefined;
}

/**
 * A network's training step as two ONNX graphs. The losses are computed between them. `forward` answers the network's
 * outputs and everything that `backward` needs again; `backward` takes those and d loss / d output.
 */
export interface TrainingGraphs {
  readonly forward: EncodedGraph;
  readonly backward: EncodedGraph;
  /** Parameters that enter as they are, by `plainInput` of their name. */
  readonly parameters: readonly string[];
  readonly filters: readonly PackedFilter[];
  /** Names of the forward graph's values, in the order of `Network.outputs`. */
  readonly outputs: readonly GraphValue[];
  /** Values that stay between the graphs, the network's outputs left out. */
  readonly saved: readonly GraphValue[];
  readonly statistics: readonly GradientValue[];
  readonly gradients: readonly GradientValue[];
}

export function plainInput(parameter: string): string {
  return `plain.${parameter}`;
}

/** Input of the backward graph: d loss / d output. */
export function outputGradientInput(output: string): string {
  return `gradient.${output}`;
}

/** A convolution's gradient as the backward graph answers it. */
export function gradientSides({ filters, channels, size }: FilterShape): number[] {
  return [size * filters, size * channels];
}
