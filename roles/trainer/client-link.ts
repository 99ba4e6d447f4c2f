import { AppError, errorLine, toldFailure } from "../../shared/base/errors.ts";
import { MODEL_FILE_BYTES_MAX, PICTURE_FILE_BYTES_MAX } from "../../shared/base/limits.ts";
import type { Log } from "../../shared/base/log.ts";
import { countText } from "../../shared/base/text.ts";
import { planFor } from "../../shared/learn/plan.ts";
import type { Connection } from "../../shared/net/connection.ts";
import type { BlobStore } from "../../shared/store/blobs.ts";
import type { JobStore } from "../../shared/store/jobs.ts";
import { checkModelName } from "../../shared/store/models.ts";
import { BlobInbox } from "../../shared/training/blob-transfer.ts";
import { checkTrainingOptions, planOptions, type TrainingOptions } from "../../shared/training/options.ts";
import type { Dispatch, MessageOf } from "../../shared/wire/message.ts";
import { isOver, jobNoteOf } from "../../shared/wire/messages/job-status.ts";
import {
  BlobPiece,
  BlobsWanted,
  CancelJob,
  DATASET_LIMITS,
  FollowJob,
  JobAccepted,
  JobRefused,
  JobUpdate,
  type SampleRow,
  SampleRows,
  SubmitJob,
} from "../../shared/wire/messages/training.ts";
import type { Board } from "./board.ts";

/** Files asked for at once: they arrive while the next page is looked up. */
const WANTED_PAGE = 64;

/** What a client's link needs of the trainer. */
export interface ClientContext {
  readonly jobs: JobStore;
  readonly blobs: BlobStore;
  readonly board: Board;
  readonly log: Log;
  /** A job's data set is here: it is in the queue. */
  readonly onQueued: () => void;
  readonly onCancel: (jobId: number, keepBest: boolean) => void;
}

/** A data set on its way in. */
interface Arriving {
  readonly jobId: number;
  readonly name: string;
  readonly options: TrainingOptions;
  readonly classes: readonly string[];
  readonly sampleCount: number;
  readonly samples: SampleRow[];
}

/** One client: submits, follows and cancels jobs. */
export class ClientLink implements AsyncDisposable {
  readonly #link: Connection;
  readonly #context: ClientContext;
  readonly #inbox: BlobInbox;
  #arriving: Arriving | undefined;
  #following: Disposable | undefined;

  constructor(link: Connection, context: ClientContext) {
    this.#link = link;
    this.#context = context;
    this.#inbox = new BlobInbox(context.blobs);
  }

