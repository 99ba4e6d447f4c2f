import type { Job, JobStore } from "../../shared/store/jobs.ts";
import type { JobNews } from "../../shared/training/submit.ts";
import { type JobStatus, jobNoteOf } from "../../shared/wire/messages/job-status.ts";

/** At most so often are followers told, unless a state changes. */
const NEWS_INTERVAL_MS = 500;
const JOBS_SHOWN = 20;

/** What is known of a job beside its status. */
type Extra = Omit<JobNews, "status">;

/** The state of every job as people see it, and those who follow it. */
export class Board {
  readonly #jobs: JobStore;
  readonly #live = new Map<number, { status: JobStatus; extra: Extra }>();
  readonly #followers = new Set<() => void>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #toldMs = 0;

  constructor(jobs: JobStore) {
    this.#jobs = jobs;
  }

  /** Changes what is shown of a job. */
  set(jobId: number, change: Partial<JobStatus>, extra: Partial<Extra> = {}): void {
    const known = this.#of(jobId);
    if (known === undefined) return;
    const status = { ...known.status, ...change };
    this.#live.set(jobId, { status, extra: { ...known.extra, ...extra } });
    this.#tell(status.state !== known.status.state);
  }

  news(jobId: number): JobNews | undefined {
    const known = this.#of(jobId);
    return known && { status: this.#placed(known.status), ...known.extra };
  }

  /** The newest jobs, newest first. */
  list(): JobStatus[] {
    return this.#jobs
      .list(JOBS_SHOWN)
      .map((job) => this.#placed(this.#live.get(job.id)?.status ?? storedStatus(job)));
  }

  /** With its place in the queue, which changes as other jobs end. */
  #placed(status: JobStatus): JobStatus {
    const total = status.state === "queued" ? this.#jobs.countBefore(status.jobId) : 0;
    return total === 0 ? status : { ...status, note: jobNoteOf("others-first", { total }) };
  }

  /** Calls `tell` at changes until disposed. */
  follow(tell: () => void): Disposable {
    this.#followers.add(tell);
    return { [Symbol.dispose]: () => void this.#followers.delete(tell) };
  }

  #of(jobId: number): { status: JobStatus; extra: Extra } | undefined {
    const live = this.#live.get(jobId);
    if (live !== undefined) return live;
    const job = this.#jobs.get(jobId);
    return job && { status: storedStatus(job), extra: { modelVersion: job.modelVersion, seconds: 0 } };
  }

  #tell(now: boolean): void {
    const waitMs = now ? 0 : this.#toldMs + NEWS_INTERVAL_MS - performance.now();
    if (waitMs > 0) {
      this.#timer ??= setTimeout(() => this.#tell(true), waitMs);
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#toldMs = performance.now();
    for (const tell of this.#followers) tell();
  }
}

function storedStatus(job: Job): JobStatus {
  const failure = job.failure && jobNoteOf("failed", { failure: job.failure });
  if (job.result !== undefined) {
    // An earlier version of the program kept its notes as text, and other states of workers.
    const { note } = job.result;
    return { ...job.result, note: failure ?? (typeof note === "object" ? note : undefined), workers: [] };
  }
  return {
    jobId: job.id,
    name: job.name,
    state: job.state,
    progress: job.state === "done" ? 1 : 0,
    epoch: 0,
    epochs: 0,
    samples: 0,
    imagesPerSecond: 0,
    loss: {},
    map50: undefined,
    bestMap50: undefined,
    accuracy: undefined,
    timeLeftMs: undefined,
    note: failure,
    workers: [],
  };
}
