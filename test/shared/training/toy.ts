import type { OwnRule, SliceRule } from "../../../shared/training/replica.ts";

/** Numbers in the simulated weight vector: few, and not a multiple of any usual number of members. */
export const TOTAL = 23;
/** Chunks of a round. */
export const CHUNKS = 6;

/** The toy's gradient: least squares toward a target that depends on the chunk, so every share of chunks matters. */
export function toyGradient(weights: Float32Array, chunk: number, out: Float32Array): void {
  for (let i = 0; i < out.length; i++) {
    const target = Math.sin(i + 1) + 0.1 * Math.cos(chunk * 7 + i);
    out[i] = out[i]! + (weights[i]! - target) / CHUNKS;
  }
}

/** Momentum, so that there is a state to lose. */
export function toyRule(length: number, from: number, state?: Float32Array[]): SliceRule {
  const velocity = state?.[0] ?? new Float32Array(length);
  return {
    state: [velocity],
    update(weights, gradient) {
      for (let i = 0; i < length; i++) {
        velocity[i] = 0.5 * velocity[i]! + gradient[from + i]!;
        weights[from + i] = weights[from + i]! - 0.2 * velocity[i]!;
      }
    },
    merge(weights, move, _round, _steps, own) {
      for (let i = from; i < from + length; i++) weights[i] = weights[i]! + move[i]!;
      if (own !== undefined) velocity.set(own.state[0]!.subarray(from, from + length));
    },
  };
}

/** The same for the steps that a member makes by itself. */
export function toyOwnRule(): OwnRule {
  const { state, update } = toyRule(TOTAL, 0);
  let taken = 0;
  return {
    state,
    get taken() {
      return taken;
    },
    step(weights, gradient, round, progress) {
      update(weights, gradient, round, progress);
      taken++;
    },
  };
}
