import { systemClock } from "../../shared/base/clock.ts";
import { AppError, errorKind, toldFailure } from "../../shared/base/errors.ts";
import type { Log } from "../../shared/base/log.ts";
import { durationText } from "../../shared/base/text.ts";
import { checkLearningPlan, type LearningPlan, planFor } from "../../shared/learn/plan.ts";
import { startWeights } from "../../shared/learn/start-weights.ts";
import { decodeModelFile } from "../../shared/nn/model-file.ts";
import { buildNetwork } from "../../shared/nn/networks/config.ts";
import type { BlobStore } from "../../shared/store/blobs.ts";
import type { Job, JobStore } from "../../shared/store/jobs.ts";
import type { ModelRegistry } from "../../shared/store/models.ts";
import type { TaskStore } from "../../shared/store/tasks.ts";
import { checkTrainingOptions, planOptions, type TrainingOptions } from "../../shared/training/options.ts";
import { WireChooser } from "../../shared/training/wire-choice.ts";
import { isOver, type JobStatus, jobNoteOf } from "../../shared/wire/messages/job-status.ts";
import type { ModelCard } from "../../shared/wire/messages/models.ts";
import type { Board } from "./board.ts";
import type { Checkpoint, Checkpoints } from "./checkpoint.ts";
import { JobModels } from "./job-models.ts";
import { learntSizesOf } from "./learnt-sizes.ts";
import { looksOf } from "./people-looks.ts";
import { prepareDataset } from "./preparation.ts";
import { useOfSamples } from "./splits.ts";
import { type TrainingOutcome, TrainingRun } from "./training-run.ts";
import type { WorkerPool } from "./worker-pool.ts";

/** Chunks of a round: more workers have a part in it, but larger batches learn less from each picture. */
const CHUNKS_MIN = 2;
const CHUNKS_MAX = 8;
/** What a worker adds to that by its threads. More chunks would be larger steps, not faster ones. */
const WORKER_CHUNKS_MAX = 4;
/** After a full disk, say, the job is tried again so often. */
const SAVE_AGAIN_MS = 10_000;

/** Everything a job needs of the trainer. */
export interface RunnerContext {
  readonly jobs: JobStore;
  readonly tasks: TaskStore;
  readonly blobs: BlobStore;
  readonly registry: ModelRegistry;
  readonly checkpoints: Checkpoints;
  readonly checkpointEveryMs: number;
  readonly pool: WorkerPool;
  readonly board: Board;
  readonly log: Log;
  readonly onModel: (card: ModelCard) => void;
}

/** The job that runs, and how to end it. */
interface Running {
  readonly jobId: number;
  /** Ends it now. */
  readonly cancel: AbortController;
  /** Ends it with what it has. */
  readonly finishEarly: AbortController;
}

/** Runs the queue: one job after the other, the oldest first, each from where it was left. */
export class JobRunner {
  readonly #context: RunnerContext;
  #running: Running | undefined;
  #wake: () => void = () => {};

  constructor(context: RunnerContext) {
    this.#context = context;
  }

  /** Works until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#wake(), { once: true });
    while (!signal.aborted) {
      const job = this.#context.jobs.next();
      if (job === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      try {
        await this.#runOne(job, signal);
      } catch (error) {
        // Nothing can be saved, so nothing can be done but wait: the job goes on from its checkpoint.
        this.#context.log.error("the job waits until it can save", { job: job.id, error });
        this.#context.board.set(job.id, { note: jobNoteOf("unsaved", { failure: toldFailure(error) }) });
        await systemClock.sleep(SAVE_AGAIN_MS, signal);
      }
    }
  }

  /** A job was queued. */
  queued(): void {
    this.#wake();
  }

