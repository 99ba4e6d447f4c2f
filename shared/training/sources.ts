import type { Position } from "./holdings.ts";
import type { MemberId, MembershipAction, Milestone } from "./membership-words.ts";
import { cover, type Slice, sliceOf } from "./slices.ts";

/** A member that has something of the state that all go on from. */
export interface Holder {
  readonly member: MemberId;
  readonly hasWeights: boolean;
  /** Of which parts it has the optimizer's state. */
  readonly slices: readonly Slice[];
}

type Positions = ReadonlyMap<MemberId, Position | undefined>;

/**
 * What the weights after `round` are, which the held state or some member has: as was known before, where somebody
 * still has those; otherwise as most of those say who completed the round, the first of as many.
 *
 * @param known what the members came to last, where that was
 */
export function truthAt(round: number, positions: Positions, known: Milestone, held: Milestone): Milestone {
  const said = new Map<number, number>();
  for (const at of positions.values()) {
    if (at?.round === round) said.set(at.checksum, (said.get(at.checksum) ?? 0) + 1);
  }
  if (known.round === round && known.checksum !== undefined && said.has(known.checksum)) return known;
  if (held.round === round) return held;
  const most = Math.max(...said.values());
  return { round, checksum: [...said].find(([, count]) => count === most)?.[0] };
}

/** Who has something of the state of these weights, in the order of `members`. */
export function holdersOf(
  { round, checksum }: Milestone,
  members: readonly MemberId[],
  positions: Positions,
): Holder[] {
  return members.flatMap((member) => {
    const at = positions.get(member);
    const hasWeights = at?.round === round && at.checksum === checksum;
    // Whoever updated its slice for the round has its state, whether or not it heard of the other slices.
    if (at === undefined || (!hasWeights && at.pendingRound !== round)) return [];
    return [{ member, hasWeights, slices: at.slices }];
  });
}

/** From whom a member gets what it lacks for its place in a ring; what no member has is the trainer's to send. */
export interface Sources {
  /** Who gives it the weights; `undefined` where it keeps its own, or gets them from the trainer. */
  readonly weights: MemberId | undefined;
  /** Who has which part of its slice's state; it may be itself. */
  readonly parts: readonly (Slice & { readonly member: MemberId })[];
  /** Parts of its slice whose state nobody has. */
  readonly gaps: readonly Slice[];
}

/** @param total numbers in the weight vector */
export function sourcesOf(
  {
    member,
    members,
    keepsWeights,
    holders,
  }: Pick<Extract<MembershipAction, { kind: "form" }>, "member" | "members" | "keepsWeights" | "holders">,
  total: number,
): Sources {
  const self = members.indexOf(member);
  // Its own first; then everybody begins with another, so that not all ask the same one.
  const first = holders.length === 0 ? 0 : self % holders.length;
  const others = [...holders.slice(first), ...holders.slice(0, first)].filter((one) => one.member !== member);
  const own = holders.filter((one) => one.member === member);
  const given = [...own, ...others].flatMap((one) =>
    one.slices.map((slice) => ({ ...slice, member: one.member })),
  );
  const { parts, gaps } = cover(sliceOf(total, members.length, self), given);
  return {
    weights: keepsWeights ? undefined : others.find(({ hasWeights }) => hasWeights)?.member,
    parts: parts.map(({ giver, from, to }) => ({ member: given[giver]!.member, from, to })),
    gaps,
  };
}
