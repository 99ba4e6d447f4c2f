import { AppError } from "../base/errors.ts";
import type { Replica } from "./replica.ts";
import type { Slice } from "./slices.ts";

/** Where a member stands, and what it can give to others. */
export interface Position {
  /** The last round that it has completed. */
  readonly round: number;
  /** One of which it has updated only its slice. */
  readonly pendingRound: number | undefined;
  /** What its weights after `round` are: two members at one round may have come there by different rings. */
  readonly checksum: number;
  /** Of which parts of the vector it has the optimizer's state, after `round` and after `pendingRound`. */
  readonly slices: readonly Slice[];
}

/** The optimizer's vectors of a slice, which begins at `from`. */
export interface HeldPart {
  readonly from: number;
  readonly vectors: readonly Float32Array[];
}

/**
 * What a member holds of a training from one ring to the next. A new ring gives it another slice; others may still need
 * the state of its old one, in this ring or, when this one does not come about, in the next. So the old replica stays
 * until the new ring makes a round. Nothing of it changes meanwhile: what is given is one moment's state, and copying
 * it takes no time from anybody.
 */
export class Holdings {
  #latest: Replica | undefined;
  /** Its part in the last ring that made a round, while the latest has made none. */
  #proven: Replica | undefined;
  #offered: readonly Replica[] = [];

  /** The weights and state of its last ring. */
  get latest(): Replica | undefined {
    return this.#latest;
  }

  /** What others may be given: another list after each time that it was asked, and an empty one once a round begins. */
  get offered(): readonly Replica[] {
    return this.#offered;
  }

  /** Asked where it stands, it says so; until a round begins it can be asked for what it says. */
  offer(): Position | undefined {
    const latest = this.#latest;
    if (latest === undefined) return undefined;
    const { round, pendingRound, checksum } = latest;
    this.#offered = this.#proven?.hasStateOf(round) === true ? [this.#proven, latest] : [latest];
    return { round, pendingRound, checksum, slices: this.#offered.map(({ slice }) => slice) };
  }

  /** It has its place in a new ring. */
  replace(replica: Replica): void {
    this.#proven ??= this.#latest;
    this.#latest = replica;
  }

  /** The new ring makes a round: all have what they need. */
  roundBegins(): void {
    this.#proven = undefined;
    this.#offered = [];
  }

  /**
   * What it hands over to the trainer of the state after `round`: of a ring that stands its slice, with which the
   * others' make a whole; before it stands, all that it said it has, since others may lack some. Throws `protocol` for
   * another round than one of these.
   */
  handedOver(round: number, ringStands: boolean): HeldPart[] {
    const latest = this.#latest === undefined ? [] : [this.#latest];
    const replicas = ringStands || this.#offered.length === 0 ? latest : this.#offered;
    return replicas.map((one) => ({ from: one.slice.from, vectors: one.stateOf(round) }));
  }

  /** The weights after `round`, of what was offered. Throws `refused` where they are not. */
  weightsOf(round: number): Float32Array {
    const at = this.#offered.at(-1);
    if (at?.round !== round) throw new AppError("refused", `there are no weights of round ${round} here`);
    return at.weights;
  }

  /** The optimizer's state of a part after `round`, of what was offered. Throws `refused` where it is not. */
  stateOf(round: number, { from, to }: Slice): Float32Array[] {
    const has = this.#offered.find(
      (one) => one.hasStateOf(round) && one.slice.from <= from && to <= one.slice.to,
    );
    if (has === undefined) {
      throw new AppError("refused", `the state of ${from} to ${to} after round ${round} is not here`);
    }
    const { slice } = has;
    return has.stateOf(round).map((vector) => vector.subarray(from - slice.from, to - slice.from));
  }
}
