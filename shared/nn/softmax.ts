/**
 * Cross-entropy of logits against a class, with its slope: softmax minus one-hot, times `weight`.
 *
 * @param at place of the first of `count` logits in `logits`, and of their slopes in `slopes`
 * @returns the loss times `weight`
 */
export function softmaxCrossEntropy(
  logits: Float32Array,
  at: number,
  count: number,
  target: number,
  weight: number,
  slopes: Float32Array,
): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = at; i < at + count; i++) most = Math.max(most, logits[i]!);
  let sum = 0;
  for (let i = at; i < at + count; i++) sum += Math.exp(logits[i]! - most);
  for (let i = at; i < at + count; i++) slopes[i] = (weight * Math.exp(logits[i]! - most)) / sum;
  slopes[at + target]! -= weight;
  return weight * (Math.log(sum) + most - logits[at + target]!);
}

/** Logits to shares that sum to 1. */
export function softmax(logits: ArrayLike<number>, at: number, count: number): Float64Array {
  const shares = new Float64Array(count);
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < count; i++) most = Math.max(most, logits[at + i]!);
  let sum = 0;
  for (let i = 0; i < count; i++) sum += shares[i] = Math.exp(logits[at + i]! - most);
  for (let i = 0; i < count; i++) shares[i]! /= sum;
  return shares;
}