  /** Ends a job; a waiting one never begins. */
  cancel(jobId: number, keepBest: boolean): void {
    const { jobs, board, log } = this.#context;
    log.info("job is to end", { job: jobId, keep: keepBest ? "the best weights" : "nothing" });
    if (this.#running?.jobId === jobId) {
      if (keepBest) this.#running.finishEarly.abort();
      else this.#running.cancel.abort();
      return;
    }
    const job = jobs.get(jobId);
    if (job === undefined || isOver(job)) return;
    jobs.update(jobId, { state: "cancelled", endedMs: Date.now() });
    board.set(jobId, { state: "cancelled" });
  }

  /** Throws `data-loss` when something could not be saved. */
  async #runOne(job: Job, stop: AbortSignal): Promise<void> {
    const { jobs, board, log, checkpoints } = this.#context;
    const running = { jobId: job.id, cancel: new AbortController(), finishEarly: new AbortController() };
    this.#running = running;
    const signal = AbortSignal.any([stop, running.cancel.signal]);
    try {
      const card = await new JobRun(job, this.#context, {
        stop,
        finishEarly: running.finishEarly.signal,
        signal,
      }).run();
      log.info("job done", { job: job.id, model: card.name, version: card.version });
      checkpoints.remove(job.id);
    } catch (error) {
      // A trainer that stops leaves the job as it is: the next start goes on with it.
      if (stop.aborted) return;
      if (errorKind(error) === "data-loss") throw error;
      const isCancelled = errorKind(error) === "cancelled";
      const state = isCancelled ? "cancelled" : "failed";
      const failure = isCancelled ? undefined : toldFailure(error);
      const note = failure && jobNoteOf("failed", { failure });
      board.set(job.id, { state, note, timeLeftMs: undefined });
      jobs.update(job.id, { state, failure, result: board.news(job.id)!.status, endedMs: Date.now() });
      if (isCancelled) log.info("job cancelled", { job: job.id });
      else
        log.error("job failed", { job: job.id, error: errorKind(error) === "bug" ? stackOf(error) : error });
      checkpoints.remove(job.id);
    } finally {
      this.#running = undefined;
    }
  }
}

/** What ends a job before its time. */
interface JobEnds {
  /** The trainer stops: the job goes on when it is started again. */
  readonly stop: AbortSignal;
  /** With what it has. */
  readonly finishEarly: AbortSignal;
  /** Now: the trainer stops, or the job is cancelled. */
  readonly signal: AbortSignal;
}

/** One job from the queue to the model. */
class JobRun {
  readonly #job: Job;
  readonly #context: RunnerContext;
  readonly #stop: AbortSignal;
  readonly #finishEarly: AbortSignal;
  readonly #signal: AbortSignal;

  constructor(job: Job, context: RunnerContext, { stop, finishEarly, signal }: JobEnds) {
    this.#job = job;
    this.#context = context;
    this.#stop = stop;
    this.#finishEarly = finishEarly;
    this.#signal = signal;
  }

