import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { AppError } from "../base/errors.ts";
import { PICTURE_FILE_BYTES_MAX } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { throwIfAborted } from "../base/wait.ts";
import type { Dataset, Sample } from "../dataset/types.ts";
import type { Connection } from "../net/connection.ts";
import { type MessageOf, messageTag } from "../wire/message.ts";
import { isOver, type JobStatus } from "../wire/messages/job-status.ts";
import {
  BlobsWanted,
  CancelJob,
  FollowJob,
  JobAccepted,
  JobRefused,
  JobUpdate,
  type SampleRow,
  SampleRows,
  SPLITS,
  SubmitJob,
} from "../wire/messages/training.ts";
import { sendFile } from "./blob-transfer.ts";
import type { TrainingOptions } from "./options.ts";

/** Labels in one message, at most; a page of samples stays far below the limit of a message. */
const PAGE_LABELS_MAX = 4000;
const PAGE_SAMPLES_MAX = 500;

const STOPPED = "stopped before all pictures were handed in: there is no job";

export interface Submission {
  readonly name: string;
  readonly dataset: Dataset;
  readonly options: TrainingOptions;
  /** A model file to start from. */
  readonly initPath?: string;
}

/** Where the way of a data set to the trainer is. */
export interface SubmitProgress {
  readonly stage: "reading" | "sending";
  readonly done: number;
  readonly total: number;
}

/** What became of a job so far. */
export interface JobNews {
  readonly status: JobStatus;
  readonly modelVersion: number | undefined;
  /** Seconds of training. */
  readonly seconds: number;
}

/**
 * A client's conversation with the trainer about one job. The link is used by nobody else meanwhile.
 */
export class JobClient {
  readonly #link: Connection;
  readonly #inbox: AsyncIterableIterator<Buffer>;
  readonly #log: Log;
  #jobId: number | undefined;

  constructor(link: Connection, log: Log) {
    this.#link = link;
    this.#inbox = link.messages();
    this.#log = log;
  }

  /**
   * Describes the data set, sends the pictures that the trainer lacks, and returns the job's number once all is there.
   *
   * @param signal gives it up between two pictures; the trainer forgets the job when the link ends
   * @throws {AppError} `refused` with the trainer's reason; `input` when a picture's file changed meanwhile; `cancelled`
   */
  async submit(
    { name, dataset, options, initPath }: Submission,
    onProgress: (progress: SubmitProgress) => void = () => {},
    signal?: AbortSignal,
  ): Promise<number> {
    const samples = SPLITS.flatMap((split) =>
      (dataset.splits[split] ?? []).map((sample) => ({ split, sample })),
    );
    if ((dataset.splits.train ?? []).length === 0) {
      throw new AppError("input", `the data set ${dataset.root} has no pictures to train on`);
    }
    const paths = new Map<string, string>();
    const rows: SampleRow[] = [];
    for (const [done, { split, sample }] of samples.entries()) {
      throwIfAborted(signal, STOPPED);
      const row = await rowOf(split, sample);
      rows.push(row);
      paths.set(row.sha256, sample.path);
      onProgress({ stage: "reading", done: done + 1, total: samples.length });
    }
    const init = initPath === undefined ? undefined : await hashOfFile(initPath);
    if (init !== undefined && initPath !== undefined) paths.set(init, initPath);

    await this.#link.send(SubmitJob, {
      name,
      classes: [...dataset.classes],
      sampleCount: rows.length,
      options: { ...options, ...(init !== undefined && { init }) },
    });
    const { jobId } = await this.#next(JobAccepted);
    this.#jobId = jobId;
    for (const page of pagesOf(rows)) await this.#link.send(SampleRows, { rows: page });
    await this.#sendWanted(paths, onProgress, signal);
    return jobId;
  }

  async #sendWanted(
    paths: ReadonlyMap<string, string>,
    onProgress: (progress: SubmitProgress) => void,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    for (let done = 0; ; ) {
      const { hashes } = await this.#next(BlobsWanted);
      if (hashes.length === 0) return;
      for (const sha256 of hashes) {
        throwIfAborted(signal, STOPPED);
        const path = paths.get(sha256);
        if (path === undefined)
          throw new AppError("protocol", "the trainer asks for a picture that is not ours");
        await sendFile(this.#link, sha256, path);
        onProgress({ stage: "sending", done: ++done, total: paths.size });
      }
    }
  }

  /** What happens to the job, from now until it has ended; the last one says how. */
  async *follow(jobId: number): AsyncGenerator<JobNews> {
    await this.#link.send(FollowJob, { jobId });
    for (;;) {
      const news = await this.#next(JobUpdate);
      if (news.status.jobId !== jobId) continue;
      yield news;
      if (isOver(news.status)) return;
    }
  }

  /** How the job stands now. */
  async news(jobId: number): Promise<JobNews> {
    for await (const news of this.follow(jobId)) return news;
    throw new AppError("bug", "a job without news");
  }

  /** Asks the trainer to end the job; `follow` then reports its end. */
  async cancel(jobId: number, { keepBest }: { readonly keepBest: boolean }): Promise<void> {
    await this.#link.send(CancelJob, { jobId, keepBest });
  }

  /** The next message, which must be of this kind; a refusal becomes an error. */
  async #next<K extends typeof JobAccepted | typeof BlobsWanted | typeof JobUpdate>(
    kind: K,
  ): Promise<MessageOf<K>> {
    const body = await this.#nextBody();
    // News of a job that nobody follows any more may still be on its way.
    if (messageTag(body) === JobUpdate.tag && kind.tag !== JobUpdate.tag) return this.#next(kind);
    if (messageTag(body) === JobRefused.tag) {
      const { reason, hint } = JobRefused.decode(body);
      throw new AppError("refused", `the trainer refused the job: ${reason}`, {
        ...(hint !== "" && { hint }),
      });
    }
    this.#log.debug("from the trainer", { message: kind.name });
    return kind.decode(body) as MessageOf<K>;
  }

  async #nextBody(): Promise<Buffer> {
    const { value: body, done } = await this.#inbox.next();
    if (done === true) {
      throw new AppError("unavailable", "the trainer ended the link", {
        cause: this.#link.closed.reason,
        hint:
          this.#jobId === undefined
            ? "submit again"
            : `job ${this.#jobId} goes on if its pictures had arrived: see vigia models`,
      });
    }
    return body;
  }
}

async function rowOf(split: SampleRow["split"], sample: Sample): Promise<SampleRow> {
  const { id, path, width, height, labels } = sample;
  const { size } = await stat(path);
  if (size > PICTURE_FILE_BYTES_MAX) {
    throw new AppError("input", `the picture ${path} has ${size} B, ${PICTURE_FILE_BYTES_MAX} at most`);
  }
  const sha256 = await hashOfFile(path);
  const rows = labels.map(({ difficult = false, ...label }) => ({ ...label, difficult }));
  return { id, split, sha256, fileBytes: size, width, height, labels: rows };
}

async function hashOfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  } catch (cause) {
    throw new AppError("input", `cannot read ${path}`, { cause });
  }
  return hash.digest("hex");
}

function* pagesOf(rows: readonly SampleRow[]): Generator<SampleRow[]> {
  let page: SampleRow[] = [];
  let labels = 0;
  for (const row of rows) {
    if (
      page.length >= PAGE_SAMPLES_MAX ||
      (page.length > 0 && labels + row.labels.length > PAGE_LABELS_MAX)
    ) {
      yield page;
      page = [];
      labels = 0;
    }
    page.push(row);
    labels += row.labels.length;
  }
  if (page.length > 0) yield page;
}
