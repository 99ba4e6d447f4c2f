import { AppError, errorLine } from "../../shared/base/errors.ts";
import type { Log } from "../../shared/base/log.ts";
import { type Deferred, deferred, onAbort, within } from "../../shared/base/wait.ts";
import { connect } from "../../shared/net/connect.ts";
import type { Connection } from "../../shared/net/connection.ts";
import { RING_PACE } from "../../shared/net/liveness.ts";
import type { Site } from "../../shared/net/site.ts";
import type { MessageOf } from "../../shared/wire/message.ts";
import { RingJoin, type RingMember, RingNumbers } from "../../shared/wire/messages/training.ts";

/** For a link to a member, whose door is open whatever it does. */
const REACH_TIMEOUT_MS = 1500;
/** For the link of the previous member, which may still be receiving its state; the trainer has its own patience. */
const RING_TIMEOUT_MS = 30_000;
/** A link for a generation that nobody here waits for yet is kept so long. */
const EARLY_LINK_MS = RING_TIMEOUT_MS;

type Numbers = MessageOf<typeof RingNumbers>;

/** A ring link from the previous member, with its first message read. */
interface IncomingLink {
  readonly link: Connection;
  readonly messages: AsyncIterableIterator<Buffer>;
}

/** Where other workers' ring links arrive. Each names its job and generation, and waits for the ring that wants it. */
export class RingDoor {
  readonly #log: Log;
  readonly #waiting = new Map<string, Deferred<IncomingLink>>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** A worker's ring link from the listener. @param first its first message */
  arrived(link: Connection, first: Buffer, messages: AsyncIterableIterator<Buffer>): void {
    const { jobId, generation } = RingJoin.decode(first);
    const key = keyOf(jobId, generation, link.peer.nodeId);
    this.#place(key).resolve({ link, messages });
    // One that has ended by then, too: nobody else would forget it.
    setTimeout(() => this.#forget(key, link), EARLY_LINK_MS).unref();
  }

  /** The link of the member `nodeId` for this ring. */
  async take(jobId: number, generation: number, nodeId: string, signal: AbortSignal): Promise<IncomingLink> {
    const key = keyOf(jobId, generation, nodeId);
    const place = this.#place(key);
    using _abort = onAbort(signal, () => place.reject(signal.reason));
    try {
      return await within(place.promise, RING_TIMEOUT_MS, "the ring link of the previous worker");
    } finally {
      this.#waiting.delete(key);
    }
  }

  #place(key: string): Deferred<IncomingLink> {
    const known = this.#waiting.get(key);
    if (known !== undefined) return known;
    const place = deferred<IncomingLink>();
    this.#waiting.set(key, place);
    return place;
  }

  /** Nobody took it: its ring is over before it began. */
  #forget(key: string, link: Connection): void {
    if (!this.#waiting.delete(key)) return;
    this.#log.debug("a ring link that nobody waits for is closed", { from: link.peer.name });
    void link.close("no such ring");
  }
}

/** An error of the ring with the member that it is about. */
export class RingError extends AppError {
  readonly suspect: string | undefined;

  constructor(message: string, suspect: string | undefined, cause: unknown) {
    super("unavailable", message, { cause });
    this.suspect = suspect;
  }
}

/** A link to a member at its door. Throws `unavailable` when it does not open, or another worker's does. */
export async function reachMember(site: Site, member: RingMember, signal: AbortSignal): Promise<Connection> {
  const { host, port, nodeId } = member;
  const link = await connect({
    site,
    role: "worker",
    address: { host, port },
    expect: ["worker"],
    signal,
    timeoutMs: REACH_TIMEOUT_MS,
    pace: RING_PACE,
  });
  if (link.peer.nodeId === nodeId) return link;
  void link.close("another worker was expected here");
  throw new AppError("unavailable", `another worker than "${member.name}" listens there`);
}

/** The two links of one member in one ring: to the next member, and from the previous one. */
export class RingLinks {
  readonly #next: Connection;
  readonly #nextMember: RingMember;
  readonly #previous: IncomingLink;
  readonly #previousMember: RingMember;

  private constructor(
    next: Connection,
    nextMember: RingMember,
    previous: IncomingLink,
    previousMember: RingMember,
  ) {
    this.#next = next;
    this.#nextMember = nextMember;
    this.#previous = previous;
    this.#previousMember = previousMember;
  }

  /** Connects to the next member while the previous one connects here. Throws `RingError`. */
  static async open(options: {
    readonly site: Site;
    readonly door: RingDoor;
    readonly jobId: number;
    readonly generation: number;
    readonly members: readonly RingMember[];
    readonly self: number;
    readonly signal: AbortSignal;
  }): Promise<RingLinks> {
    const { site, door, jobId, generation, members, self, signal } = options;
    const nextMember = members[(self + 1) % members.length]!;
    const previousMember = members[(self + members.length - 1) % members.length]!;
    const gaveUp = new AbortController();
    const either = AbortSignal.any([signal, gaveUp.signal]);
    const about = (member: RingMember) => (reason: unknown) => {
      // The other link is of no use any more.
      gaveUp.abort(reason);
      const words = `no ring link with worker "${member.name}": ${errorLine(reason)}`;
      throw new RingError(words, member.nodeId, reason);
    };
    const reached = reachMember(site, nextMember, either).then(async (link) => {
      await link.send(RingJoin, { jobId, generation });
      return link;
    });
    const taken = door.take(jobId, generation, previousMember.nodeId, either);
    try {
      const [next, previous] = await Promise.all([
        reached.catch(about(nextMember)),
        taken.catch(about(previousMember)),
      ]);
      return new RingLinks(next, nextMember, previous, previousMember);
    } catch (error) {
      const why = "the ring did not come about";
      reached.then((link) => link.close(why)).catch(() => {});
      taken.then(({ link }) => link.close(why)).catch(() => {});
      throw error;
    }
  }

  /** Queues numbers for the next member; their bytes are copied before this returns. Throws `RingError` when it is gone. */
  async send(numbers: Numbers): Promise<void> {
    try {
      await this.#next.send(RingNumbers, numbers);
    } catch (cause) {
      const { name, nodeId } = this.#nextMember;
      throw new RingError(`the ring link to worker "${name}" broke`, nodeId, cause);
    }
  }

  /**
   * Numbers from the previous member, until this side closes; each good until the next is asked for. Throws
   * `RingError` when it is gone.
   */
  async *numbers(): AsyncGenerator<Numbers> {
    let cause: unknown;
    try {
      for await (const body of this.#previous.messages) {
        yield RingNumbers.decode(body);
        giveBack(body);
      }
    } catch (error) {
      cause = error;
    }
    const { name, nodeId } = this.#previousMember;
    throw new RingError(`the ring link from worker "${name}" broke`, nodeId, cause);
  }

  /** Ends both links without waiting for the peers. */
  close(): void {
    void this.#next.close("the ring is over");
    void this.#previous.link.close("the ring is over");
  }
}

/**
 * Gives the memory of a message back at once. The collector would, but late: until then every message takes fresh
 * pages, which cost more than all else that is done with it.
 */
function giveBack({ buffer, byteLength }: Buffer): void {
  // Small buffers share one.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

function keyOf(jobId: number, generation: number, nodeId: string): string {
  return `${jobId}/${generation}/${nodeId}`;
}
