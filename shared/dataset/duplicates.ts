import { l1Norm, l2Norm, lInfNorm, rowsByNorm } from "../numeric/norms.ts";
import { type Fingerprint, SIGNATURE_CELLS } from "./duplicates-signature.ts";

/** Pictures that show the same. */
export interface DuplicateGroup {
  /** `exact`: files with the same bytes. `near`: at least one differs in its bytes only. */
  readonly kind: "exact" | "near";
  /** Places in the list that was searched, ascending; two or more. */
  readonly members: readonly number[];
  /** The mean difference of the grey levels between the two least similar neighbours of the group, 0 to 255. */
  readonly difference: number;
}

/**
 * Two pictures are near-duplicates when their signatures differ by no more than this share of their length (which
 * is a correlation above 0.99), and in no cell by more than so many grey levels: the first finds copies that were
 * saved again, resized or slightly recoloured, the second tells frames of one camera apart once something moved.
 */
const DISTANCE_SHARE_MAX = 0.14;
const CELL_DIFFERENCE_MAX = 20;
/** A picture with less contrast than this (root mean square, in grey levels) has nothing to be recognised by. */
const CONTRAST_MIN = 3;
/** Above this many, comparing pictures pair by pair would take minutes: only exact copies are looked for then. */
export const NEAR_SEARCH_COUNT_MAX = 20_000;

/**
 * Groups of pictures that are copies of one another. Near-duplicates are searched along the signatures' lengths: by
 * the triangle inequality, lengths of similar ones differ by no more than their distance.
 */
export function findDuplicates(pictures: readonly Fingerprint[]): DuplicateGroup[] {
  const groups = new Groups(pictures.length);
  const byHash = new Map<string, number>();
  pictures.forEach(({ hash }, place) => {
    const first = byHash.get(hash);
    if (first === undefined) byHash.set(hash, place);
    else groups.join(first, place, 0, "exact");
  });
  // One picture stands for its exact copies.
  const distinct = [...byHash.values()].filter((place) => pictures[place]!.signature !== undefined);
  if (pictures.length <= NEAR_SEARCH_COUNT_MAX) joinSimilar(pictures, distinct, groups);
  return groups.list();
}

function joinSimilar(pictures: readonly Fingerprint[], places: readonly number[], groups: Groups): void {
  const rows = new Float32Array(places.length * SIGNATURE_CELLS);
  places.forEach((place, row) => {
    rows.set(pictures[place]!.signature!, row * SIGNATURE_CELLS);
  });
  const { order, lengths } = rowsByNorm(rows, SIGNATURE_CELLS, l2Norm);
  const rowOf = (rank: number): Float32Array => {
    const from = order[rank]! * SIGNATURE_CELLS;
    return rows.subarray(from, from + SIGNATURE_CELLS);
  };
  const apart = new Float32Array(SIGNATURE_CELLS);
  for (let a = 0; a < order.length; a++) {
    const length = lengths[a]!;
    if (length < CONTRAST_MIN * Math.sqrt(SIGNATURE_CELLS)) continue;
    const distanceMax = DISTANCE_SHARE_MAX * length;
    const row = rowOf(a);
    for (let b = a + 1; b < order.length && lengths[b]! - length <= distanceMax; b++) {
      const other = rowOf(b);
      for (let i = 0; i < SIGNATURE_CELLS; i++) apart[i] = row[i]! - other[i]!;
      if (l2Norm(apart) > distanceMax || lInfNorm(apart) > CELL_DIFFERENCE_MAX) continue;
      groups.join(places[order[a]!]!, places[order[b]!]!, l1Norm(apart) / SIGNATURE_CELLS, "near");
    }
  }
}

/** Disjoint sets with path halving (Tarjan and van Leeuwen 1984); a set's root is its first member. */
class Groups {
  readonly #parents: Uint32Array;
  readonly #differences: Float64Array;
  readonly #near: Uint8Array;

  constructor(count: number) {
    this.#parents = Uint32Array.from({ length: count }, (_, place) => place);
    this.#differences = new Float64Array(count);
    this.#near = new Uint8Array(count);
  }

  join(a: number, b: number, difference: number, kind: DuplicateGroup["kind"]): void {
    const [first, second] = [this.#root(a), this.#root(b)].sort((x, y) => x - y) as [number, number];
    this.#parents[second] = first;
    this.#differences[first] = Math.max(this.#differences[first]!, this.#differences[second]!, difference);
    this.#near[first]! |= this.#near[second]! | (kind === "near" ? 1 : 0);
  }

  list(): DuplicateGroup[] {
    const places = Array.from(this.#parents.keys());
    return [...Map.groupBy(places, (place) => this.#root(place))]
      .filter(([, members]) => members.length > 1)
      .map(([root, members]) => ({
        kind: this.#near[root] === 1 ? "near" : "exact",
        members,
        difference: this.#differences[root]!,
      }));
  }

  #root(place: number): number {
    let at = place;
    while (this.#parents[at] !== at) {
      this.#parents[at] = this.#parents[this.#parents[at]!]!;
      at = this.#parents[at]!;
    }
    return at;
  }
}
