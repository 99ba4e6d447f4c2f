import { AppError } from "../../shared/base/errors.ts";
import { SHARD_SIZE_BYTES_MAX } from "../../shared/base/limits.ts";
import type { Log } from "../../shared/base/log.ts";
import { countText, durationText } from "../../shared/base/text.ts";
import { deferred, onAbort } from "../../shared/base/wait.ts";
import type { BlobStore } from "../../shared/store/blobs.ts";
import type { JobStore } from "../../shared/store/jobs.ts";
import {
  TASK_FAILURES_MAX,
  TASK_LOSSES_MAX,
  type Task,
  type TaskCounts,
  type TaskStore,
} from "../../shared/store/tasks.ts";
import type { MessageOf } from "../../shared/wire/message.ts";
import {
  BlobWanted,
  PrepareTask,
  type SampleRow,
  TaskDone,
  TaskFailed,
} from "../../shared/wire/messages/training.ts";
import { type PoolWorker, WorkerAnswers, type WorkerPool, type WorkerUser } from "./worker-pool.ts";

/** Without a result by then, or another picture of it being asked for, a task goes to another worker. */
const LEASE_MS = 60_000;
/** A lease is made longer at most so often: each time is a write to the disk. */
const EXTEND_EVERY_MS = 10_000;
const LEASE_CHECK_MS = 1000;
/** Tasks a worker has at once: one in work, one on its way. */
const TASKS_A_WORKER = 2;

export interface PreparationOptions {
  readonly jobId: number;
  readonly datasetId: number;
  readonly cacheSidePx: number;
  /** The split of each sample, in order. */
  readonly splits: readonly SampleRow["split"][];
  readonly tasks: TaskStore;
  readonly jobs: JobStore;
  readonly blobs: BlobStore;
  readonly pool: WorkerPool;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly onProgress: (counts: TaskCounts, workers: number) => void;
}

/**
 * Has a data set decoded and made small by the workers, unless that was done before. Tasks are leased: whoever dies
 * or dawdles loses its tasks to the others. Resolves when no task is left; poisoned ones are reported and left out.
 */
export async function prepareDataset(options: PreparationOptions): Promise<void> {
  const { tasks, datasetId, cacheSidePx, splits, blobs, pool, jobId, log, signal } = options;
  tasks.plan(datasetId, cacheSidePx, splits);
  tasks.forgive(datasetId, cacheSidePx);
  for (const { sha256 } of tasks.shards(datasetId, cacheSidePx)) if (!blobs.has(sha256)) tasks.reopen(sha256);
  const startMs = performance.now();
  const before = tasks.counts(datasetId, cacheSidePx);
  if (before.open + before.leased > 0) {
    log.info("preparing pictures", { job: jobId, pictures: before.samples - before.samplesDone });
    const preparation = new Preparation(options);
    using _pool = pool.use(preparation);
    using _abort = onAbort(signal, () => preparation.stop(signal.reason));
    const timer = setInterval(() => preparation.takeBackLate(), LEASE_CHECK_MS);
    try {
      await preparation.finished;
    } finally {
      clearInterval(timer);
    }
    log.info("pictures prepared", { job: jobId, took: durationText(performance.now() - startMs) });
  }
  for (const { id, reason, samples } of tasks.poisoned(datasetId, cacheSidePx)) {
    log.warn(`task set aside: ${countText(samples, "picture")} will not be learnt from`, {
      job: jobId,
      task: id,
      reason,
    });
  }
  if (!tasks.shards(datasetId, cacheSidePx).some(({ split }) => split === "train")) {
    throw new AppError("input", "none of the pictures to train on can be used", {
      hint: "the trainer's log names each with its reason",
      failure: "no-usable-picture",
    });
  }
}

/** Who prepares what; `prepareDataset` gives it the workers, and the time. */
export class Preparation implements WorkerUser {
  readonly answers: WorkerUser["answers"];
  readonly #options: PreparationOptions;
  /** When the leases of a worker were made longer. */
  readonly #extendedMs = new Map<string, number>();
  readonly #done = deferred();

