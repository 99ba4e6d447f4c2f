/** A contiguous part of the weight vector: the numbers from `from` up to, not including, `to`. */
export interface Slice {
  readonly from: number;
  readonly to: number;
}

/** Part `index` of `count` nearly equal parts of a vector of `total` numbers. Together they cover it once. */
export function sliceOf(total: number, count: number, index: number): Slice {
  return { from: Math.floor((total * index) / count), to: Math.floor((total * (index + 1)) / count) };
}

/** What a weight vector is, in 32 bits (xxHash32): members of a round compare it. */
export function checksumOf(weights: Float32Array): number {
  return Bun.hash.xxHash32(new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength));
}
