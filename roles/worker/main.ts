import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RoleContext } from "../../shared/base/context.ts";
import { within } from "../../shared/base/wait.ts";
import type { Connection } from "../../shared/net/connection.ts";
import { dialer } from "../../shared/net/dial.ts";
import { listen } from "../../shared/net/listener.ts";
import { RING_PACE, TEAM_PACE } from "../../shared/net/liveness.ts";
import { stayConnected } from "../../shared/net/stay-connected.ts";
import { BlobStore } from "../../shared/store/blobs.ts";
import { messageTag } from "../../shared/wire/message.ts";
import { BlobWanted, StateWanted } from "../../shared/wire/messages/training.ts";
import { openLearning } from "./learning.ts";
import type { WorkerOptions } from "./options.ts";
import { RingDoor } from "./ring-links.ts";
import { JobPlace, type OpenCompute, serveTrainer } from "./session.ts";
import { serveShards } from "./shard-peers.ts";
import { serveState } from "./state-peers.ts";

export type { WorkerOptions } from "./options.ts";

/** Temporary caches: the prefix, the process's number, and something random. */
const CACHE_PREFIX = "vigia-worker-";
const FIRST_MESSAGE_MS = 8000;

/** Worker: lends this machine to the trainer. Prepares pictures, computes gradients, averages them with its peers. */
export async function run(options: WorkerOptions, context: RoleContext): Promise<void> {
  const { device, threads } = options;
  await runWith(options, context, (plan, shards, workers) =>
    openLearning(plan, shards, { device, threads }, workers),
  );
}

/** The same with another way to compute: tests of the ring put in sums that they can check. */
export async function runWith(
  options: WorkerOptions,
  { signal, log }: RoleContext,
  openCompute: OpenCompute,
): Promise<void> {
  const { site, threads, listen: listening = { host: "0.0.0.0", port: 0 } } = options;
  await using cache = await openCache(options.dataDir);
  const door = new RingDoor(log);
  await using place = new JobPlace();
  await using peers = await listen({
    site,
    role: "worker",
    ...listening,
    accept: ["worker"],
    pace: RING_PACE,
    signal,
    log,
    onConnection: (link) => servePeer(link, { door, place, store: cache.store }),
  });
  options.onReady?.(peers.address);
  log.info("looking for the trainer", { threads, peers: `port ${peers.address.port}` });
  const target = { role: "trainer", address: options.trainer } as const;
  const dial = dialer(site, "worker", target, peers.address.port, TEAM_PACE);
  await stayConnected({ dial, signal, log }, (link) =>
    serveTrainer(link, { site, threads, store: cache.store, door, openCompute, place, log }),
  );
}

/** A link of another worker, for a ring, for state or for shards: its first message says which. */
async function servePeer(
  link: Connection,
  { door, place, store }: { readonly door: RingDoor; readonly place: JobPlace; readonly store: BlobStore },
): Promise<void> {
  const messages = link.messages();
  const first = await within(messages.next(), FIRST_MESSAGE_MS, "a worker's first message");
  if (first.done === true) return;
  const tag = messageTag(first.value);
  if (tag === BlobWanted.tag) await serveShards(link, first.value, messages, store);
  else if (tag === StateWanted.tag) {
    await serveState(link, first.value, messages, (wanted) => place.give(wanted));
  } else door.arrived(link, first.value, messages);
}

/** Removes what workers left that were killed: their process is gone. */
async function removeLeftCaches(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = name.startsWith(CACHE_PREFIX)
      ? Number.parseInt(name.slice(CACHE_PREFIX.length), 10)
      : Number.NaN;
    if (Number.isNaN(pid) || isRunning(pid)) continue;
    await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => {});
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // It may be another user's.
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

async function openCache(
  dataDir: string | undefined,
): Promise<AsyncDisposable & { readonly store: BlobStore }> {
  if (dataDir !== undefined) {
    return { store: new BlobStore(join(dataDir, "worker", "blobs")), async [Symbol.asyncDispose]() {} };
  }
  await removeLeftCaches();
  const folder = await mkdtemp(join(tmpdir(), `${CACHE_PREFIX}${process.pid}-`));
  return {
    store: new BlobStore(folder),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
