import { AppError, errorLine } from "../../shared/base/errors.ts";
import { deferred, onAbort, within } from "../../shared/base/wait.ts";
import type { Connection } from "../../shared/net/connection.ts";
import type { Site } from "../../shared/net/site.ts";
import { piecesOf } from "../../shared/training/state-sending.ts";
import { Dispatch, type MessageOf, messageTag } from "../../shared/wire/message.ts";
import {
  type RingMember,
  StatePiece,
  StateRefused,
  StateWanted,
} from "../../shared/wire/messages/training.ts";
import { RingError, reachMember } from "./ring-links.ts";

/** How long a member waits for state from others: all the rest wait for it, and there is the way over the trainer. */
export const STATE_LIMITS = {
  /** From one piece to the next. */
  pieceMs: 2000,
  /** For all that another gives, however steadily it comes. */
  allMs: 10_000,
} as const;

/** Numbers in a piece: on a slow network the next one shall come long before it is missed. */
const PIECE_FLOATS = 32 * 1024;

type Wanted = MessageOf<typeof StateWanted>;

/** What a member gives, as it is at one moment. */
export interface Given {
  /** The first is vector 0, the weights, where these were asked for; otherwise 1. */
  readonly vectors: readonly Float32Array[];
  /** Whether `vectors` are still what they were: then, and not a round later, they may be sent. */
  isCurrent(): boolean;
}

/**
 * Gives another worker the state that it asks for, until it ends the link.
 *
 * @param first its first message
 * @param give finds what is wanted; throws an `AppError` that says why not
 */
export async function serveState(
  link: Connection,
  first: Buffer,
  messages: AsyncIterable<Buffer>,
  give: (wanted: Wanted) => Given,
): Promise<void> {
  const dispatch = new Dispatch().on(StateWanted, async (wanted) => {
    try {
      await send(link, wanted, give(wanted));
    } catch (error) {
      if (!(error instanceof AppError) || link.closed.aborted) throw error;
      await link.send(StateRefused, { reason: errorLine(error).slice(0, 1000) });
    }
  });
  await dispatch.run(first);
  for await (const body of messages) await dispatch.run(body);
}

async function send(link: Connection, wanted: Wanted, { vectors, isCurrent }: Given): Promise<void> {
  const { generation, what, from } = wanted;
  for (const [i, values] of vectors.entries()) {
    const vector = what === "weights" ? 0 : 1 + i;
    for (const { at, part } of piecesOf(values, PIECE_FLOATS)) {
      if (!isCurrent()) throw new AppError("refused", "that ring is over");
      await link.send(StatePiece, { generation, vector, offset: from + at, values: part });
    }
  }
}

/** What is wanted of one member, and where it goes: as many vectors as it has, each as long as the part. */
export interface Want {
  readonly peer: RingMember;
  readonly wanted: Wanted;
  readonly into: readonly Float32Array[];
}

interface FetchOptions {
  readonly site: Site;
  readonly signal: AbortSignal;
  readonly limits?: { readonly pieceMs: number; readonly allMs: number };
}

/**
 * Fetches state from other members, from several at once. What they send is taken only in the order and of the length
 * that was asked for; what the numbers are worth is the caller's to check.
 *
 * @throws {RingError} with the member that refused, cannot be reached, is gone, took too long or broke the rules
 */
export async function fetchState(
  wants: readonly Want[],
  { site, signal, limits = STATE_LIMITS }: FetchOptions,
): Promise<void> {
  const over = new AbortController();
  const gaveUp = deferred<never>();
  using _abort = onAbort(signal, () => gaveUp.reject(signal.reason));
  const lanes = [...Map.groupBy(wants, ({ peer }) => peer.nodeId).values()].map(async (ofOne) => {
    const { peer } = ofOne[0]!;
    try {
      const fetched = fetchFrom(peer, ofOne, { site, signal: over.signal, limits });
      await within(fetched, limits.allMs, "all of it");
    } catch (cause) {
      const words = `no state from worker "${peer.name}": ${errorLine(cause)}`;
      throw new RingError(words, peer.nodeId, cause);
    }
  });
  try {
    await Promise.race([Promise.all(lanes), gaveUp.promise]);
  } finally {
    over.abort(new AppError("cancelled", "no more state is wanted"));
  }
}

async function fetchFrom(
  peer: RingMember,
  wants: readonly Want[],
  { site, signal, limits }: Required<FetchOptions>,
): Promise<void> {
  const link = await reachMember(site, peer, signal);
  try {
    const messages = link.messages();
    for (const { wanted, into } of wants) {
      await link.send(StateWanted, wanted);
      for (const [i, vector] of into.entries()) {
        const next = (): Promise<IteratorResult<Buffer>> =>
          within(messages.next(), limits.pieceMs, "the next piece");
        await receive(next, wanted, (wanted.what === "weights" ? 0 : 1) + i, vector);
      }
    }
  } finally {
    void link.close("no more state is wanted");
  }
}

/** Fills one vector from the pieces that come next. */
async function receive(
  next: () => Promise<IteratorResult<Buffer>>,
  { generation, from }: Wanted,
  vector: number,
  into: Float32Array,
): Promise<void> {
  for (let at = 0; at < into.length; ) {
    const { done, value: body } = await next();
    if (done === true) throw new AppError("unavailable", "it ended the link");
    if (messageTag(body) === StateRefused.tag) {
      throw new AppError("refused", StateRefused.decode(body).reason);
    }
    const piece = StatePiece.decode(body);
    const { length } = piece.values;
    const isNext = piece.generation === generation && piece.vector === vector && piece.offset === from + at;
    if (!isNext || length === 0 || length > into.length - at) {
      throw new AppError(
        "protocol",
        `a piece of vector ${piece.vector} at ${piece.offset} was not asked for`,
      );
    }
    into.set(piece.values, at);
    at += length;
  }
}
