import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fetchFromPeers, serveShards } from "../../../roles/worker/shard-peers.ts";
import { silentLog } from "../../../shared/base/log.ts";
import type { Connection } from "../../../shared/net/connection.ts";
import { type Listener, listen } from "../../../shared/net/listener.ts";
import type { Site } from "../../../shared/net/site.ts";
import { BlobStore, hashOf } from "../../../shared/store/blobs.ts";
import type { RingMember, ShardCard } from "../../../shared/wire/messages/training.ts";
import { testSite } from "../../support/site-roles.ts";
import { tempFolder } from "../../support/temp.ts";

const signal = new AbortController().signal;

/** A worker's door for other workers. */
function door(site: Site, onConnection: (link: Connection) => Promise<void>): Promise<Listener> {
  const at = { host: "127.0.0.1", port: 0 };
  return listen({ site, role: "worker", ...at, accept: ["worker"], signal, log: silentLog, onConnection });
}

/** One that gives shards away. */
async function peerWith(site: Site, store: BlobStore): Promise<{ listener: Listener; member: RingMember }> {
  const listener = await door(site, async (link) => {
    const messages = link.messages();
    const first = await messages.next();
    if (first.done !== true) await serveShards(link, first.value, messages, store);
  });
  return { listener, member: { nodeId: "0", name: "peer", ...listener.address } };
}

function shard(seed: number): Buffer {
  return Buffer.alloc(1_500_000, seed);
}

function card(bytes: Buffer): ShardCard {
  return { sha256: hashOf(bytes), shardBytes: bytes.length, split: "train" };
}

test("a worker gets shards from others by their content: what none has, or is damaged, is left for the trainer", async () => {
  using folder = tempFolder();
  const store = (name: string): BlobStore => new BlobStore(join(folder.path, name));
  const site = testSite();
  const [a, b, c, own] = [store("a"), store("b"), store("c"), store("own")];
  const [first, second, nobodys, damaged] = [1, 2, 3, 4].map(shard) as [Buffer, Buffer, Buffer, Buffer];
  await a.put(first);
  await b.put(second);
  await c.put(damaged);
  writeFileSync(c.path(hashOf(damaged)), shard(5));
  const peers = await Promise.all([a, b, c].map((one) => peerWith(site, one)));
  const gone: RingMember = { nodeId: "1", name: "gone", host: "127.0.0.1", port: 1 };
  const cards = [first, second, nobodys, damaged].map(card);
  const [atA, atB, atC] = peers.map(({ member }) => member) as [RingMember, RingMember, RingMember];
  const options = { site, store: own, log: silentLog, signal };
  expect(await fetchFromPeers(cards, [gone, atA, atB], options)).toBe(2);
  expect(await fetchFromPeers(cards, [atC], options)).toBe(0);
  expect(cards.map(({ sha256 }) => own.has(sha256))).toEqual([true, true, false, false]);
  expect(await own.read(hashOf(second))).toEqual(second);
  for (const { listener } of peers) await listener[Symbol.asyncDispose]();
});

test("shards that are not wanted any more are not waited for, though a worker never answers", async () => {
  using folder = tempFolder();
  const site = testSite();
  const wasAsked = Promise.withResolvers<void>();
  const stop = new AbortController();
  await using silent = await door(site, async (link) => {
    for await (const _ of link.messages()) wasAsked.resolve();
  });
  const member: RingMember = { nodeId: "0", name: "silent", ...silent.address };
  const own = new BlobStore(join(folder.path, "own"));
  const options = { site, store: own, log: silentLog, signal: stop.signal };
  const fetched = fetchFromPeers([shard(1), shard(2)].map(card), [member], options);
  await wasAsked.promise;
  stop.abort();
  expect(await fetched).toBe(0);
});
