import { AppError, errorLine } from "../../shared/base/errors.ts";
import { SHARD_SIZE_BYTES_MAX } from "../../shared/base/limits.ts";
import type { Log } from "../../shared/base/log.ts";
import { bytesText, countText } from "../../shared/base/text.ts";
import { checkLearningPlan, type LearningPlan } from "../../shared/learn/plan.ts";
import { asToldBy } from "../../shared/net/address.ts";
import type { Connection } from "../../shared/net/connection.ts";
import type { Site } from "../../shared/net/site.ts";
import type { BlobStore } from "../../shared/store/blobs.ts";
import { BlobInbox, sendBlob } from "../../shared/training/blob-transfer.ts";
import { Dispatch, type MessageOf } from "../../shared/wire/message.ts";
import {
  BlobMissing,
  BlobPiece,
  BlobWanted,
  CloseJob,
  Evaluate,
  EvaluationPiece,
  FormRing,
  HandOver,
  JobReady,
  JobUnable,
  OpenJob,
  PrepareTask,
  Quantize,
  Regroup,
  RunRound,
  StatePiece,
  type StateWanted,
  TaskDone,
  TaskFailed,
  WorkerHello,
} from "../../shared/wire/messages/training.ts";
import { type Compute, STATE_VECTORS } from "./compute.ts";
import { JobMember } from "./job-member.ts";
import type { ShardFile } from "./learning-protocol.ts";
import { prepareShard } from "./preparation.ts";
import type { RingDoor } from "./ring-links.ts";
import { fetchFromPeers } from "./shard-peers.ts";
import type { Given } from "./state-peers.ts";

/**
 * How a job's learning is opened: in threads, with the engine that this worker was told to use.
 *
 * @param workers who share a round's chunks, this one included
 */
export type OpenCompute = (
  plan: LearningPlan,
  shards: readonly ShardFile[],
  workers: number,
) => Promise<Compute>;

/** A trainer that is back opens its job at once; where it does not, the job has ended meanwhile. */
const FORGET_AFTER_MS = 5 * 60_000;

/** The job that a worker is in. It outlives the link to the trainer, so that its weights do too. */
export class JobPlace implements AsyncDisposable {
  #held: { readonly jobId: number; readonly createdMs: number; readonly member: JobMember } | undefined;
  #opening: Promise<unknown> = Promise.resolve();

  /** Opens a job when the opening before is over, of whatever session: two sets of engines may not fit in memory. */
  inTurn(open: () => Promise<void>): Promise<void> {
    const mine = this.#opening.then(open);
    this.#opening = mine.catch(() => {});
    return mine;
  }

  get member(): JobMember | undefined {
    return this.#held?.member;
  }

  /** The member of this very job, where there is one. */
  find(jobId: number, createdMs: number): JobMember | undefined {
    const held = this.#held;
    return held?.jobId === jobId && held.createdMs === createdMs ? held.member : undefined;
  }

  /** What another member of the job is given. Throws `refused` when it is not here. */
  give(wanted: MessageOf<typeof StateWanted>): Given {
    const held = this.#held;
    if (held?.jobId !== wanted.jobId) throw new AppError("refused", `job ${wanted.jobId} is not held here`);
    return held.member.give(wanted);
  }

  fill(jobId: number, createdMs: number, member: JobMember): void {
    this.#held = { jobId, createdMs, member };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    await held?.member[Symbol.asyncDispose]();
  }
}

export interface SessionOptions {
  readonly site: Site;
  readonly threads: number;
  readonly store: BlobStore;
  readonly door: RingDoor;
  readonly openCompute: OpenCompute;
  /** The same for every session of a worker. */
  readonly place: JobPlace;
  /** A job is kept so long for a trainer that is connected and does not open it. */
  readonly forgetAfterMs?: number;
  readonly log: Log;
}

/** Serves the trainer over one link, until it ends. Whatever was begun ends with it. */
export async function serveTrainer(link: Connection, options: SessionOptions): Promise<void> {
  await using session = new Session(link, options);
  await session.run();
}

class Session implements AsyncDisposable {
  readonly #link: Connection;
  readonly #options: SessionOptions;
  readonly #inbox: BlobInbox;
  readonly #dispatch: Dispatch;
  /** Aborts with the session. */
  readonly #over = new AbortController();
  /** The job that the trainer has opened on this link. */
  #jobId: number | undefined;
  /** Blobs go out one after the other. */
  #outgoing = Promise.resolve();
  #forgetting: ReturnType<typeof setTimeout> | undefined;

