import { AppError } from "../base/errors.ts";
import { bytesOf, type NumberFormat, numberFormat, type WireFormat } from "../numeric/wire-format.ts";
import { type Slice, sliceOf } from "./slices.ts";

/** A run of numbers on its way round the ring. Each goes to the next member. */
export interface RingPiece {
  /** `reduce`: a partial sum; `gather`: new weights, or how far they have moved. */
  readonly phase: "reduce" | "gather";
  /** Links that this run of numbers has crossed before this one: 0 to members - 2. */
  readonly hop: number;
  /** Place of the first number in the vector. */
  readonly offset: number;
  /** The numbers in the round's wire format; good until the call that hands them over returns. */
  readonly bytes: Uint8Array;
}

/** What happens to the sum of a member's own slice: it writes the slice's new weights into `next`. */
export type SliceUpdate = (sum: Float32Array, slice: Slice) => void;

export interface RingRoundOptions {
  readonly count: number;
  readonly self: number;
  /** This member's own summand; becomes scratch. */
  readonly sum: Float32Array;
  /** The weights that all members begin the round with; only read. */
  readonly weights: Float32Array;
  /** Receives the new weights of all slices: the one of `self` by `update`, the others from the ring. */
  readonly next: Float32Array;
  readonly update: SliceUpdate;
  readonly send: (piece: RingPiece) => void;
  /** `float32` by default. The same for all members. */
  readonly format?: WireFormat;
  /**
   * What this member still has to say, kept from round to round: in its own slice how far its exact weights are from
   * everybody's, elsewhere what is missing of its summands. Needed where the format is not exact.
   */
  readonly unsaid?: Float32Array | undefined;
  /** Numbers of a piece; the same for all members. */
  readonly pieceFloats?: number;
}

/** 128 KB: its memory is used again before the allocator returns it, and a slice of a megabyte still flows in pieces. */
const PIECE_FLOATS = 32 * 1024;

/**
 * One member's part in one ring all-reduce (Patarasuk and Yuan 2009), with the weight update between its two halves.
 *
 * Reduce-scatter: slice k starts at member k + 1, and every member adds its own numbers as the slice passes, so it
 * arrives at member k as the sum over all, added in the same order every time. Member k updates the weights of slice
 * k. All-gather: the new weights of slice k go round, and each member writes them down. Each number crosses each
 * link twice at most: 2 (N - 1) / N of the vector per member, whatever N.
 *
 * Where the format is not exact, what goes round in the second half is how far the weights moved. Everybody, the
 * owner too, adds what the bytes say to the same old weights: the weights stay the same bits everywhere, and the owner
 * remembers how far its exact ones are from them.
 *
 * No IO here: pieces go in by `receive`, and out by the `send` that it was given. Pieces from the previous member
 * must come in the order in which it sent them.
 */
export class RingRound {
  readonly #options: RingRoundOptions;
  readonly #format: NumberFormat;
  readonly #pieceFloats: number;
  /** Where the next piece of each phase and hop must start. */
  readonly #expected: Record<RingPiece["phase"], number[]>;
  readonly #numbers: Float32Array;
  readonly #bytes: Uint8Array;
  #left: number;
  #updated = false;

