/** 8-bit weights, symmetric about zero, with a scale for each filter: weight = scale[filter] * value. */
export interface QuantizedFilters {
  readonly values: Int8Array;
  readonly scales: Float32Array;
}

const VALUE_MAX = 127;

/**
 * @param weights numbers of a filter lie `stride` apart when `count` filters share the innermost axis (dense layers),
 *                or together when they have the outermost (convolutions)
 */
export function quantizeFilters(
  weights: Float32Array,
  count: number,
  axis: "outermost" | "innermost",
): QuantizedFilters {
  const each = weights.length / count;
  const filterOf = axis === "outermost" ? (i: number) => Math.floor(i / each) : (i: number) => i % count;
  const scales = new Float32Array(count);
  for (let i = 0; i < weights.length; i++) {
    const filter = filterOf(i);
    scales[filter] = Math.max(scales[filter]!, Math.abs(weights[i]!) / VALUE_MAX);
  }
  const values = new Int8Array(weights.length);
  for (let i = 0; i < weights.length; i++) {
    const scale = scales[filterOf(i)]!;
    values[i] = scale === 0 ? 0 : Math.round(Math.min(Math.max(weights[i]! / scale, -VALUE_MAX), VALUE_MAX));
  }
  return { values, scales };
}

/** The float weights that the 8-bit ones stand for. */
export function filterWeights(
  values: Int8Array,
  scales: Float32Array,
  axis: "outermost" | "innermost",
): Float32Array {
  const each = values.length / scales.length;
  return Float32Array.from(values, (value, i) => {
    const filter = axis === "outermost" ? Math.floor(i / each) : i % scales.length;
    return value * scales[filter]!;
  });
}