  addTo(dispatch: Dispatch): Dispatch {
    return dispatch
      .on(SubmitJob, (message) => this.#orRefuse(() => this.#submit(message)))
      .on(SampleRows, ({ rows }) => this.#orRefuse(() => this.#take(rows)))
      .on(BlobPiece, (piece) => this.#inbox.take(piece))
      .on(FollowJob, ({ jobId }) => this.#follow(jobId))
      .on(CancelJob, ({ jobId, keepBest }) => this.#context.onCancel(jobId, keepBest));
  }

  /** The link has ended: what had not arrived whole never will. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inbox[Symbol.asyncDispose]();
    if (this.#arriving !== undefined) {
      const left = "the client left before its pictures had arrived";
      this.#fail(this.#arriving.jobId, new AppError("unavailable", left, { failure: "client-left" }));
    }
  }

  /** Tells the client what is wrong with its job instead of ending the link. */
  async #orRefuse(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof AppError) || error.kind === "bug" || error.kind === "unavailable") throw error;
      if (this.#arriving !== undefined) this.#fail(this.#arriving.jobId, error);
      this.#arriving = undefined;
      await this.#link.send(JobRefused, { reason: errorLine(error), hint: error.hint ?? "" });
    }
  }

  async #submit({ name, classes, sampleCount, options }: MessageOf<typeof SubmitJob>): Promise<void> {
    if (this.#arriving !== undefined) throw new AppError("protocol", "one data set at a time on a link");
    checkModelName(name);
    const checked = checkTrainingOptions(options);
    if (sampleCount === 0 || sampleCount > DATASET_LIMITS.pictures) {
      throw new AppError("input", `a data set of ${countText(sampleCount, "picture")} cannot be taken`);
    }
    if (classes.length === 0) throw new AppError("input", "the data set has no class");
    // Options that do not go together are told at once, not after the pictures have travelled.
    planFor(planOptions(checked), { classes, pictures: sampleCount });
    const { jobs, log } = this.#context;
    const { id: jobId } = jobs.create(name, checked, Date.now());
    this.#arriving = { jobId, name, options: checked, classes, sampleCount, samples: [] };
    log.info("job submitted", { job: jobId, name, client: this.#link.peer.name, pictures: sampleCount });
    await this.#link.send(JobAccepted, { jobId });
  }

  async #take(rows: readonly SampleRow[]): Promise<void> {
    const arriving = this.#arriving;
    if (arriving === undefined) throw new AppError("protocol", "samples came without a job");
    for (const row of rows) checkSample(row, arriving.classes.length);
    arriving.samples.push(...rows);
    if (arriving.samples.length > arriving.sampleCount)
      throw new AppError("protocol", "too many samples came");
    if (arriving.samples.length < arriving.sampleCount) return;
    checkSamples(arriving.samples);
    // The pictures arrive through this same reader, so waiting for them must not hold it up.
    this.#receive(arriving).catch(async (error) => {
      if (this.#link.closed.aborted) return;
      this.#fail(arriving.jobId, error);
      this.#arriving = undefined;
      await this.#link.close(errorLine(error));
    });
  }

  async #receive(arriving: Arriving): Promise<void> {
    const { jobs, blobs, log, onQueued, board } = this.#context;
    const { jobId, options, samples, classes } = arriving;
    const sizes = new Map(samples.map(({ sha256, fileBytes }) => [sha256, fileBytes]));
    if (options.init !== undefined) sizes.set(options.init, MODEL_FILE_BYTES_MAX);
    const lacking = [...sizes].filter(([sha256]) => !blobs.has(sha256));
    for (let at = 0; at < lacking.length; at += WANTED_PAGE) {
      const page = lacking.slice(at, at + WANTED_PAGE);
      const arrived = page.map(([sha256, bytes]) => this.#inbox.expect(sha256, bytes));
      await this.#link.send(BlobsWanted, { hashes: page.map(([sha256]) => sha256) });
      await Promise.all(arrived);
      this.#refuseCancelled(jobId);
      board.set(jobId, {
        note: jobNoteOf("arriving", { done: at + page.length, total: lacking.length }),
      });
    }
    this.#refuseCancelled(jobId);
    const datasetId = jobs.keepDataset(classes, samples);
    jobs.update(jobId, { datasetId, state: "queued" });
    this.#arriving = undefined;
    board.set(jobId, { state: "queued", note: undefined });
    log.info("data set here", { job: jobId, pictures: samples.length, received: lacking.length });
    await this.#link.send(BlobsWanted, { hashes: [] });
    onQueued();
  }

  async #follow(jobId: number): Promise<void> {
    const { board } = this.#context;
    if (board.news(jobId) === undefined) {
      await this.#link.send(JobRefused, { reason: `there is no job ${jobId}`, hint: "" });
      return;
    }
    // One job at a time on a link: the last one asked for.
    this.#following?.[Symbol.dispose]();
    let following: Disposable | undefined;
    const tell = (): void => {
      const news = board.news(jobId);
      if (news === undefined) return;
      this.#link.send(JobUpdate, news).catch(() => {});
      if (isOver(news.status)) following?.[Symbol.dispose]();
    };
    tell();
    const over = board.news(jobId);
    if (over !== undefined && isOver(over.status)) return;
    following = board.follow(tell);
    this.#following = following;
    this.#link.closed.addEventListener("abort", () => following?.[Symbol.dispose](), { once: true });
  }

  /** Otherwise somebody has cancelled it. */
  #isArriving(jobId: number): boolean {
    return this.#context.jobs.get(jobId)?.state === "receiving";
  }

  #refuseCancelled(jobId: number): void {
    if (!this.#isArriving(jobId)) throw new AppError("cancelled", `job ${jobId} was cancelled`);
  }

  #fail(jobId: number, error: unknown): void {
    const { jobs, board, log } = this.#context;
    if (!this.#isArriving(jobId)) return;
    const failure = toldFailure(error);
    jobs.update(jobId, { state: "failed", failure, endedMs: Date.now() });
    board.set(jobId, { state: "failed", note: jobNoteOf("failed", { failure }) });
    log.warn("job failed", { job: jobId, error });
  }
}

function checkSample({ id, fileBytes, width, height, labels }: SampleRow, classCount: number): void {
  if (fileBytes === 0 || fileBytes > PICTURE_FILE_BYTES_MAX) {
    throw new AppError("input", `the picture ${id} has ${fileBytes} B`);
  }
  for (const { classIndex, box } of labels) {
    if (classIndex >= classCount) {
      throw new AppError("input", `a label of ${id} is of no known class`, {
        failure: "wrong-label",
        about: id,
      });
    }
    const [x1, y1, x2, y2] = box;
    if (!(x1 >= 0 && y1 >= 0 && x1 < x2 && y1 < y2 && x2 <= width && y2 <= height)) {
      throw new AppError("input", `a box of ${id} is empty or reaches over the edge`, {
        failure: "wrong-label",
        about: id,
      });
    }
  }
}

function checkSamples(samples: readonly SampleRow[]): void {
  if (!samples.some(({ split, labels }) => split === "train" && labels.length > 0)) {
    throw new AppError("input", "no picture to train on has a label", {
      hint: "label some, and submit again",
      failure: "no-label",
    });
  }
}
