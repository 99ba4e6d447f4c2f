import { AppError } from "../base/errors.ts";
import { numberFormat, type WireFormat } from "../numeric/wire-format.ts";
import { checksumOf, type Slice, sliceOf } from "./slices.ts";

/** How the weights of one slice move, such as AdamW; `shared/learn/slice-optimizer.ts` is wrapped as one. */
export interface SliceRule {
  /** What the rule remembers, live: always as many vectors, in the same order, each as long as the slice. */
  readonly state: readonly Float32Array[];
  /**
   * Writes the slice's new weights over `weights`; touches nothing outside the slice.
   *
   * @param gradient mean over the round's chunks
   * @param round rounds done before, from 0
   * @param progress share of the run that is done, 0 to 1
   */
  update(weights: Float32Array, gradient: Float32Array, round: number, progress: number): void;
  /**
   * The same where every member made several steps by itself.
   *
   * @param move how far the members' weights moved, the mean by their shares of the chunks
   * @param own what this member stepped with
   */
  merge(
    weights: Float32Array,
    move: Float32Array,
    round: number,
    steps: number,
    own: OwnRule | undefined,
  ): void;
}

/** How one member's weights move while it steps by itself, over the whole vector. */
export interface OwnRule {
  /** The vectors of `SliceRule.state` in its order, of the whole length. */
  readonly state: readonly Float32Array[];
  /** Steps that these have seen. */
  readonly taken: number;
  /** @param gradient mean over the step's chunks */
  step(weights: Float32Array, gradient: Float32Array, round: number, progress: number): void;
}

/** What members add up in a ring: gradients, or how far their own steps moved their weights. */
type Summand = "gradient" | "move";

/**
 * One member's copy of the weights, and the optimizer state of its slice, through rounds that may fail in the middle.
 * A round is first only *pending*: the new weights grow beside the old ones, and the slice's state of before is kept.
 * When everything has arrived the round is completed; when the ring breaks, the state of either round can be handed
 * over, and the trainer names the one that all go on from.
 */
export class Replica {
  readonly slice: Slice;
  readonly #rule: SliceRule;
  #weights: Float32Array;
  #next: Float32Array;
  #round: number;
  #pendingRound: number | undefined;
  /** The slice's state of before the pending round. Kept from round to round: fresh memory costs more than copying. */
  readonly #before: readonly Float32Array[];
  #unsaid: Float32Array | undefined;
  /** Of what kind the summands are that `#unsaid` is missing of. */
  #unsaidOf: Summand = "gradient";

  constructor(options: {
    weights: Float32Array;
    round: number;
    rule: SliceRule;
    members: number;
    self: number;
  }) {
    this.#weights = options.weights;
    this.#next = new Float32Array(options.weights.length);
    this.#round = options.round;
    this.#rule = options.rule;
    this.#before = options.rule.state.map(({ length }) => new Float32Array(length));
    this.slice = sliceOf(options.weights.length, options.members, options.self);
  }

  /** The last round that it has completed. Rounds are counted by the steps done after them. */
  get round(): number {
    return this.#round;
  }

  /** The round of which it has updated only its slice. */
  get pendingRound(): number | undefined {
    return this.#pendingRound;
  }

  /** The weights after the last completed round. Read only. */
  get weights(): Float32Array {
    return this.#weights;
  }

  /** Where the ring gathers the new weights of the running round. */
  get next(): Float32Array {
    return this.#next;
  }

  /**
   * What this member has not said yet in the ring, for formats that are not exact; begins as nothing.
   *
   * @param summand what it adds in this round: what is missing of the other kind is forgotten
   */
  unsaid(summand: Summand): Float32Array {
    this.#unsaid ??= new Float32Array(this.#weights.length);
    if (summand !== this.#unsaidOf) {
      this.#unsaid.fill(0, 0, this.slice.from).fill(0, this.slice.to);
      this.#unsaidOf = summand;
    }
    return this.#unsaid;
  }

  get checksum(): number {
    return checksumOf(this.#weights);
  }

  /**
   * The slice's part of the step to round `round + 1`.
   *
   * @param gradient mean over all chunks, valid in the slice
   * @param format in which the others are told: one that is exact leaves nothing of the slice unsaid
   */
  update(gradient: Float32Array, progress: number, format: WireFormat): void {
    this.#begin(1, format);
    this.#rule.update(this.#next, gradient, this.#round, progress);
  }

  /**
   * The slice's part of the way to round `round + steps`, which each member went by itself.
   *
   * @param move how far the weights moved, the mean over all members, valid in the slice
   * @param own what this member stepped with, where it did
   */
  merge(move: Float32Array, steps: number, own: OwnRule | undefined, format: WireFormat): void {
    this.#begin(steps, format);
    this.#rule.merge(this.#next, move, this.#round, steps, own);
  }

  #begin(steps: number, format: WireFormat): void {
    if (this.#pendingRound !== undefined) throw new AppError("bug", "a slice is updated twice in a round");
    const { from, to } = this.slice;
    for (const [i, vector] of this.#before.entries()) vector.set(this.#rule.state[i]!);
    this.#next.set(this.#weights.subarray(from, to), from);
    const unsaid = this.#unsaid;
    if (unsaid !== undefined) {
      for (let i = from; i < to; i++) this.#next[i] = this.#next[i]! + unsaid[i]!;
      if (numberFormat(format).exact) unsaid.fill(0, from, to);
    }
    this.#pendingRound = this.#round + steps;
  }

  /** `next` is whole: it becomes the weights. */
  complete(): void {
    if (this.#pendingRound === undefined)
      throw new AppError("bug", "a round is completed that was not updated");
    [this.#weights, this.#next] = [this.#next, this.#weights];
    this.#round = this.#pendingRound;
    this.#pendingRound = undefined;
  }

  /** Whether it has the state of its slice after `round`. */
  hasStateOf(round: number): boolean {
    return round === this.#round || round === this.#pendingRound;
  }

  /**
   * The state of this slice after `round`: the last completed one, or the pending one. Copies; nothing changes here,
   * since whoever asks may be gone before it is used.
   *
   * @throws `protocol` for any other round
   */
  stateOf(round: number): Float32Array[] {
    if (!this.hasStateOf(round)) {
      throw new AppError("protocol", `asked for the state of round ${round} while at ${this.#round}`);
    }
    const isBefore = this.#pendingRound !== undefined && round === this.#round;
    const vectors = isBefore ? this.#before : this.#rule.state;
    return vectors.map((vector) => vector.slice());
  }
}
