/** A contiguous part of the weight vector: the numbers from `from` up to, not including, `to`. */
export interface Slice {
  readonly from: number;
  readonly to: number;
}

/** Part `index` of `count` nearly equal parts of a vector of `total` numbers. Together they cover it once. */
export function sliceOf(total: number, count: number, index: number): Slice {
  return { from: Math.floor((total * index) / count), to: Math.floor((total * (index + 1)) / count) };
}

/**
 * What a weight vector is, in 32 bits: members of a round compare it. The low half of XXH3, which goes through a
 * million numbers in 0.13 ms.
 */
export function checksumOf(weights: Float32Array): number {
  const bytes = new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength);
  return Number(Bun.hash.xxHash3(bytes) & 0xffffffffn);
}
