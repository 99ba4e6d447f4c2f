import type { ChunkRange } from "./assignment.ts";

/** One of the steps that a member makes by itself in a round. */
export interface OwnStep {
  readonly chunks: ChunkRange;
  /** Steps of the round before it. */
  readonly after: number;
}

/**
 * Shares a member's chunks of a round among its steps, as evenly as it goes. Who has fewer chunks than the round has
 * steps makes as many steps as it has chunks, spread over the round.
 */
export function ownSteps({ first, count }: ChunkRange, steps: number): OwnStep[] {
  const made = Math.min(count, steps);
  const part = (of: number, step: number): number => Math.floor((of * step) / made);
  return Array.from({ length: made }, (_, step) => ({
    chunks: { first: first + part(count, step), count: part(count, step + 1) - part(count, step) },
    after: part(steps, step),
  }));
}

/** `weights` become how far they moved from `common`, times this member's share of the round's chunks. */
export function becomeMove(weights: Float32Array, common: Float32Array, share: number): void {
  for (let i = 0; i < weights.length; i++) weights[i] = share * (weights[i]! - common[i]!);
}
