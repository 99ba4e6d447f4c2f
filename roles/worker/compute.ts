import { AppError } from "../../shared/base/errors.ts";
import type { OwnOptimizer, SliceOptimizer } from "../../shared/learn/slice-optimizer.ts";
import type { Levels } from "../../shared/nn/quantize/activations.ts";
import type { OwnRule, SliceRule } from "../../shared/training/replica.ts";
import type { Slice } from "../../shared/training/slices.ts";
import type { SampleRow, Scores } from "../../shared/wire/messages/training.ts";

/** What one worker's chunks of a round gave. */
export interface ChunksResult {
  /** Their gradients, added up; the caller's to change until it asks for the next. */
  readonly sum: Float32Array;
  /** Terms of the loss, summed over the chunks. */
  readonly loss: Readonly<Record<string, number>>;
}

/** Everything that a member of a training needs to know how to compute. `learning.ts` has one, in threads. */
export interface Compute extends AsyncDisposable {
  /** For people: `native cpu`. */
  readonly engine: string;
  /** Numbers in the weight vector. */
  readonly parameterCount: number;
  /** The weights that everybody begins with. */
  startWeights(): Float32Array;
  /** How a slice of the weights moves. @param state of a run that goes on: vectors of the slice's length, taken over */
  sliceRule(slice: Slice, state: readonly Float32Array[] | undefined): SliceRule;
  /** How all weights move while this member steps by itself; remembers nothing yet. */
  ownRule(): OwnRule;
  /**
   * Adds up the gradients of some chunks, each times `scale`, in the order of the chunks. One call at a time.
   *
   * @param signal ends it early, after the chunk that is being computed; it then throws `cancelled`
   */
  computeChunks(
    request: {
      readonly weights: Float32Array;
      readonly firstChunk: number;
      readonly chunkCount: number;
      /** The first chunk that will be asked for next time, if nothing changes. */
      readonly nextChunk: number;
      readonly progress: number;
      readonly scale: number;
    },
    signal: AbortSignal,
  ): Promise<ChunksResult>;
  /** Scores the weights on a split. */
  evaluate(weights: Float32Array, split: SampleRow["split"], thresholds: readonly number[]): Promise<Scores>;
  /** How values lie in 8 bits, for a model file; none where computing in 8 bits would cost accuracy. */
  quantize(weights: Float32Array): Promise<readonly Levels[]>;
}

/** State vectors of `SliceOptimizer`, in the order in which they travel. The last is the mean of the weights. */
export const STATE_VECTORS = ["first", "second", "average"] as const;

/** The optimizer's part of a slice as the replica uses it. */
export function optimizerRule(optimizer: SliceOptimizer): SliceRule {
  return {
    state: STATE_VECTORS.map((name) => optimizer.state[name]),
    update: (weights, gradient, round, progress) => optimizer.update(weights, gradient, round, progress),
    merge(weights, move, round, steps, own) {
      const means = own === undefined ? undefined : { ...optimizerState(own.state), taken: own.taken };
      optimizer.merge(weights, move, round, steps, means);
    },
  };
}

/** A member's own optimizer as its replica uses it. */
export function ownOptimizerRule(optimizer: OwnOptimizer): OwnRule {
  return {
    state: STATE_VECTORS.map((name) => optimizer.state[name]),
    get taken() {
      return optimizer.taken;
    },
    step: (weights, gradient, round, progress) => optimizer.step(weights, gradient, round, progress),
  };
}

/** The optimizer's state from vectors in the order of `STATE_VECTORS`. */
export function optimizerState(vectors: readonly Float32Array[]): {
  first: Float32Array;
  second: Float32Array;
  average: Float32Array;
} {
  const [first, second, average] = vectors;
  if (first === undefined || second === undefined || average === undefined) {
    throw new AppError("protocol", `${vectors.length} state vectors came, ${STATE_VECTORS.length} needed`);
  }
  return { first, second, average };
}
