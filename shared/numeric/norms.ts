/** Lengths of vectors, and of the rows of a matrix. */

export type Vector = Float32Array | Float64Array | Int32Array | Uint32Array;

/** How many numbers are not 0. */
export function l0Norm(vector: Vector): number {
  let count = 0;
  for (let i = 0; i < vector.length; i++) if (vector[i] !== 0) count++;
  return count;
}

/** The sum of the absolute values. */
export function l1Norm(vector: Vector): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += Math.abs(vector[i]!);
  return sum;
}

/** Euclid's length. Sums in double precision, whatever the vector holds. */
export function l2Norm(vector: Vector): number {
  let squares = 0;
  for (let i = 0; i < vector.length; i++) squares += vector[i]! * vector[i]!;
  return Math.sqrt(squares);
}

/** The largest absolute value; 0 of an empty vector. */
export function lInfNorm(vector: Vector): number {
  let most = 0;
  for (let i = 0; i < vector.length; i++) most = Math.max(most, Math.abs(vector[i]!));
  return most;
}

/**
 * The rows of a matrix from the shortest to the longest; rows of one length keep their order.
 *
 * @param rows [count, width]
 * @returns `order[rank]` is the row's place in `rows`, `lengths[rank]` its norm
 */
export function rowsByNorm(
  rows: Float32Array,
  width: number,
  norm: (vector: Vector) => number,
): { readonly order: Uint32Array; readonly lengths: Float64Array } {
  const count = rows.length / width;
  const lengths = Float64Array.from({ length: count }, (_, row) =>
    norm(rows.subarray(row * width, (row + 1) * width)),
  );
  const order = Uint32Array.from({ length: count }, (_, row) => row).sort(
    (a, b) => lengths[a]! - lengths[b]! || a - b,
  );
  return { order, lengths: Float64Array.from(order, (row) => lengths[row]!) };
}
