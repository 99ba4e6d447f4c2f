import type { MembershipAction } from "../../shared/training/membership-words.ts";
import { sourcesOf } from "../../shared/training/sources.ts";
import { sendState } from "../../shared/training/state-sending.ts";
import { FormRing, type RingMember } from "../../shared/wire/messages/training.ts";
import type { HeldState } from "./gathering.ts";
import type { PoolWorker } from "./worker-pool.ts";

/**
 * Tells a worker its place in a ring, and who gives it what it lacks of the state; sends what no member has of what the
 * trainer holds.
 *
 * @param total numbers in the weight vector
 * @param addresses the members, in order
 * @param isCurrent whether this ring is still wanted
 */
export async function sendPlace(
  worker: PoolWorker,
  form: Extract<MembershipAction, { kind: "form" }>,
  held: HeldState,
  total: number,
  addresses: RingMember[],
  isCurrent: () => boolean,
): Promise<void> {
  const { generation, round, members, keepsWeights, checksum } = form;
  const { weights: giver, parts, gaps } = sourcesOf(form, total);
  const send = (vector: number, offset: number, values: Float32Array): Promise<void> =>
    sendState(worker.link, { generation, vector, offset }, values, isCurrent);
  const isSent = !keepsWeights && giver === undefined && held.weights !== undefined;
  if (isSent) await send(0, 0, held.weights);
  for (const [i, vector] of held.state.entries()) {
    for (const { from, to } of gaps) await send(1 + i, from, vector.subarray(from, to));
  }
  if (!isCurrent()) return;
  await worker.link.send(FormRing, {
    generation,
    round,
    members: addresses,
    self: members.indexOf(worker.nodeId),
    weights: keepsWeights ? "keep" : giver !== undefined ? "member" : isSent ? "sent" : "start",
    weightsPlace: giver === undefined ? 0 : members.indexOf(giver),
    checksum,
    parts: parts.map(({ member, from, to }) => ({ place: members.indexOf(member), from, to })),
    state: held.state.length > 0,
  });
}
