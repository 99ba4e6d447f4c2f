import { AppError } from "../../shared/base/errors.ts";
import type { MessageOf } from "../../shared/wire/message.ts";
import type { StatePiece } from "../../shared/wire/messages/training.ts";

/** The weights and optimizer vectors that the trainer holds, whole, after some round. */
export interface HeldState {
  readonly round: number;
  /** Absent before the first round of a training that begins by its seed. */
  readonly weights: Float32Array | undefined;
  readonly state: readonly Float32Array[];
}

/**
 * The state as it comes in from the members, each with its slice. What nobody sends (the slice of a member that was
 * lost) is what was held before: the optimizer's means there are some seconds old.
 */
export class Gathering {
  readonly generation: number;
  readonly #before: HeldState;
  readonly #length: number;
  readonly #state: Float32Array[];
  #weights: Float32Array | undefined;
  #weightsCount = 0;

  constructor(generation: number, before: HeldState, length: number, stateVectors: number) {
    this.generation = generation;
    this.#before = before;
    this.#length = length;
    this.#state = Array.from(
      { length: stateVectors },
      (_, i) => before.state[i]?.slice() ?? new Float32Array(length),
    );
  }

  take({ vector, offset, values }: MessageOf<typeof StatePiece>): void {
    if (vector > this.#state.length || offset + values.length > this.#length) {
      throw new AppError("protocol", `state piece ${vector} at ${offset} is out of bounds`);
    }
    if (vector > 0) {
      this.#state[vector - 1]!.set(values, offset);
      return;
    }
    this.#weights ??= new Float32Array(this.#length);
    this.#weights.set(values, offset);
    this.#weightsCount += values.length;
  }

  /** Everything has come. Throws `protocol` when the weights have not. */
  finish(round: number): HeldState {
    if (this.#weights === undefined || this.#weightsCount !== this.#length) {
      throw new AppError("protocol", "the weights did not come whole");
    }
    // The mean of the weights cannot begin at 0 where nothing was held: the weights themselves stand in.
    if (this.#before.state.length === 0) fillLost(this.#state.at(-1), this.#weights);
    return { round, weights: this.#weights, state: this.#state };
  }
}

/** Where a vector is exactly 0 all along, puts the weights: the part of a member that was lost with its first state. */
function fillLost(average: Float32Array | undefined, weights: Float32Array): void {
  if (average === undefined) return;
  for (let i = 0; i < average.length; i++) if (average[i] === 0) average[i] = weights[i]!;
}
