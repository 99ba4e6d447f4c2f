import { expect, setDefaultTimeout, test } from "bun:test";
import { RingError } from "../../../roles/worker/ring-links.ts";
import { fetchState, STATE_LIMITS, serveState, type Want } from "../../../roles/worker/state-peers.ts";
import { AppError } from "../../../shared/base/errors.ts";
import { silentLog } from "../../../shared/base/log.ts";
import type { Connection } from "../../../shared/net/connection.ts";
import { type Listener, listen } from "../../../shared/net/listener.ts";
import { siteOf } from "../../../shared/net/site.ts";
import { newKey } from "../../../shared/net/token.ts";
import type { MessageOf } from "../../../shared/wire/message.ts";
import { type RingMember, StatePiece, type StateWanted } from "../../../shared/wire/messages/training.ts";
import { appErrorOf } from "../../support/app-error.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const { signal } = new AbortController();
/** More than one piece, and no whole number of them. */
const COUNT = 100_000;
const key = newKey();
const site = siteOf(key, "newcomer");

type Serve = (link: Connection, first: Buffer, messages: AsyncIterableIterator<Buffer>) => Promise<void>;

/** A member's door, and how others are told of it. */
async function memberWho(serve: Serve): Promise<{ listener: Listener; member: RingMember }> {
  const own = siteOf(key, "giver");
  const listener = await listen({
    site: own,
    role: "worker",
    host: "127.0.0.1",
    port: 0,
    accept: ["worker"],
    signal,
    log: silentLog,
    async onConnection(link) {
      const messages = link.messages();
      const first = await messages.next();
      if (first.done !== true) await serve(link, first.value, messages);
    },
  });
  return { listener, member: { nodeId: own.nodeId, name: own.name, ...listener.address } };
}

/** Number `i` of vector `vector` of every member. */
const numberAt = (vector: number, i: number): number => 1000 * vector + (i % 997);

function want(peer: RingMember, what: "weights" | "optimizer", from: number, to: number): Want {
  const into = Array.from({ length: what === "weights" ? 1 : 3 }, () => new Float32Array(to - from));
  return { peer, wanted: { jobId: 1, generation: 5, round: 7, what, from, to }, into };
}

function expectFilled({ wanted: { what, from }, into }: Want): void {
  for (const [i, vector] of into.entries()) {
    const index = what === "weights" ? 0 : 1 + i;
    expect(vector.every((value, at) => value === numberAt(index, from + at))).toBe(true);
  }
}

test("a newcomer gets the weights and its slice's state from several members at once, every number in its place", async () => {
  const asked: MessageOf<typeof StateWanted>[] = [];
  const honest: Serve = (link, first, messages) =>
    serveState(link, first, messages, (wanted) => {
      asked.push(wanted);
      const indices = wanted.what === "weights" ? [0] : [1, 2, 3];
      const vectors = indices.map((index) =>
        Float32Array.from({ length: wanted.to - wanted.from }, (_, i) => numberAt(index, wanted.from + i)),
      );
      return { vectors, isCurrent: () => true };
    });
  const [a, b] = [await memberWho(honest), await memberWho(honest)];
  const wants = [
    want(a.member, "weights", 0, COUNT),
    want(a.member, "optimizer", 60_000, 80_000),
    want(b.member, "optimizer", 80_000, COUNT),
  ];
  await fetchState(wants, { site, signal });
  for (const one of wants) expectFilled(one);
  expect(asked).toHaveLength(3);
  for (const { listener } of [a, b]) await listener[Symbol.asyncDispose]();
});

/** One piece of the weights, right but for what is said otherwise. */
const piece = (link: Connection, other: Partial<MessageOf<typeof StatePiece>> = {}): Promise<void> =>
  link.send(StatePiece, { generation: 5, vector: 0, offset: 0, values: new Float32Array(10), ...other });

interface Bad {
  readonly serve: Serve;
  readonly says: string;
  /** Of what the others are given time enough for, on a busy machine too. */
  readonly limits?: Partial<Record<keyof typeof STATE_LIMITS, number>>;
}

const bad: Record<string, Bad> = {
  refuses: {
    serve: (link, first, messages) =>
      serveState(link, first, messages, () => {
        throw new AppError("refused", "generation 5 is not now");
      }),
    says: "generation 5 is not now",
  },
  "begins a round in the middle": {
    serve: (link, first, messages) => {
      let pieces = 0;
      const isCurrent = (): boolean => ++pieces < 3;
      return serveState(link, first, messages, () => ({ vectors: [new Float32Array(COUNT)], isCurrent }));
    },
    says: "that ring is over",
  },
  "is gone in the middle": {
    serve: async (link) => {
      await piece(link);
      await link.close("stopping");
    },
    says: "it ended the link",
  },
  "falls silent in the middle": {
    serve: (link) => piece(link),
    says: "the next piece",
    limits: { pieceMs: 250 },
  },
  "sends a little now and then": {
    async serve(link) {
      for (let offset = 0; !link.closed.aborted; offset += 10) {
        await piece(link, { offset });
        await Bun.sleep(5);
      }
    },
    says: "all of it",
    limits: { allMs: 500 },
  },
  "leaves numbers out": {
    serve: async (link) => {
      await piece(link);
      await piece(link, { offset: 11 });
    },
    says: "was not asked for",
  },
  "sends more than was asked for": {
    serve: (link) => piece(link, { values: new Float32Array(COUNT + 1) }),
    says: "was not asked for",
  },
  "sends another vector": { serve: (link) => piece(link, { vector: 1 }), says: "was not asked for" },
  "sends what is of another generation": {
    serve: (link) => piece(link, { generation: 4 }),
    says: "was not asked for",
  },
  "sends nothing for ever": {
    async serve(link) {
      for (let i = 0; i < 1000; i++) await piece(link, { values: new Float32Array(0) });
    },
    says: "was not asked for",
  },
};

test.each(Object.entries(bad))(
  "a member that %s is named, and its state is not waited for any longer",
  async (_, { serve, says, limits: own }) => {
    const { listener, member } = await memberWho((link, first, messages) =>
      serve(link, first, messages).catch((error) => {
        if (!link.closed.aborted) throw error;
      }),
    );
    const limits = { ...STATE_LIMITS, ...own };
    const error = await appErrorOf(fetchState([want(member, "weights", 0, COUNT)], { site, signal, limits }));
    expect(error instanceof RingError && error.suspect).toBe(member.nodeId);
    expect(error.message).toContain(says);
    await listener[Symbol.asyncDispose]();
  },
);

test("who is told that the ring is over waits for no member, though none answers", async () => {
  const wasAsked = Promise.withResolvers<void>();
  const { listener, member } = await memberWho(async () => wasAsked.resolve());
  const over = new AbortController();
  const error = appErrorOf(fetchState([want(member, "weights", 0, COUNT)], { site, signal: over.signal }));
  await wasAsked.promise;
  over.abort(new AppError("cancelled", "the ring is over"));
  expect((await error).message).toBe("the ring is over");
  await listener[Symbol.asyncDispose]();
});