  constructor(options: PreparationOptions) {
    this.#options = options;
    this.answers = new WorkerAnswers()
      .on(TaskDone, (worker, message) => this.#taskDone(worker, message))
      .on(TaskFailed, (worker, { taskId, reason }) =>
        this.#giveBack(taskId, worker.nodeId, reason, TASK_FAILURES_MAX),
      );
  }

  get finished(): Promise<void> {
    return this.#done.promise;
  }

  stop(reason: unknown): void {
    this.#done.reject(new AppError("cancelled", "preparing was stopped", { cause: reason }));
  }

  joined(worker: PoolWorker): void {
    this.#refill(worker);
    this.#report();
  }

  /** On a slow network the pictures of a task, as phones make them, may take minutes. */
  fetching({ nodeId }: PoolWorker): void {
    const nowMs = Date.now();
    if (nowMs < (this.#extendedMs.get(nodeId) ?? 0) + EXTEND_EVERY_MS) return;
    this.#extendedMs.set(nodeId, nowMs);
    this.#options.tasks.extend(nodeId, nowMs + LEASE_MS);
  }

  left(worker: PoolWorker): void {
    const { tasks } = this.#options;
    for (const { id } of tasks.leases({ worker: worker.nodeId })) {
      this.#giveBack(id, worker.nodeId, "its worker left", TASK_LOSSES_MAX);
    }
    this.#report();
  }

  takeBackLate(): void {
    const { tasks } = this.#options;
    for (const { id, worker } of tasks.leases({ nowMs: Date.now() })) {
      this.#giveBack(id, worker, `no result within ${durationText(LEASE_MS)}`, TASK_LOSSES_MAX);
    }
  }

  #refill(worker: PoolWorker): void {
    const { tasks, datasetId, cacheSidePx } = this.#options;
    let held = tasks.leases({ worker: worker.nodeId }).length;
    while (held++ < TASKS_A_WORKER) {
      const task = tasks.lease(datasetId, cacheSidePx, worker.nodeId, Date.now() + LEASE_MS);
      if (task === undefined) return;
      this.#hand(worker, task);
    }
  }

  #hand(worker: PoolWorker, task: Task): void {
    const { jobs, cacheSidePx } = this.#options;
    const samples = jobs.samples(task.datasetId, task.firstSample, task.sampleCount);
    // A link that ends is told to `left`, which gives the task back.
    worker.link.send(PrepareTask, { taskId: task.id, cacheSidePx, samples }).catch(() => {});
  }

  #taskDone(worker: PoolWorker, message: MessageOf<typeof TaskDone>): void {
    const { blobs } = this.#options;
    const { sha256, shardBytes } = message;
    if (blobs.has(sha256)) {
      this.#keep(worker, message);
      return;
    }
    const bytesMax = Math.min(shardBytes, SHARD_SIZE_BYTES_MAX);
    worker.inbox
      .fetch(sha256, bytesMax, () => worker.link.send(BlobWanted, { sha256 }))
      .then(() => this.#keep(worker, message))
      .catch((error) => this.#options.log.debug("a shard did not arrive", { worker: worker.name, error }));
  }

  #keep(worker: PoolWorker, message: MessageOf<typeof TaskDone>): void {
    const { tasks, log, jobId } = this.#options;
    const { taskId, sha256, shardBytes, pictures, rejected } = message;
    const kept = tasks.done(taskId, worker.nodeId, { sha256, bytes: shardBytes, pictures });
    if (kept) {
      for (const { id, reason } of rejected) {
        log.warn("picture left out", { job: jobId, picture: id, reason });
      }
    }
    this.#refill(worker);
    this.#report();
  }

  #giveBack(taskId: number, worker: string, reason: string, attemptsMax: number): void {
    const { tasks, log, jobId, pool } = this.#options;
    const state = tasks.giveBack(taskId, worker, reason, attemptsMax);
    if (state !== "not theirs") log.warn("task given back", { job: jobId, task: taskId, reason, now: state });
    for (const one of pool.workers) this.#refill(one);
    this.#report();
  }

  #report(): void {
    const { tasks, datasetId, cacheSidePx, pool, onProgress } = this.#options;
    const counts = tasks.counts(datasetId, cacheSidePx);
    onProgress(counts, pool.workers.length);
    if (counts.open + counts.leased === 0) this.#done.resolve();
  }
}
