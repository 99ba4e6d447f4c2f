import { AppError } from "../../shared/base/errors.ts";
import type { MessageOf } from "../../shared/wire/message.ts";
import type { StatePiece } from "../../shared/wire/messages/training.ts";

/** Vectors of a training's state as they arrive in pieces, for one generation at a time. Vector 0 is the weights. */
export class StateInbox {
  readonly #length: number;
  readonly #count: number;
  #generation = -1;
  #vectors = new Map<number, Float32Array>();

  /** @param length numbers in a vector @param count vectors, the weights included */
  constructor(length: number, count: number) {
    this.#length = length;
    this.#count = count;
  }

  take({ generation, vector, offset, values }: MessageOf<typeof StatePiece>): void {
    if (vector >= this.#count || offset + values.length > this.#length) {
      throw new AppError("protocol", `state piece ${vector} at ${offset} is out of bounds`);
    }
    if (generation !== this.#generation) {
      this.#generation = generation;
      this.#vectors = new Map();
    }
    let whole = this.#vectors.get(vector);
    if (whole === undefined) {
      whole = new Float32Array(this.#length);
      this.#vectors.set(vector, whole);
    }
    whole.set(values, offset);
  }

  /** A vector that came for this generation; it is handed out once. Throws `protocol` when it did not come. */
  claim(generation: number, vector: number): Float32Array {
    const whole = generation === this.#generation ? this.#vectors.get(vector) : undefined;
    if (whole === undefined)
      throw new AppError("protocol", `state vector ${vector} was promised and did not come`);
    this.#vectors.delete(vector);
    return whole;
  }
}
