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

/** A part of what is wanted, and who gives it: the place in the list of what is given. */
export interface GivenPart extends Slice {
  readonly giver: number;
}

/**
 * Takes every number of `wanted` from one who has it: from the first of `given` as far as that reaches, what is left
 * from the second, and so on.
 *
 * @returns the parts in the order of the givers, and the gaps that nobody fills, from the lowest
 */
export function cover(wanted: Slice, given: readonly Slice[]): { parts: GivenPart[]; gaps: Slice[] } {
  const parts: GivenPart[] = [];
  let gaps = wanted.from < wanted.to ? [wanted] : [];
  for (const [giver, has] of given.entries()) {
    gaps = gaps.flatMap((gap) => {
      const from = Math.max(gap.from, has.from);
      const to = Math.min(gap.to, has.to);
      if (from >= to) return [gap];
      parts.push({ giver, from, to });
      return [
        { from: gap.from, to: from },
        { from: to, to: gap.to },
      ].filter((rest) => rest.from < rest.to);
    });
  }
  return { parts, gaps };
}
