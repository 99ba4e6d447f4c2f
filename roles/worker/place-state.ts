import { AppError } from "../../shared/base/errors.ts";
import type { Site } from "../../shared/net/site.ts";
import type { Holdings } from "../../shared/training/holdings.ts";
import { Replica } from "../../shared/training/replica.ts";
import { checksumOf, cover, type Slice, sliceOf } from "../../shared/training/slices.ts";
import type { MessageOf } from "../../shared/wire/message.ts";
import type { FormRing } from "../../shared/wire/messages/training.ts";
import type { Compute } from "./compute.ts";
import { RingError } from "./ring-links.ts";
import type { StateInbox } from "./state-inbox.ts";
import { fetchState, type Want } from "./state-peers.ts";

type Place = MessageOf<typeof FormRing>;

/** What a member has to go on from. */
export interface PlaceContext {
  readonly jobId: number;
  readonly site: Site;
  readonly compute: Compute;
  readonly stateVectors: number;
  /** From its rings before. */
  readonly holdings: Holdings;
  /** From the trainer. */
  readonly inbox: StateInbox;
  /** The generation is over. */
  readonly signal: AbortSignal;
}

/**
 * Puts together what a member goes on from at its place in a new ring: of its own, of what the trainer has sent, and of
 * what other members give it now.
 *
 * @throws {RingError} when one of these does not give what it should; `protocol` when the trainer did not
 */
export async function replicaAt(place: Place, context: PlaceContext): Promise<Replica> {
  const { round, members, self } = place;
  const { compute, jobId, site, signal } = context;
  const slice = sliceOf(compute.parameterCount, members.length, self);
  // What was sent is gone as soon as that of the next generation comes: first of all it is taken.
  const weights = ownWeights(place, context);
  const state = ownState(place, slice, context);
  const wants: Want[] = [];
  const want = (
    at: number,
    what: "weights" | "optimizer",
    part: Slice,
    into: readonly Float32Array[],
  ): void => {
    const { generation } = place;
    const { from, to } = part;
    wants.push({ peer: memberAt(place, at), wanted: { jobId, generation, round, what, from, to }, into });
  };
  if (place.weights === "member") {
    want(place.weightsPlace, "weights", { from: 0, to: weights.length }, [weights]);
  }
  for (const { place: at, from, to } of place.parts) {
    if (at !== self) want(at, "optimizer", { from, to }, partOf(state, slice, { from, to }));
  }
  if (wants.length > 0) await fetchState(wants, { site, signal });
  if (place.weights === "member" && checksumOf(weights) !== place.checksum) {
    const { name, nodeId } = memberAt(place, place.weightsPlace);
    throw new RingError(`the weights of worker "${name}" are not those of round ${round}`, nodeId, undefined);
  }
  if (!place.state) beginGaps(state, slice, place, weights);
  const isFresh = place.parts.length === 0 && !place.state;
  const rule = compute.sliceRule(slice, isFresh ? undefined : state);
  return new Replica({ weights, round, rule, members: members.length, self });
}

function memberAt({ members }: Place, at: number): Place["members"][number] {
  const member = members[at];
  if (member === undefined) throw new AppError("protocol", `place ${at} in a ring of ${members.length}`);
  return member;
}

/** The weights, or where another member gives them, room for these. */
function ownWeights(
  { weights, generation }: Place,
  { compute, holdings, inbox }: PlaceContext,
): Float32Array {
  if (weights === "start") return compute.startWeights();
  if (weights === "sent") return inbox.claim(generation, 0);
  if (weights === "member") return new Float32Array(compute.parameterCount);
  const own = holdings.latest?.weights;
  if (own === undefined) throw new AppError("protocol", "told to keep weights, has none");
  return own;
}

/** The slice's vectors with what is here already, and room for what others give. */
function ownState(
  { generation, round, self, parts, state }: Place,
  slice: Slice,
  { stateVectors, holdings, inbox }: PlaceContext,
): Float32Array[] {
  const vectors = Array.from({ length: stateVectors }, () => new Float32Array(slice.to - slice.from));
  for (const part of parts) {
    const own = part.place === self ? holdings.stateOf(round, part) : [];
    for (const [i, into] of partOf(vectors, slice, part).entries())
      if (own[i] !== undefined) into.set(own[i]);
  }
  const { gaps } = cover(slice, parts);
  if (!state || gaps.length === 0) return vectors;
  for (const [i, vector] of vectors.entries()) {
    const sent = inbox.claim(generation, 1 + i);
    for (const { from, to } of gaps) vector.set(sent.subarray(from, to), from - slice.from);
  }
  return vectors;
}

/** A part of a slice's vectors, live. */
function partOf(vectors: readonly Float32Array[], slice: Slice, { from, to }: Slice): Float32Array[] {
  if (!(slice.from <= from && from <= to && to <= slice.to)) {
    throw new AppError(
      "protocol",
      `the state of ${from} to ${to} for a slice of ${slice.from} to ${slice.to}`,
    );
  }
  return vectors.map((vector) => vector.subarray(from - slice.from, to - slice.from));
}

/** Where a state was lost before anybody else had it, its means begin anew: that of the weights with these. */
function beginGaps(
  state: readonly Float32Array[],
  slice: Slice,
  { parts }: Place,
  weights: Float32Array,
): void {
  for (const { from, to } of cover(slice, parts).gaps) {
    state.at(-1)?.set(weights.subarray(from, to), from - slice.from);
  }
}