  constructor(link: Connection, options: SessionOptions) {
    this.#link = link;
    this.#options = options;
    this.#inbox = new BlobInbox(options.store);
    this.#dispatch = new Dispatch()
      .on(BlobPiece, (piece) => this.#inbox.take(piece))
      .on(BlobMissing, ({ sha256 }) => this.#inbox.missing(sha256))
      .on(BlobWanted, ({ sha256 }) => this.#serveBlob(sha256))
      .on(PrepareTask, (task) => this.#start(this.#prepare(task)))
      .on(OpenJob, (job) => {
        clearTimeout(this.#forgetting);
        this.#jobId = job.jobId;
        this.#start(this.#options.place.inTurn(() => this.#open(job)));
      })
      .on(CloseJob, ({ jobId }) => this.#close(jobId))
      .on(Regroup, (message) => {
        if (this.#member?.jobId === message.jobId) this.#start(this.#member.regroup(message));
      })
      .on(HandOver, (message) => this.#start(this.#member?.handOver(message)))
      .on(StatePiece, (piece) => this.#member?.takeState(piece))
      .on(FormRing, (message) => this.#start(this.#member?.formRing(seenFromHere(message, this.#link))))
      .on(RunRound, (message) => this.#start(this.#member?.runRound(message)))
      .on(EvaluationPiece, (piece) => this.#member?.takeEvaluation(piece))
      .on(Evaluate, (message) => this.#start(this.#member?.evaluate(message)))
      .on(Quantize, (message) => this.#start(this.#member?.quantize(message)));
  }

  async run(): Promise<void> {
    const { threads, place, forgetAfterMs = FORGET_AFTER_MS } = this.#options;
    this.#forgetting = setTimeout(() => this.#start(place[Symbol.asyncDispose]()), forgetAfterMs);
    await this.#link.send(WorkerHello, { threads });
    for await (const body of this.#link.messages()) await this.#dispatch.run(body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    clearTimeout(this.#forgetting);
    await this.#inbox[Symbol.asyncDispose]();
    this.#options.place.member?.detach();
  }

  get #member(): JobMember | undefined {
    return this.#jobId === undefined ? undefined : this.#options.place.member;
  }

  /** Lets long work go on beside the messages. What fails unexpectedly ends the link, which begins everything anew. */
  #start(work: Promise<void> | undefined): void {
    work?.catch((error) => {
      if (this.#over.signal.aborted) return;
      const text = error instanceof AppError && error.kind !== "bug" ? error : (error?.stack ?? error);
      this.#options.log.error("the work failed", { job: this.#jobId, error: text });
      void this.#link.close(errorLine(error));
    });
  }

  #serveBlob(sha256: string): void {
    const sent = this.#outgoing.then(() => sendBlob(this.#link, this.#options.store, sha256));
    this.#outgoing = sent.catch(() => {});
    this.#start(sent);
  }

  async #fetch(sha256: string, bytesMax: number): Promise<void> {
    if (this.#options.store.has(sha256)) return;
    await this.#inbox.fetch(sha256, bytesMax, () => this.#link.send(BlobWanted, { sha256 }));
  }

  async #prepare(task: MessageOf<typeof PrepareTask>): Promise<void> {
    const { store, threads, log } = this.#options;
    const { taskId } = task;
    try {
      const fetch = (sha256: string, bytesMax: number): Promise<void> => this.#fetch(sha256, bytesMax);
      const { sha256, shardBytes, pictures, rejected } = await prepareShard(task, store, fetch, threads);
      await this.#link.send(TaskDone, { taskId, sha256, shardBytes, pictures, rejected });
      log.info("prepared", { task: taskId, pictures, size: bytesText(shardBytes) });
    } catch (error) {
      if (this.#over.signal.aborted || this.#link.closed.aborted) return;
      log.warn("could not prepare", { task: taskId, error });
      await this.#link.send(TaskFailed, { taskId, reason: errorLine(error).slice(0, 1000) });
    }
  }

  async #open({ jobId, createdMs, plan, shards, peers }: MessageOf<typeof OpenJob>): Promise<void> {
    const { store, log, site, door, openCompute, place } = this.#options;
    const isWanted = (): boolean => this.#jobId === jobId && !this.#over.signal.aborted;
    if (!isWanted()) return;
    const kept = place.find(jobId, createdMs);
    if (kept !== undefined) {
      kept.attach(this.#link);
      log.info("ready to go on", { job: jobId, round: kept.round });
      await this.#link.send(JobReady, { jobId, ...kept.ready });
      return;
    }
    await place[Symbol.asyncDispose]();
    try {
      const checked = checkLearningPlan(plan);
      const lacking = shards.filter(({ sha256 }) => !store.has(sha256));
      log.info("job", {
        job: jobId,
        shards: shards.length,
        fetching: countText(lacking.length, "shard"),
        size: bytesText(lacking.reduce((sum, { shardBytes }) => sum + shardBytes, 0)),
      });
      const near = peers.map((peer) => ({ ...peer, ...asToldBy(this.#link.peer.address, peer) }));
      const shared = await fetchFromPeers(lacking, near, { site, store, log, signal: this.#over.signal });
      if (shared > 0) log.info("from other workers", { job: jobId, shards: shared });
      for (const { sha256, shardBytes } of lacking) {
        if (!isWanted()) return;
        await this.#fetch(sha256, Math.min(shardBytes, SHARD_SIZE_BYTES_MAX));
      }
      const files = shards.map(({ sha256, split }) => ({ path: store.path(sha256), split }));
      const compute = await openCompute(checked, files, 1 + peers.length);
      if (!isWanted()) {
        await compute[Symbol.asyncDispose]();
        return;
      }
      const context = { site, door, link: this.#link, log };
      const member = new JobMember(jobId, compute, STATE_VECTORS.length, context);
      place.fill(jobId, createdMs, member);
      const { engine, parameterCount } = compute;
      log.info("ready to learn", { job: jobId, engine, parameters: parameterCount });
      await this.#link.send(JobReady, { jobId, ...member.ready });
    } catch (error) {
      if (this.#over.signal.aborted || this.#link.closed.aborted) return;
      log.warn("cannot take part", { job: jobId, error });
      await this.#link.send(JobUnable, { jobId, reason: errorLine(error).slice(0, 1000) });
    }
  }

  async #close(jobId: number): Promise<void> {
    if (this.#jobId !== jobId) return;
    this.#jobId = undefined;
    await this.#options.place[Symbol.asyncDispose]();
    this.#options.log.info("job over", { job: jobId });
  }
}

/** A ring with addresses as they hold from here: a worker beside the trainer is "127.0.0.1" to the trainer alone. */
function seenFromHere(message: MessageOf<typeof FormRing>, { peer }: Connection): MessageOf<typeof FormRing> {
  const members = message.members.map((member) => ({ ...member, ...asToldBy(peer.address, member) }));
  return { ...message, members };
}