  constructor(options: RingRoundOptions) {
    const { count, next, format = "float32", pieceFloats = PIECE_FLOATS, unsaid } = options;
    this.#options = options;
    this.#format = numberFormat(format);
    this.#pieceFloats = pieceFloats;
    if (!this.#format.exact && count > 1 && unsaid === undefined) {
      throw new AppError("bug", `${format} needs room for what it leaves unsaid`);
    }
    const most = Math.min(pieceFloats, next.length);
    this.#numbers = new Float32Array(most);
    this.#bytes = new Uint8Array(new ArrayBuffer(this.#format.exact ? 0 : this.#format.sizeOf(most)));
    const hops = Array.from({ length: count - 1 }, (_, hop) => hop);
    this.#expected = {
      reduce: hops.map((hop) => this.#sliceAt("reduce", hop).from),
      gather: hops.map((hop) => this.#sliceAt("gather", hop).from),
    };
    this.#left = next.length;
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
    const { count, self } = this.#options;
    if (count > 1) {
      this.#eachPiece(this.#slice(self - 1), (offset, end) => this.#sendSum(0, offset, end));
    }
    // A slice is empty where there are more members than numbers; then nothing will announce that it is summed.
    const own = this.#slice(self);
    if (count === 1 || own.from === own.to) this.#finishOwn();
  }

  /** Takes a piece from the previous member. Throws `protocol` when it is not the one that must come. */
  receive(piece: RingPiece): void {
    const { phase, hop, offset, bytes } = piece;
    const expected = this.#expected[phase][hop];
    const slice = expected === undefined ? undefined : this.#sliceAt(phase, hop);
    if (slice === undefined || offset !== expected || offset >= slice.to) {
      throw new AppError("protocol", `ring piece ${phase} ${hop} at ${offset} is out of order`);
    }
    const end = Math.min(slice.to, offset + this.#pieceFloats);
    const size = this.#format.sizeOf(end - offset);
    if (bytes.length !== size) {
      throw new AppError("protocol", `ring piece of ${bytes.length} B, ${size} B expected`);
    }
    this.#expected[phase][hop] = end;
    if (phase === "reduce") this.#reduce(piece, end, slice);
    else this.#gather(piece, end);
  }

  #reduce({ hop, offset, bytes }: RingPiece, end: number, slice: Slice): void {
    const { sum, count } = this.#options;
    add(sum, this.#said(bytes, end - offset), offset);
    if (hop < count - 2) this.#sendSum(hop + 1, offset, end);
    else if (end === slice.to) this.#finishOwn();
  }

  #gather({ hop, offset, bytes }: RingPiece, end: number): void {
    const { next, weights, count, send } = this.#options;
    if (this.#format.exact) next.set(this.#said(bytes, end - offset), offset);
    else addTo(next, weights, this.#said(bytes, end - offset), offset);
    this.#left -= end - offset;
    if (hop < count - 2) send({ phase: "gather", hop: hop + 1, offset, bytes });
  }

  #finishOwn(): void {
    const { self, sum, count, next, update, send } = this.#options;
    const own = this.#slice(self);
    update(sum, own);
    this.#updated = true;
    this.#left -= own.to - own.from;
    if (count === 1) return;
    this.#eachPiece(own, (offset, end) => {
      const bytes = this.#format.exact ? bytesOf(next.subarray(offset, end)) : this.#encodeMove(offset, end);
      send({ phase: "gather", hop: 0, offset, bytes });
    });
  }

  /** Sends a part of `sum`. */
  #sendSum(hop: number, offset: number, end: number): void {
    const { sum, unsaid, send } = this.#options;
    const part = sum.subarray(offset, end);
    if (this.#format.exact) {
      send({ phase: "reduce", hop, offset, bytes: bytesOf(part) });
      return;
    }
    const rest = unsaid!.subarray(offset, end);
    add(part, rest, 0);
    const bytes = this.#bytes.subarray(0, this.#format.sizeOf(part.length));
    this.#format.encode(part, bytes);
    subtract(part, this.#said(bytes, part.length), rest);
    send({ phase: "reduce", hop, offset, bytes });
  }

  /** How far a part of the own slice moved, as bytes; `next` becomes what they say. */
  #encodeMove(offset: number, end: number): Uint8Array {
    const { next, weights, unsaid } = this.#options;
    const [exact, old, rest] = [next, weights, unsaid!].map((vector) => vector.subarray(offset, end));
    const move = this.#numbers.subarray(0, end - offset);
    subtract(exact!, old!, move);
    const bytes = this.#bytes.subarray(0, this.#format.sizeOf(move.length));
    this.#format.encode(move, bytes);
    rest!.set(exact!);
    addTo(next, weights, this.#said(bytes, move.length), offset);
    subtract(rest!, exact!, rest!);
    return bytes;
  }

  /** The numbers of a piece; good until the next call. */
  #said(bytes: Uint8Array, count: number): Float32Array {
    if (this.#format.exact && bytes.byteOffset % 4 === 0) {
      return new Float32Array(bytes.buffer, bytes.byteOffset, count);
    }
    const numbers = this.#numbers.subarray(0, count);
    this.#format.decode(bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes), numbers);
    return numbers;
  }

  #eachPiece({ from, to }: Slice, work: (offset: number, end: number) => void): void {
    for (let offset = from; offset < to; offset += this.#pieceFloats) {
      work(offset, Math.min(to, offset + this.#pieceFloats));
    }
  }

  /** The slice that arrives from the previous member at this hop. */
  #sliceAt(phase: RingPiece["phase"], hop: number): Slice {
    const { self } = this.#options;
    return this.#slice(phase === "reduce" ? self - 2 - hop : self - 1 - hop);
  }

  #slice(index: number): Slice {
    const { next, count } = this.#options;
    return sliceOf(next.length, count, (index + 2 * count) % count);
  }
}

/** into[offset ...] += values */
function add(into: Float32Array, values: Float32Array, offset: number): void {
  for (let i = 0; i < values.length; i++) into[offset + i] = into[offset + i]! + values[i]!;
}

/** into[offset ...] = base[offset ...] + values */
function addTo(into: Float32Array, base: Float32Array, values: Float32Array, offset: number): void {
  for (let i = 0; i < values.length; i++) into[offset + i] = base[offset + i]! + values[i]!;
}

/** into = a - b */
function subtract(a: Float32Array, b: Float32Array, into: Float32Array): void {
  for (let i = 0; i < into.length; i++) into[i] = a[i]! - b[i]!;
}
