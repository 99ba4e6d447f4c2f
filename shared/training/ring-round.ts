import { AppError } from "../base/errors.ts";
import { type Slice, sliceOf } from "./slices.ts";

/** A run of numbers on its way round the ring. Each goes to the next member. */
export interface RingPiece {
  /** `reduce`: a partial sum; `gather`: new weights. */
  readonly phase: "reduce" | "gather";
  /** Links that this run of numbers has crossed before this one: 0 to members - 2. */
  readonly hop: number;
  /** Place of the first number in the vector. */
  readonly offset: number;
  readonly values: Float32Array;
}

/** What happens to the sum of a member's own slice: it writes the slice's new weights into `next`. */
export type SliceUpdate = (sum: Float32Array, slice: Slice) => void;

/**
 * One member's part in one ring all-reduce (Patarasuk and Yuan 2009), with the weight update between its two halves.
 *
 * Reduce-scatter: slice k starts at member k + 1, and every member adds its own numbers as the slice passes, so it
 * arrives at member k as the sum over all, added in the same order every time. Member k updates the weights of slice
 * k. All-gather: the new weights of slice k go round, and each member writes them down. Each number crosses each
 * link twice at most: 2 (N - 1) / N of the vector per member, whatever N.
 *
 * No IO here: pieces go in by `receive`, and out by the `send` that it was given. Pieces from the previous member
 * must come in the order in which it sent them.
 */
export class RingRound {
  readonly #count: number;
  readonly #self: number;
  readonly #sum: Float32Array;
  readonly #next: Float32Array;
  readonly #update: SliceUpdate;
  readonly #send: (piece: RingPiece) => void;
  readonly #pieceFloats: number;
  /** Where the next piece of each phase and hop must start. */
  readonly #expected: Record<RingPiece["phase"], number[]>;
  #left: number;
  #updated = false;

  /**
   * @param sum this member's own summand; becomes scratch
   * @param next receives the new weights of all slices: the one of `self` by `update`, the others from the ring
   */
  constructor(options: {
    count: number;
    self: number;
    sum: Float32Array;
    next: Float32Array;
    update: SliceUpdate;
    send: (piece: RingPiece) => void;
    pieceFloats?: number;
  }) {
    this.#count = options.count;
    this.#self = options.self;
    this.#sum = options.sum;
    this.#next = options.next;
    this.#update = options.update;
    this.#send = options.send;
    this.#pieceFloats = options.pieceFloats ?? 128 * 1024;
    const hops = Array.from({ length: options.count - 1 }, (_, hop) => hop);
    this.#expected = {
      reduce: hops.map((hop) => this.#sliceAt("reduce", hop).from),
      gather: hops.map((hop) => this.#sliceAt("gather", hop).from),
    };
    this.#left = options.next.length;
  }

  /** True once this member's slice is updated: from then on others may hold the new weights. */
  get updated(): boolean {
    return this.#updated;
  }

  /** True when `next` holds all new weights. */
  get complete(): boolean {
    return this.#updated && this.#left === 0;
  }

  start(): void {
    if (this.#count > 1) this.#sendSlice("reduce", this.#slice(this.#self - 1), this.#sum);
    // A slice is empty where there are more members than numbers; then nothing will announce that it is summed.
    const own = this.#slice(this.#self);
    if (this.#count === 1 || own.from === own.to) this.#finishOwn();
  }

  /** Takes a piece from the previous member. Throws `protocol` when it is not the one that must come. */
  receive(piece: RingPiece): void {
    const { phase, hop, offset, values } = piece;
    const expected = this.#expected[phase][hop];
    const slice = expected === undefined ? undefined : this.#sliceAt(phase, hop);
    if (slice === undefined || offset !== expected || offset + values.length > slice.to) {
      throw new AppError("protocol", `ring piece ${phase} ${hop} at ${offset} is out of order`);
    }
    this.#expected[phase][hop] = offset + values.length;
    if (phase === "reduce") this.#reduce(piece, slice);
    else this.#gather(piece);
  }

  #reduce({ hop, offset, values }: RingPiece, slice: Slice): void {
    const sum = this.#sum;
    for (let i = 0; i < values.length; i++) sum[offset + i] = sum[offset + i]! + values[i]!;
    if (hop < this.#count - 2) {
      this.#send({
        phase: "reduce",
        hop: hop + 1,
        offset,
        values: sum.slice(offset, offset + values.length),
      });
    } else if (offset + values.length === slice.to) {
      this.#finishOwn();
    }
  }

  #gather({ hop, offset, values }: RingPiece): void {
    this.#next.set(values, offset);
    this.#left -= values.length;
    if (hop < this.#count - 2) this.#send({ phase: "gather", hop: hop + 1, offset, values });
  }

  #finishOwn(): void {
    const own = this.#slice(this.#self);
    this.#update(this.#sum, own);
    this.#updated = true;
    this.#left -= own.to - own.from;
    if (this.#count > 1) this.#sendSlice("gather", own, this.#next);
  }

  #sendSlice(phase: RingPiece["phase"], slice: Slice, from: Float32Array): void {
    for (let offset = slice.from; offset < slice.to; offset += this.#pieceFloats) {
      const end = Math.min(slice.to, offset + this.#pieceFloats);
      this.#send({ phase, hop: 0, offset, values: from.slice(offset, end) });
    }
  }

  /** The slice that arrives from the previous member at this hop. */
  #sliceAt(phase: RingPiece["phase"], hop: number): Slice {
    return this.#slice(phase === "reduce" ? this.#self - 2 - hop : this.#self - 1 - hop);
  }

  #slice(index: number): Slice {
    return sliceOf(this.#next.length, this.#count, (index + 2 * this.#count) % this.#count);
  }
}
