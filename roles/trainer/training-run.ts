import { AppError, errorLine } from "../../shared/base/errors.ts";
import type { Log } from "../../shared/base/log.ts";
import { durationText } from "../../shared/base/text.ts";
import { deferred, onAbort } from "../../shared/base/wait.ts";
import type { LearningPlan } from "../../shared/learn/plan.ts";
import { learningRate } from "../../shared/learn/schedule.ts";
import type { History, HistoryPoint } from "../../shared/nn/history.ts";
import { buildNetwork } from "../../shared/nn/networks/config.ts";
import { machinesText } from "../../shared/training/job-words.ts";
import type { WireChooser } from "../../shared/training/wire-choice.ts";
import type { MessageOf } from "../../shared/wire/message.ts";
import { type JobStatus, jobNoteOf } from "../../shared/wire/messages/job-status.ts";
import {
  CloseJob,
  Evaluated,
  JobReady,
  JobUnable,
  OpenJob,
  Quantized,
  type Scores,
  type ShardCard,
} from "../../shared/wire/messages/training.ts";
import type { Checkpoint, Checkpoints } from "./checkpoint.ts";
import { CheckpointPace } from "./checkpoint-pace.ts";
import { Evaluator } from "./evaluation.ts";
import { HistoryKeeper } from "./history-keeper.ts";
import { RingLeader } from "./ring-leader.ts";
import { RoundMeter } from "./round-meter.ts";
import { TrainingClock } from "./training-clock.ts";
import { type Judged, WeightsJudge } from "./weights-judge.ts";
import { type PoolWorker, WorkerAnswers, type WorkerPool, type WorkerUser } from "./worker-pool.ts";

const TICK_MS = 100;
/** Between lines of the log that say how far it is. */
const LOG_EVERY_MS = 30_000;

export interface TrainingRunOptions {
  readonly jobId: number;
  readonly createdMs: number;
  /** It had begun before: workers may come back that are further than `from`. */
  readonly isResumed: boolean;
  readonly plan: LearningPlan;
  readonly shards: readonly ShardCard[];
  /** How the ring's numbers travel, and after how many steps. */
  readonly wire: WireChooser;
  readonly trainPictures: number;
  readonly hasVal: boolean;
  readonly hasTest: boolean;
  /** Where to go on from: a checkpoint, or the weights of a model at round 0. */
  readonly from: Checkpoint | undefined;
  readonly pool: WorkerPool;
  readonly checkpoints: Checkpoints;
  readonly checkpointEveryMs: number;
  readonly log: Log;
  /** The trainer stops: its workers keep what they hold, for its next start. */
  readonly stop: AbortSignal;
  /** Ends it at once, when the trainer stops too; the checkpoint stays. */
  readonly signal: AbortSignal;
  /** Ends it with the best weights so far. */
  readonly finishEarly: AbortSignal;
  readonly onStatus: (status: Partial<JobStatus>, seconds: number) => void;
  /** Weights on the way were scored on the pictures kept aside. */
  readonly onScored: (learnt: Learnt & { readonly scores: Scores }) => void;
}

/** Weights, and all that is known of them. */
export interface Learnt extends Judged {
  readonly samples: number;
  readonly seconds: number;
  /** From the first round, or where the trainer went away meanwhile, from its last start. */
  readonly history: History;
}

export interface TrainingOutcome extends Learnt {
  readonly epochs: number;
  readonly imagesPerSecond: number;
  readonly engines: readonly string[];
}

/**
 * One training, from the first worker to the last evaluation: gets workers ready, and decides at each boundary between
 * rounds what comes next: a round, a checkpoint, an evaluation, the end.
 */