  async run(): Promise<ModelCard> {
    const { id, datasetId, name } = this.#job;
    const { jobs, tasks, log } = this.#context;
    if (datasetId === undefined) throw new AppError("bug", `job ${id} has no data set`);
    const options = checkTrainingOptions(this.#job.options as Record<string, unknown>);
    const use = useOfSamples(jobs.samples(datasetId), options.network);
    const pictures = use.filter((split) => split === "train").length;
    const draft = this.#plan(options, datasetId, pictures);
    log.info("job begins", { job: id, name, network: draft.network.kind, classes: draft.classes.length });

    await this.#prepare(datasetId, draft, use);
    // Now the workers are known, and with them the chunks of a round.
    const plan = this.#plan(options, datasetId, pictures);
    jobs.update(id, { plan });
    const shards = tasks.shards(datasetId, plan.cacheSidePx);
    const picturesOf = (split: string): number =>
      shards.reduce((sum, shard) => sum + (shard.split === split ? shard.pictures : 0), 0);
    const parent = (await this.#parent(options))?.info;
    const { registry, onModel } = this.#context;
    const from = parent && `${parent.name} v${parent.version}`;
    const stop = this.#stop;
    const samples = jobs.samples(datasetId);
    const looks =
      plan.network.kind === "mlp"
        ? await looksOf(samples, plan.classes.length, this.#context.blobs, this.#signal)
        : undefined;
    const about = { name, plan, options, learntSizes: learntSizesOf(samples), looks, parent: from };
    using models = new JobModels({ ...about, registry, onModel, stop, log });
    const counts = { train: picturesOf("train"), val: picturesOf("val"), test: picturesOf("test") };
    const outcome = await this.#train(plan, options, { shards, ...counts }, models);
    for (;;) {
      try {
        return this.#keep(models, outcome);
      } catch (error) {
        // What was learnt is here; only the disk is not ready for it.
        if (errorKind(error) !== "data-loss" || this.#signal.aborted) throw error;
        log.error("the model waits until it can be saved", { job: id, error });
        this.#context.board.set(id, { note: jobNoteOf("unsaved", { failure: toldFailure(error) }) });
        await systemClock.sleep(SAVE_AGAIN_MS, this.#signal);
      }
    }
  }

  /**
   * The plan of a job stays as it was when training began: neither another version of the program nor other workers
   * change a running job. A round has a chunk for each thread of the workers that are here then, unless the client
   * says otherwise.
   */
  #plan(options: TrainingOptions, datasetId: number, pictures: number): LearningPlan {
    const { jobs, pool } = this.#context;
    if (this.#job.plan !== undefined) return checkLearningPlan(this.#job.plan);
    const wanted = planOptions(options);
    const threads = pool.workers.reduce(
      (sum, worker) => sum + Math.min(worker.threads, WORKER_CHUNKS_MAX),
      0,
    );
    const chunksPerRound = wanted.chunksPerRound ?? Math.min(CHUNKS_MAX, Math.max(CHUNKS_MIN, threads));
    return planFor({ ...wanted, chunksPerRound }, { classes: jobs.classes(datasetId), pictures });
  }

  async #prepare(
    datasetId: number,
    { cacheSidePx }: LearningPlan,
    splits: ReturnType<typeof useOfSamples>,
  ): Promise<void> {
    const { jobs, tasks, blobs, pool, log, board } = this.#context;
    const { id: jobId } = this.#job;
    jobs.update(jobId, { state: "preparing", failure: undefined });
    board.set(jobId, { state: "preparing", progress: 0, note: undefined });
    const startMs = performance.now();
    await prepareDataset({
      jobId,
      datasetId,
      cacheSidePx,
      splits,
      tasks,
      jobs,
      blobs,
      pool,
      log,
      signal: AbortSignal.any([this.#signal, this.#finishEarly]),
      onProgress: ({ samples, samplesDone }, workers) => {
        const rate = (1000 * samplesDone) / Math.max(1, performance.now() - startMs);
        board.set(jobId, {
          imagesPerSecond: rate,
          timeLeftMs: rate > 0 ? (1000 * (samples - samplesDone)) / rate : undefined,
          note:
            workers === 0
              ? jobNoteOf("no-worker")
              : jobNoteOf("preparing", { done: samplesDone, total: samples }),
        });
      },
    });
  }

  async #train(
    plan: LearningPlan,
    options: TrainingOptions,
    pictures: { shards: ReturnType<TaskStore["shards"]>; train: number; val: number; test: number },
    models: JobModels,
  ): Promise<TrainingOutcome> {
    const { jobs, pool, checkpoints, log, board } = this.#context;
    const { id: jobId, createdMs } = this.#job;
    const from = this.#checkpoint(plan) ?? (await this.#initial(plan, options));
    jobs.update(jobId, { state: "training", failure: undefined });
    // The rate and the time were those of preparing.
    board.set(jobId, { state: "training", note: undefined, imagesPerSecond: 0, timeLeftMs: undefined });
    const { train, val, test } = pictures;
    log.info("training", { job: jobId, pictures: train, aside: val, test, round: from?.round ?? 0 });
    const run = new TrainingRun({
      jobId,
      createdMs,
      isResumed: this.#job.plan !== undefined,
      plan,
      shards: pictures.shards.map(({ sha256, shardBytes, split }) => ({ sha256, shardBytes, split })),
      wire: new WireChooser(options.wire, options.localSteps),
      trainPictures: train,
      hasVal: val > 0,
      hasTest: test > 0,
      from,
      pool,
      checkpoints,
      checkpointEveryMs: this.#context.checkpointEveryMs,
      log,
      stop: this.#stop,
      signal: this.#signal,
      finishEarly: this.#finishEarly,
      onStatus: (status, seconds) => board.set(jobId, status, { seconds }),
      onScored: (learnt) => models.offer(learnt),
    });
    return await run.run();
  }

  /** A damaged checkpoint, or one of another version's network, costs the time since the job began, not the job. */
  #checkpoint({ network }: LearningPlan): Checkpoint | undefined {
    const { checkpoints, log } = this.#context;
    try {
      const checkpoint = checkpoints.load(this.#job.id);
      const count = buildNetwork(network).parameters.totalCount;
      if (checkpoint === undefined || checkpoint.weights.length === count) return checkpoint;
      throw new AppError(
        "input",
        `the checkpoint has ${checkpoint.weights.length} weights, ${count} expected`,
      );
    } catch (error) {
      log.warn("the job begins anew", { job: this.#job.id, error });
      return undefined;
    }
  }

  /** The model that the job is to start from. */
  async #parent({ init }: TrainingOptions): Promise<ReturnType<typeof decodeModelFile> | undefined> {
    return init === undefined ? undefined : decodeModelFile(await this.#context.blobs.read(init));
  }

  async #initial(plan: LearningPlan, options: TrainingOptions): Promise<Checkpoint | undefined> {
    const parent = await this.#parent(options);
    if (parent === undefined) return undefined;
    const { info, weights: learnt } = parent;
    if (info.network.kind !== plan.network.kind) {
      throw new AppError("input", `the model to start from (${info.name}) is of another network`, {
        hint: `start from a model of --network ${plan.network.kind}, or leave out --init`,
        failure: "another-network",
        about: info.name,
      });
    }
    const weights = startWeights(plan, { network: info.network, classes: info.classes, weights: learnt });
    const nothing = { best: undefined, scores: undefined, asideLearnt: false };
    return { round: 0, elapsedMs: 0, weights, state: [], ...nothing };
  }

  #keep(models: JobModels, outcome: TrainingOutcome): ModelCard {
    const { jobs, board, log } = this.#context;
    const { id } = this.#job;
    const { samples, seconds } = outcome;
    const card = models.keep(outcome);
    const scores = outcome.testScores ?? outcome.scores;
    const isFaces = models.kind === "mlp";
    const { map50 } = scores ?? {};
    const ended: Partial<JobStatus> = {
      state: "done",
      progress: 1,
      samples,
      epoch: outcome.epochs,
      epochs: outcome.epochs,
      imagesPerSecond: outcome.imagesPerSecond,
      map50,
      accuracy: isFaces ? scores?.accuracy : undefined,
      timeLeftMs: undefined,
      note: this.#finishEarly.aborted ? jobNoteOf("ended-early") : undefined,
    };
    board.set(id, ended, { modelVersion: card.version, seconds });
    const result = board.news(id)!.status;
    jobs.update(id, { state: "done", modelVersion: card.version, result, endedMs: Date.now() });
    log.info("model saved", {
      job: id,
      model: `${card.name} v${card.version}`,
      map50,
      samples,
      took: durationText(1000 * seconds),
    });
    return card;
  }
}

function stackOf(error: unknown): unknown {
  return error instanceof Error ? (error.stack ?? error.message) : error;
}
