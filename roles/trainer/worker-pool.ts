import { AppError, errorLine } from "../../shared/base/errors.ts";
import { WORKER_COUNT_MAX } from "../../shared/base/limits.ts";
import type { Log } from "../../shared/base/log.ts";
import { countText } from "../../shared/base/text.ts";
import { deferred, within } from "../../shared/base/wait.ts";
import type { Connection } from "../../shared/net/connection.ts";
import type { BlobStore } from "../../shared/store/blobs.ts";
import { BlobInbox, sendBlob } from "../../shared/training/blob-transfer.ts";
import { type MessageKind, messageName, messageTag } from "../../shared/wire/message.ts";
import {
  BlobMissing,
  BlobPiece,
  BlobWanted,
  Evaluated,
  JobReady,
  JobUnable,
  Quantized,
  RingBroken,
  RingFormed,
  type RingMember,
  RoundComputed,
  RoundDone,
  Standing,
  StateEnd,
  StatePiece,
  TaskDone,
  TaskFailed,
  WorkerHello,
} from "../../shared/wire/messages/training.ts";

const HELLO_TIMEOUT_MS = 5000;

/** One connected worker. */
export interface PoolWorker {
  readonly nodeId: string;
  /** For people; no other connected worker has it. */
  readonly name: string;
  readonly threads: number;
  readonly link: Connection;
  readonly inbox: BlobInbox;
}

/** Where other workers reach this one, as seen from here; whoever reads it knows what that means from there. */
export function ringMember({ nodeId, name, link }: PoolWorker): RingMember | undefined {
  const { listening } = link.peer;
  return listening && { nodeId, name, ...listening };
}

/** What handles what workers say: a preparation or a training. One at a time has the pool. */
export interface WorkerUser {
  joined(worker: PoolWorker): void;
  left(worker: PoolWorker, reason: string): void;
  /** A worker asks for a file: it is at work. */
  fetching?(worker: PoolWorker): void;
  /** A message of a worker, in order; it is not read on until this resolves. */
  readonly answers: ReadonlyMap<number, (worker: PoolWorker, body: Buffer) => void | Promise<void>>;
}

/** Collects a `WorkerUser`'s answers, a line for each kind of message. */
export class WorkerAnswers extends Map<number, (worker: PoolWorker, body: Buffer) => void | Promise<void>> {
  on<T>(kind: MessageKind<T>, handle: (worker: PoolWorker, value: T) => void | Promise<void>): this {
    return this.set(kind.tag, (worker, body) => handle(worker, kind.decode(body)));
  }
}

/** Words of workers that may arrive when whatever they were for is over: dropped then. */
const MAY_BE_LATE = new Set(
  [
    TaskDone,
    TaskFailed,
    JobReady,
    JobUnable,
    Standing,
    StatePiece,
    StateEnd,
    RingFormed,
    RoundComputed,
    RoundDone,
    RingBroken,
    Evaluated,
    Quantized,
  ].map(({ tag }) => tag),
);

/** The workers that are connected now. Serves them blobs, and hands what else they say to the pool's user. */
export class WorkerPool {
  readonly #blobs: BlobStore;
  readonly #log: Log;
  readonly #workers = new Map<string, PoolWorker>();
  /** The end of each worker's service. */
  readonly #ends = new Map<string, Promise<void>>();
  #user: WorkerUser | undefined;

  constructor(blobs: BlobStore, log: Log) {
    this.#blobs = blobs;
    this.#log = log;
  }