export class TrainingRun implements WorkerUser {
  readonly answers: WorkerUser["answers"];
  readonly #options: TrainingRunOptions;
  readonly #leader: RingLeader;
  readonly #clock: TrainingClock;
  readonly #meter: RoundMeter;
  readonly #evaluator = new Evaluator(
    () => this.#leader.workers[0],
    ({ name }, error) =>
      this.#options.log.warn("evaluation failed", { job: this.#options.jobId, worker: name, error }),
  );
  readonly #history: HistoryKeeper;
  readonly #outcome = deferred<TrainingOutcome>();
  /** Workers that were told of the job and have not answered. */
  readonly #opening = new Set<string>();
  readonly #judge: WeightsJudge;
  readonly #pace: CheckpointPace;
  /** `busy`: an evaluation or the end is under way, and no rounds are run meanwhile. */
  #state: "training" | "busy" | "ended" = "training";
  #saving = Promise.resolve();

  constructor(options: TrainingRunOptions) {
    const { plan, from, trainPictures, jobId, log, isResumed } = options;
    this.#options = options;
    this.#pace = new CheckpointPace(options.checkpointEveryMs, performance.now());
    this.#clock = new TrainingClock(plan, trainPictures, from?.elapsedMs ?? 0);
    this.#meter = new RoundMeter(plan.chunkSize, plan.chunksPerRound);
    this.#history = new HistoryKeeper(plan.chunkSize * plan.chunksPerRound);
    this.#leader = new RingLeader({
      jobId,
      parameterCount: buildNetwork(plan.network).parameters.totalCount,
      held: { round: from?.round ?? 0, weights: from?.weights, state: from?.state ?? [] },
      chunksPerStep: plan.chunksPerRound,
      isResumed,
      meter: this.#meter,
      wire: options.wire,
      progress: (round) => this.#clock.progress(round),
      events: {
        onBoundary: () => this.#next(),
        onHeld: () => this.#save(),
        onWaiting: () => this.#report(),
        onFailed: (error) => this.#outcome.reject(error),
      },
      log,
    });
    const progress = this.#clock.progress(this.#leader.round);
    const { hasVal, hasTest } = options;
    this.#judge = new WeightsJudge({
      ...{ plan, hasVal, hasTest, progress },
      evaluator: this.#evaluator,
      before: from,
    });
    this.answers = this.#leader.answer(
      new WorkerAnswers()
        .on(JobReady, (worker, message) => this.#jobReady(worker, message))
        .on(JobUnable, (worker, { jobId: of, reason }) => {
          if (of === jobId) this.#jobUnable(worker, reason);
        })
        .on(Evaluated, (worker, message) => this.#evaluator.take(worker, message))
        .on(Quantized, (worker, message) => this.#evaluator.take(worker, message)),
    );
  }

  /** Trains until the plan's end. Throws `cancelled` when `signal` aborts, `input` when no worker can take part. */
  async run(): Promise<TrainingOutcome> {
    const { pool, stop, signal, finishEarly, jobId } = this.#options;
    using _pool = pool.use(this);
    using _abort = onAbort(signal, () => {
      this.#outcome.reject(new AppError("cancelled", "training was stopped", { cause: signal.reason }));
    });
    using _early = onAbort(finishEarly, () => this.#finishEarly());
    let lastMs = performance.now();
    let loggedMs = lastMs;
    const timer = setInterval(() => {
      const nowMs = performance.now();
      if (nowMs >= loggedMs + LOG_EVERY_MS) {
        loggedMs = nowMs;
        this.#logProgress();
      }
      if (this.#leader.phase !== "waiting" && this.#state === "training") this.#clock.pass(nowMs - lastMs);
      lastMs = nowMs;
      this.#leader.tick();
      this.#report();
    }, TICK_MS);
    this.#report();
    try {
      return await this.#outcome.promise;
    } finally {
      this.#state = "ended";
      clearInterval(timer);
      this.#evaluator[Symbol.dispose]();
      await this.#saving;
      if (!stop.aborted) for (const { link } of pool.workers) link.send(CloseJob, { jobId }).catch(() => {});
    }
  }

  // Workers come and go

  joined(worker: PoolWorker): void {
    const { jobId, createdMs, plan, shards } = this.#options;
    this.#opening.add(worker.nodeId);
    const peers = this.#options.pool.addresses(worker);
    const message = { jobId, createdMs, plan: { ...plan }, shards: [...shards], peers };
    worker.link.send(OpenJob, message).catch(() => {});
  }

  left(worker: PoolWorker): void {
    this.#opening.delete(worker.nodeId);
    this.#evaluator.left(worker);
    this.#meter.remove(worker.nodeId);
    this.#leader.remove(worker);
  }

  #jobReady(worker: PoolWorker, message: MessageOf<typeof JobReady>): void {
    const { jobId, parameterCount, stateVectors, engine } = message;
    if (jobId !== this.#options.jobId || !this.#opening.delete(worker.nodeId)) return;
    this.#options.log.info("worker ready", { job: jobId, worker: worker.name, engine });
    this.#meter.add(worker.nodeId, worker.name, engine);
    try {
      this.#leader.add(worker, { parameterCount, stateVectors });
    } catch (error) {
      this.#meter.remove(worker.nodeId);
      this.#jobUnable(worker, errorLine(error));
    }
  }

  #jobUnable(worker: PoolWorker, reason: string): void {
    this.#opening.delete(worker.nodeId);
    this.#options.log.warn("a worker cannot take part", {
      job: this.#options.jobId,
      worker: worker.name,
      reason,
    });
    if (this.#leader.workers.length + this.#opening.size > 0) return;
    const failure = { failure: "no-able-worker", about: reason } as const;
    this.#outcome.reject(new AppError("input", `no worker can take part: ${reason}`, failure));
  }

  // What comes next

  #next(): void {
    if (this.#state !== "training" || this.#leader.phase !== "boundary") return;
    const { round, held } = this.#leader;
    const progress = this.#clock.progress(round);
    const nowMs = performance.now();
    if (round > 0) this.#history.round(this.#point());
    const isOver = round > 0 && (progress >= 1 || this.#options.finishEarly.aborted);
    const evaluation = this.#judge.due(progress, nowMs);
    const isCheckpointDue = this.#pace.isDue(nowMs, this.#meter.roundMs);
    const wantsState = isOver || evaluation !== "no" || isCheckpointDue;
    if (wantsState && held.round !== round) {
      this.#pace.gathering(nowMs);
      this.#leader.proceed("gather");
    } else if (isOver) void this.#whileBusy(() => this.#finish());
    else if (evaluation !== "no") void this.#whileBusy(() => this.#evaluate(progress, evaluation === "last"));
    else this.#leader.proceed("round", this.#clock.stepsLeft(round));
  }

  async #whileBusy(work: () => Promise<void>): Promise<void> {
    this.#state = "busy";
    try {
      await work();
    } catch (error) {
      this.#outcome.reject(error);
    }
    if (this.#state === "busy") this.#state = "training";
    this.#next();
  }

  /** The weights to show and to keep: the mean that the optimizer keeps of them. */
  #average(): Float32Array | undefined {
    const { state, weights } = this.#leader.held;
    return state.at(-1) ?? weights;
  }

  /** @param isLast the pictures kept aside are learnt from after this */
  async #evaluate(progress: number, isLast: boolean): Promise<void> {
    const weights = this.#average();
    if (weights === undefined) return;
    const hasWorkers = (): boolean => this.#leader.workers.length > 0;
    const scores = await this.#judge.score(weights, progress, isLast, hasWorkers);
    if (scores === undefined) return;
    this.#history.scored({ ...this.#point(), map50: scores.map50 });
    const { log, jobId, onScored } = this.#options;
    const { round } = this.#leader;
    onScored({
      weights,
      scores,
      testScores: undefined,
      levels: [],
      samples: this.#clock.samples(round),
      seconds: this.#clock.elapsedMs / 1000,
      history: this.#history.history,
    });
    const epoch = this.#clock.epoch(round);
    log.info("evaluated", { job: jobId, epoch, map50: scores.map50, loss: total(this.#meter.loss) });
    if (!isLast) return;
    // The checkpoint before has older scores, and a trainer started again could not have these any more.
    this.#save();
    await this.#saving;
  }

  async #finish(): Promise<void> {
    const last = this.#average();
    if (last === undefined)
      throw new AppError("cancelled", "ended before the first round: there is no model yet");
    const evaluating = { state: "evaluating", progress: 1, timeLeftMs: undefined } as const;
    this.#options.onStatus(evaluating, this.#clock.elapsedMs / 1000);
    const judged = await this.#judge.conclude(last);
    this.#state = "ended";
    this.#outcome.resolve({
      ...judged,
      samples: this.#clock.samples(this.#leader.round),
      epochs: this.#clock.epoch(this.#leader.round),
      seconds: this.#clock.elapsedMs / 1000,
      imagesPerSecond: this.#meter.imagesPerSecond,
      engines: this.#meter.engines,
      history: this.#history.history,
    });
  }

  #point(): HistoryPoint {
    const { round } = this.#leader;
    const rate = learningRate(this.#options.plan.optimizer, round, this.#clock.progress(round));
    return { samples: this.#clock.samples(round), rate, loss: this.#meter.loss };
  }

  /** At a boundary `#next` sees it; without any worker there is no boundary to wait for. */
  #finishEarly(): void {
    const { phase, round } = this.#leader;
    if (round === 0) {
      this.#outcome.reject(new AppError("cancelled", "ended before the first round: there is no model yet"));
    } else if (phase === "waiting" && this.#state === "training") void this.#whileBusy(() => this.#finish());
    else this.#next();
  }

  #save(): void {
    const { checkpoints, jobId, log } = this.#options;
    const { round, weights, state } = this.#leader.held;
    if (weights === undefined) return;
    this.#pace.held(performance.now());
    const { elapsedMs } = this.#clock;
    const checkpoint = { round, elapsedMs, weights, state, ...this.#judge.judged };
    this.#saving = this.#saving
      .then(() => checkpoints.save(jobId, checkpoint))
      .then(() => log.debug("checkpoint saved", { job: jobId, round }))
      .catch((error) => log.error("no checkpoint: training goes on without", { job: jobId, error }));
  }

  #logProgress(): void {
    const { round, phase, members } = this.#leader;
    if (phase === "waiting") return;
    const rate = this.#meter.imagesPerSecond;
    const leftMs = this.#clock.timeLeftMs(round, rate);
    this.#options.log.info(`training, ${Math.floor(100 * this.#clock.progress(round))}% done`, {
      job: this.#options.jobId,
      workers: members.length,
      picturesPerSecond: rate,
      machines: members.length > 1 ? machinesText(this.#meter.workers(members)) : undefined,
      loss: total(this.#meter.loss),
      left: leftMs === undefined ? undefined : durationText(leftMs),
    });
  }

  #report(): void {
    if (this.#state !== "training") return;
    const { round, phase, members } = this.#leader;
    const isWaiting = phase === "waiting";
    const rate = this.#meter.imagesPerSecond;
    const { best, scores } = this.#judge.judged;
    const waiting = jobNoteOf(this.#opening.size > 0 ? "getting-ready" : "no-worker");
    this.#options.onStatus(
      {
        state: "training",
        progress: this.#clock.progress(round),
        epoch: this.#clock.epoch(round),
        epochs: this.#clock.epochs(round, rate),
        samples: this.#clock.samples(round),
        imagesPerSecond: isWaiting ? 0 : rate,
        loss: this.#meter.loss,
        map50: scores?.map50,
        bestMap50: best?.map50,
        timeLeftMs: isWaiting ? undefined : this.#clock.timeLeftMs(round, rate),
        note: isWaiting ? waiting : undefined,
        workers: this.#meter.workers(members),
      },
      this.#clock.elapsedMs / 1000,
    );
  }
}

function total(loss: Readonly<Record<string, number>>): number {
  return Object.values(loss).reduce((sum, part) => sum + part, 0);
}
