import { AppError } from "../../shared/base/errors.ts";
import { SHARD_SIZE_BYTES_MAX } from "../../shared/base/limits.ts";
import type { Log } from "../../shared/base/log.ts";
import { onAbort, within } from "../../shared/base/wait.ts";
import { connect } from "../../shared/net/connect.ts";
import type { Connection } from "../../shared/net/connection.ts";
import type { Site } from "../../shared/net/site.ts";
import type { BlobStore } from "../../shared/store/blobs.ts";
import { BlobInbox, sendBlob } from "../../shared/training/blob-transfer.ts";
import { Dispatch } from "../../shared/wire/message.ts";
import {
  BlobMissing,
  BlobPiece,
  BlobWanted,
  type RingMember,
  type ShardCard,
} from "../../shared/wire/messages/training.ts";

/** Workers that are asked at once. */
const PEERS_MAX = 3;
const REACH_TIMEOUT_MS = 1500;
/** For one shard; whoever is slower is no help. */
const SHARD_TIMEOUT_MS = 30_000;

/** Gives another worker the shards that it asks for, until it ends the link. @param first its first message */
export async function serveShards(
  link: Connection,
  first: Buffer,
  messages: AsyncIterable<Buffer>,
  store: BlobStore,
): Promise<void> {
  const dispatch = new Dispatch().on(BlobWanted, ({ sha256 }) => sendBlob(link, store, sha256));
  await dispatch.run(first);
  for await (const body of messages) await dispatch.run(body);
}

/**
 * Fetches shards from other workers, several at once, as far as they have them, so that the trainer's link carries
 * little more than one copy. What a peer sends is kept only when it has the content that its name says. Never throws:
 * what is still missing afterwards is to be had from the trainer.
 *
 * @returns how many came
 */
export async function fetchFromPeers(
  shards: readonly ShardCard[],
  peers: readonly RingMember[],
  options: {
    readonly site: Site;
    readonly store: BlobStore;
    readonly log: Log;
    readonly signal: AbortSignal;
  },
): Promise<number> {
  const { store, log } = options;
  /** Shards on their way from some peer, until it has or has not sent them. */
  const coming = new Map<string, Promise<unknown>>();
  let fetched = 0;
  const lane = async (peer: RingMember, place: number): Promise<void> => {
    await using source = await PeerSource.open(peer, options);
    // Everybody begins elsewhere, so that all get different parts and have something to give each other.
    const from = Math.floor((shards.length * place) / PEERS_MAX);
    const later: ShardCard[] = [];
    const take = async (shard: ShardCard): Promise<void> => {
      const { sha256 } = shard;
      if (store.has(sha256)) return;
      const arrived = source.fetch(shard).finally(() => coming.delete(sha256));
      coming.set(
        sha256,
        arrived.catch(() => {}),
      );
      if (await arrived) fetched++;
    };
    for (const shard of [...shards.slice(from), ...shards.slice(0, from)]) {
      if (coming.has(shard.sha256)) later.push(shard);
      else await take(shard);
    }
    for (const shard of later) {
      while (coming.has(shard.sha256)) await coming.get(shard.sha256);
      await take(shard);
    }
  };
  const lanes = peers.slice(0, PEERS_MAX).map((peer, place) =>
    lane(peer, place).catch((error) => {
      log.debug("no shards from a worker", { worker: peer.name, error });
    }),
  );
  await Promise.all(lanes);
  return fetched;
}

/** A link to another worker that may have shards. */
class PeerSource implements AsyncDisposable {
  readonly #link: Connection;
  readonly #inbox: BlobInbox;

  private constructor(link: Connection, store: BlobStore) {
    this.#link = link;
    this.#inbox = new BlobInbox(store);
    void this.#read();
  }

  static async open(
    { host, port }: RingMember,
    { site, store, signal }: { readonly site: Site; readonly store: BlobStore; readonly signal: AbortSignal },
  ): Promise<PeerSource> {
    const address = { host, port };
    const timeoutMs = REACH_TIMEOUT_MS;
    const link = await connect({ site, role: "worker", address, expect: ["worker"], signal, timeoutMs });
    return new PeerSource(link, store);
  }

  /** True when it came; false when the peer does not have it. Throws when the peer is of no use any more. */
  async fetch({ sha256, shardBytes }: ShardCard): Promise<boolean> {
    const arrived = this.#inbox.expect(sha256, Math.min(shardBytes, SHARD_SIZE_BYTES_MAX));
    let isMissing = false;
    const missing = arrived.catch((error) => {
      isMissing = error instanceof AppError && error.kind === "input";
      if (!isMissing) throw error;
    });
    // Where asking fails, nobody waits for the answer any more.
    missing.catch(() => {});
    using _ended = onAbort(this.#link.closed, () => void this.#inbox[Symbol.asyncDispose]());
    await this.#link.send(BlobWanted, { sha256 });
    await within(missing, SHARD_TIMEOUT_MS, "a shard from another worker");
    return !isMissing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inbox[Symbol.asyncDispose]();
    void this.#link.close("all shards are here");
  }

  async #read(): Promise<void> {
    const dispatch = new Dispatch()
      .on(BlobPiece, (piece) => this.#inbox.take(piece))
      .on(BlobMissing, ({ sha256 }) => this.#inbox.missing(sha256));
    try {
      for await (const body of this.#link.messages()) await dispatch.run(body);
    } catch {
      // Whoever waits for a shard is told by the inbox; the link is closed either way.
    }
    await this.#inbox[Symbol.asyncDispose]();
    void this.#link.close("it broke the rules");
  }
}