  get workers(): readonly PoolWorker[] {
    return [...this.#workers.values()];
  }

  /** Where the others are, for `of`: in an order of its own, so that not all ask the same one first. */
  addresses(of: PoolWorker): RingMember[] {
    const workers = this.workers;
    const place = workers.indexOf(of);
    return [...workers.slice(place + 1), ...workers.slice(0, Math.max(0, place))]
      .slice(0, WORKER_COUNT_MAX)
      .flatMap((worker) => ringMember(worker) ?? []);
  }

  /** Gives the pool to `user`, who is told of everybody who is here. Dispose to give it back. */
  use(user: WorkerUser): Disposable {
    if (this.#user !== undefined) throw new AppError("bug", "the workers are in use");
    this.#user = user;
    for (const worker of this.workers) user.joined(worker);
    return {
      [Symbol.dispose]: () => {
        this.#user = undefined;
      },
    };
  }

  /** Serves one worker until its link ends. */
  async serve(link: Connection): Promise<void> {
    const messages = link.messages();
    const first = await within(messages.next(), HELLO_TIMEOUT_MS, "the worker's first message");
    if (first.done === true) return;
    const { threads } = WorkerHello.decode(first.value);
    const { nodeId } = link.peer;
    await this.#endOlder(nodeId);
    const name = this.#nameFor(link.peer.name);
    const ended = deferred();
    this.#ends.set(nodeId, ended.promise);
    await using inbox = new BlobInbox(this.#blobs);
    const worker: PoolWorker = { nodeId, name, threads, link, inbox };
    this.#workers.set(nodeId, worker);
    this.#log.info("worker joined", { worker: name, threads, workers: this.#workers.size });
    let reason = "it left";
    try {
      this.#user?.joined(worker);
      const outgoing = new Outgoing(link, this.#blobs);
      for await (const body of messages) await this.#answer(worker, outgoing, body);
    } catch (error) {
      reason = errorLine(error);
      throw error;
    } finally {
      this.#workers.delete(nodeId);
      this.#ends.delete(nodeId);
      ended.resolve();
      const left = countText(this.#workers.size, "worker");
      this.#log.info(`worker gone, ${left} left`, { worker: name, reason: link.closed.reason ?? reason });
      this.#user?.left(worker, reason);
    }
  }

  /** A worker that is here has lost its link before, though nothing has said so on this side: it ends. */
  async #endOlder(nodeId: string): Promise<void> {
    while (this.#workers.has(nodeId)) {
      void this.#workers.get(nodeId)!.link.close("this worker has a newer link");
      await this.#ends.get(nodeId);
    }
  }

  /** Two workers of one machine get different names, so that people can tell them apart. */
  #nameFor(wanted: string): string {
    const taken = new Set(this.workers.map(({ name }) => name));
    let name = wanted;
    for (let i = 2; taken.has(name); i++) name = `${wanted}-${i}`;
    return name;
  }

  async #answer(worker: PoolWorker, outgoing: Outgoing, body: Buffer): Promise<void> {
    const tag = messageTag(body);
    if (tag === BlobPiece.tag) await worker.inbox.take(BlobPiece.decode(body));
    else if (tag === BlobWanted.tag) {
      outgoing.add(BlobWanted.decode(body).sha256);
      this.#user?.fetching?.(worker);
    } else if (tag === BlobMissing.tag) worker.inbox.missing(BlobMissing.decode(body).sha256);
    else {
      const answer = this.#user?.answers.get(tag);
      if (answer !== undefined) await answer(worker, body);
      else if (!MAY_BE_LATE.has(tag)) {
        throw new AppError("protocol", `${messageName(tag)} is not expected here`);
      }
    }
  }
}

/** Blobs on their way to one worker, one after the other, while its messages are read on. */
class Outgoing {
  readonly #link: Connection;
  readonly #blobs: BlobStore;
  #waiting = 0;
  #last = Promise.resolve();

  constructor(link: Connection, blobs: BlobStore) {
    this.#link = link;
    this.#blobs = blobs;
  }

  add(sha256: string): void {
    if (++this.#waiting > 10_000) throw new AppError("protocol", "too many files are asked for at once");
    this.#last = this.#last
      .then(() => sendBlob(this.#link, this.#blobs, sha256))
      .catch((error) => void this.#link.close(errorLine(error)))
      .finally(() => {
        this.#waiting--;
      });
  }
}
