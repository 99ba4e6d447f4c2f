import { AppError, errorLine } from "../../shared/base/errors.ts";
import { PIECE_SIZE_BYTES_MAX } from "../../shared/base/limits.ts";
import type { Log } from "../../shared/base/log.ts";
import { durationText } from "../../shared/base/text.ts";
import { deferred, onAbort } from "../../shared/base/wait.ts";
import type { LearningPlan } from "../../shared/learn/plan.ts";
import { Membership, type MembershipAction, type MembershipEvent } from "../../shared/training/membership.ts";
import { sliceOf } from "../../shared/training/slices.ts";
import type { MessageOf } from "../../shared/wire/message.ts";
import type { JobStatus } from "../../shared/wire/messages/models.ts";
import {
  CloseJob,
  Evaluated,
  FormRing,
  HandOver,
  JobReady,
  JobUnable,
  OpenJob,
  Regroup,
  RingBroken,
  RingFormed,
  type RingMember,
  RoundComputed,
  RoundDone,
  RunRound,
  type Scores,
  type ShardCard,
  Standing,
  StateEnd,
  StatePiece,
} from "../../shared/wire/messages/training.ts";
import type { Checkpoint, Checkpoints } from "./checkpoint.ts";
import { Evaluator } from "./evaluation.ts";
import { Gathering, type HeldState } from "./gathering.ts";
import { RoundMeter } from "./round-meter.ts";
import { TrainingClock } from "./training-clock.ts";
import { type PoolWorker, WorkerAnswers, type WorkerPool, type WorkerUser } from "./worker-pool.ts";

const TICK_MS = 100;
const CHECKPOINT_EVERY_MS = 10_000;
/** Between evaluations: this share of the training, and at least this time. */
const EVALUATE_EVERY_SHARE = 0.1;
const EVALUATE_EVERY_MS = 20_000;
/** How much better than the last weights earlier ones must be to be taken instead: less is chance. */
const BEST_MARGIN = 0.02;

export interface TrainingRunOptions {
  readonly jobId: number;
  readonly plan: LearningPlan;
  readonly shards: readonly ShardCard[];
  readonly trainPictures: number;
  readonly hasVal: boolean;
  readonly hasTest: boolean;
  /** Where to go on from: a checkpoint, or the weights of a model at round 0. */
  readonly from: Checkpoint | undefined;
  readonly pool: WorkerPool;
  readonly checkpoints: Checkpoints;
  readonly log: Log;
  /** Ends it at once; the checkpoint stays. */
  readonly signal: AbortSignal;
  /** Ends it with the best weights so far. */
  readonly finishEarly: AbortSignal;
  readonly onStatus: (status: Partial<JobStatus>, seconds: number) => void;
}

export interface TrainingOutcome {
  readonly weights: Float32Array;
  /** On pictures kept aside; of the training pictures where there are too few for that. */
  readonly scores: Scores | undefined;
  readonly testScores: Scores | undefined;
  readonly samples: number;
  readonly epochs: number;
  readonly seconds: number;
  readonly imagesPerSecond: number;
  readonly engines: readonly string[];
}

/**
 * Leads one training: turns what workers say into events of the `Membership`, its actions into messages, and decides
 * at each boundary what comes next: a round, a checkpoint, an evaluation, the end.
 */
export class TrainingRun implements WorkerUser {
  readonly answers: WorkerUser["answers"];
  readonly #options: TrainingRunOptions;
  readonly #membership: Membership;
  readonly #clock: TrainingClock;
  readonly #meter: RoundMeter;
  readonly #evaluator = new Evaluator();
  readonly #outcome = deferred<TrainingOutcome>();
  /** Workers that were told of the job and have not answered; and those that are ready. */
  readonly #opening = new Set<string>();
  readonly #ready = new Map<string, PoolWorker>();
  #sizes: { readonly parameterCount: number; readonly stateVectors: number } | undefined;
  #held: HeldState;
  #best: Checkpoint["best"];
  #gathering: Gathering | undefined;
  #round: number;
  #lastCheckpointMs = performance.now();
  #lastEvaluation: { progress: number; atMs: number };
  #map50: number | undefined;
  /** An evaluation or the end is under way: no rounds meanwhile. */
  #busy = false;
  #saving = Promise.resolve();

  constructor(options: TrainingRunOptions) {
    const { plan, from, trainPictures } = options;
    this.#options = options;
    this.#held = { round: from?.round ?? 0, weights: from?.weights, state: from?.state ?? [] };
    this.#best = from?.best;
    this.#round = this.#held.round;
    this.#membership = new Membership(this.#round);
    this.#clock = new TrainingClock(plan, trainPictures, from?.elapsedMs ?? 0);
    this.#meter = new RoundMeter(plan.chunkSize, plan.chunksPerRound);
    this.#lastEvaluation = { progress: this.#clock.progress(this.#round), atMs: performance.now() };
    this.answers = new WorkerAnswers()
      .on(JobReady, (worker, message) => this.#jobReady(worker, message))
      .on(JobUnable, (worker, { jobId, reason }) => {
        if (jobId === options.jobId) this.#jobUnable(worker, reason);
      })
      .on(Standing, (worker, { generation, position }) =>
        this.#tell({ kind: "position", member: worker.nodeId, generation, position }),
      )
      .on(StatePiece, (worker, piece) => this.#takeState(worker, piece))
      .on(StateEnd, (worker, { generation }) =>
        this.#tell({ kind: "gathered", member: worker.nodeId, generation }),
      )
      .on(RingFormed, (worker, { generation, checksum }) =>
        this.#tell({ kind: "formed", member: worker.nodeId, generation, checksum }),
      )
      .on(RoundComputed, (worker, { generation }) =>
        this.#tell({ kind: "computed", member: worker.nodeId, generation }),
      )
      .on(RoundDone, (worker, message) => this.#roundDone(worker, message))
      .on(RingBroken, (worker, { generation, suspect, reason }) => {
        const log = this.#options.log;
        log.warn("a ring broke", { job: this.#options.jobId, worker: worker.name, reason });
        this.#tell({ kind: "failed", member: worker.nodeId, generation, suspect });
      })
      .on(Evaluated, (worker, message) => this.#evaluator.take(worker, message));
  }

  /** Trains until the plan's end. Throws `cancelled` when `signal` aborts, `input` when no worker can take part. */
  async run(): Promise<TrainingOutcome> {
    const { pool, signal, finishEarly, jobId } = this.#options;
    using _pool = pool.use(this);
    using _abort = onAbort(signal, () => {
      this.#outcome.reject(new AppError("cancelled", "training was stopped", { cause: signal.reason }));
    });
    using _early = onAbort(finishEarly, () => this.#finishEarly());
    let lastMs = performance.now();
    const timer = setInterval(() => {
      const nowMs = performance.now();
      if (this.#membership.phase !== "waiting" && !this.#busy) this.#clock.pass(nowMs - lastMs);
      lastMs = nowMs;
      this.#tell({ kind: "tick" });
      this.#report();
    }, TICK_MS);
    if (this.#ready.size + this.#opening.size === 0) this.#report("no worker is connected: waiting for one");
    try {
      return await this.#outcome.promise;
    } finally {
      clearInterval(timer);
      this.#busy = true;
      await this.#saving;
      for (const { link } of pool.workers) link.send(CloseJob, { jobId }).catch(() => {});
    }
  }

  // Workers come and go

  joined(worker: PoolWorker): void {
    const { jobId, plan, shards } = this.#options;
    this.#opening.add(worker.nodeId);
    const message = { jobId, plan: { ...plan }, shards: [...shards] };
    worker.link.send(OpenJob, message).catch(() => {});
  }

  left(worker: PoolWorker): void {
    this.#opening.delete(worker.nodeId);
    this.#evaluator.left(worker);
    if (!this.#ready.delete(worker.nodeId)) return;
    this.#meter.remove(worker.nodeId);
    this.#tell({ kind: "leave", member: worker.nodeId });
  }

  #jobReady(worker: PoolWorker, message: MessageOf<typeof JobReady>): void {
    const { jobId, parameterCount, stateVectors, engine } = message;
    if (jobId !== this.#options.jobId || !this.#opening.delete(worker.nodeId)) return;
    this.#sizes ??= { parameterCount, stateVectors };
    const held = this.#held.weights?.length ?? parameterCount;
    if (parameterCount !== this.#sizes.parameterCount || parameterCount !== held) {
      this.#jobUnable(worker, `its network has ${parameterCount} parameters, ${held} expected`);
      return;
    }
    this.#ready.set(worker.nodeId, worker);
    this.#meter.add(worker.nodeId, worker.name, engine);
    this.#options.log.info("worker ready", { job: jobId, worker: worker.name, engine });
    this.#tell({ kind: "join", member: worker.nodeId });
  }

  #jobUnable(worker: PoolWorker, reason: string): void {
    this.#opening.delete(worker.nodeId);
    this.#options.log.warn("a worker cannot take part", {
      job: this.#options.jobId,
      worker: worker.name,
      reason,
    });
    if (this.#ready.size + this.#opening.size > 0) return;
    this.#outcome.reject(new AppError("input", `no worker can take part: ${reason}`));
  }

  // The membership

  #tell(event: MembershipEvent): void {
    for (const action of this.#membership.handle(event, performance.now())) this.#act(action);
  }

  #act(action: MembershipAction): void {
    const { log, jobId } = this.#options;
    switch (action.kind) {
      case "ask":
        this.#gathering = undefined;
        this.#send(action.member, (worker) =>
          worker.link.send(Regroup, { jobId, generation: action.generation }),
        );
        break;
      case "gather": {
        const { generation, round, weights } = action;
        const { parameterCount, stateVectors } = this.#sizes!;
        this.#gathering ??= new Gathering(generation, this.#held, parameterCount, stateVectors);
        this.#send(action.member, (worker) => worker.link.send(HandOver, { generation, round, weights }));
        break;
      }
      case "assembled":
        this.#assembled(action.round);
        break;
      case "form":
        this.#send(action.member, (worker) => this.#form(worker, action));
        break;
      case "run":
        this.#run(action);
        break;
      case "committed":
        this.#round = action.round;
        this.#meter.committed(action.roundMs);
        log.debug("round", {
          job: jobId,
          round: action.round,
          ms: action.roundMs,
          loss: total(this.#meter.loss),
        });
        break;
      case "boundary":
        this.#round = action.round;
        // Never from inside `handle`: what comes next is an event of its own.
        queueMicrotask(() => this.#next());
        break;
      case "drop": {
        const worker = this.#ready.get(action.member);
        log.warn("worker dropped", { job: jobId, worker: worker?.name, reason: action.reason });
        void worker?.link.close(action.reason);
        break;
      }
      case "bench": {
        const worker = this.#ready.get(action.member)?.name;
        log.warn("worker left out for a while", { job: jobId, worker, reason: action.reason });
        break;
      }
      case "waiting":
        log.warn("no worker is left: waiting for one", { job: jobId, round: this.#round });
        this.#report("no worker is connected: waiting for one");
        break;
      case "note":
        log.warn(action.text, { job: jobId });
        break;
      case "fail":
        this.#outcome.reject(new AppError("bug", action.reason));
    }
  }

  /** A link that ends is told to `left`; nothing else can be done about it here. */
  #send(member: string, send: (worker: PoolWorker) => Promise<void>): void {
    const worker = this.#ready.get(member);
    if (worker === undefined) return;
    send(worker).catch((error) => {
      if (!worker.link.closed.aborted) this.#outcome.reject(error);
    });
  }

  async #form(worker: PoolWorker, action: Extract<MembershipAction, { kind: "form" }>): Promise<void> {
    const { generation, round, members, keepsWeights } = action;
    const held = this.#held;
    const self = members.indexOf(worker.nodeId);
    const current = (): boolean => this.#membership.generation === generation;
    if (!keepsWeights && held.weights !== undefined) {
      await sendVector(worker, generation, 0, 0, held.weights, current);
    }
    const { from, to } = sliceOf(this.#sizes!.parameterCount, members.length, self);
    for (const [i, vector] of held.state.entries()) {
      await sendVector(worker, generation, 1 + i, from, vector.subarray(from, to), current);
    }
    if (!current()) return;
    await worker.link.send(FormRing, {
      generation,
      round,
      members: members.map((member) => this.#ringMember(member, worker)),
      self,
      weights: keepsWeights ? "keep" : held.weights === undefined ? "start" : "sent",
      state: held.state.length > 0,
    });
  }

  /** Where a member is for another: what is on the trainer's own machine is, from afar, at the trainer's address. */
  #ringMember(nodeId: string, reader: PoolWorker): RingMember {
    const peer = this.#ready.get(nodeId)?.link.peer;
    const { host, port } = peer?.listening ?? { host: "", port: 0 };
    const isHere = isLoopback(host) && !isLoopback(reader.link.peer.address.host);
    return { nodeId, name: peer?.name ?? "", host: isHere ? "" : host, port };
  }

  #run({ generation, round, members }: Extract<MembershipAction, { kind: "run" }>): void {
    const chunksTotal = this.#options.plan.chunksPerRound;
    const progress = this.#clock.progress(round);
    const ranges = this.#meter.assign(round, members);
    members.forEach((member, i) => {
      const { first: firstChunk, count: chunkCount } = ranges[i]!;
      this.#send(member, (worker) =>
        worker.link.send(RunRound, { generation, round, firstChunk, chunkCount, chunksTotal, progress }),
      );
    });
  }

  #roundDone(worker: PoolWorker, message: MessageOf<typeof RoundDone>): void {
    const { generation, round, checksum } = message;
    if (generation === this.#membership.generation) this.#meter.done(worker.nodeId, message);
    this.#tell({ kind: "done", member: worker.nodeId, generation, round, checksum });
  }

  #takeState(worker: PoolWorker, piece: MessageOf<typeof StatePiece>): void {
    if (this.#gathering?.generation !== piece.generation) return;
    this.#gathering.take(piece);
    this.#tell({ kind: "progress", member: worker.nodeId });
  }

  #assembled(round: number): void {
    if (this.#gathering === undefined) return;
    this.#held = this.#gathering.finish(round);
    this.#gathering = undefined;
    this.#save();
  }

  // What comes next

  #next(): void {
    if (this.#busy || this.#membership.phase !== "boundary") return;
    const progress = this.#clock.progress(this.#round);
    const nowMs = performance.now();
    const isOver = this.#round > 0 && (progress >= 1 || this.#options.finishEarly.aborted);
    const isEvaluationDue =
      this.#options.hasVal &&
      progress >= this.#lastEvaluation.progress + EVALUATE_EVERY_SHARE &&
      nowMs >= this.#lastEvaluation.atMs + EVALUATE_EVERY_MS;
    const isHeld = this.#held.round === this.#round;
    const wantsState = isOver || isEvaluationDue || nowMs >= this.#lastCheckpointMs + CHECKPOINT_EVERY_MS;
    if (wantsState && !isHeld && this.#round > 0) this.#tell({ kind: "proceed", to: "gather" });
    else if (isOver) void this.#whileBusy(() => this.#finish());
    else if (isEvaluationDue) void this.#whileBusy(() => this.#evaluate(progress));
    else this.#tell({ kind: "proceed", to: "round" });
  }

  async #whileBusy(work: () => Promise<void>): Promise<void> {
    this.#busy = true;
    try {
      await work();
    } catch (error) {
      this.#outcome.reject(error);
    } finally {
      this.#busy = false;
      this.#next();
    }
  }

  /** The weights to show and to keep: the mean that the optimizer keeps of them. */
  #average(): Float32Array | undefined {
    return this.#held.state.at(-1) ?? this.#held.weights;
  }

  async #evaluate(progress: number): Promise<void> {
    const weights = this.#average();
    this.#lastEvaluation = { progress, atMs: performance.now() };
    if (weights === undefined) return;
    const scores = await this.#score(weights, "val", 1);
    if (scores === undefined) return;
    this.#map50 = scores.map50;
    if (scores.map50 >= (this.#best?.map50 ?? 0)) this.#best = { weights, map50: scores.map50 };
    this.#lastEvaluation.atMs = performance.now();
    const { log, jobId } = this.#options;
    const epoch = this.#clock.epoch(this.#round);
    log.info("evaluated", { job: jobId, epoch, map50: scores.map50, loss: total(this.#meter.loss) });
  }

  /** Tries with one worker after the other. `undefined` when there is none, or none managed. */
  async #score(
    weights: Float32Array,
    split: "train" | "val" | "test",
    tries = 3,
  ): Promise<Scores | undefined> {
    for (let i = 0; i < tries; i++) {
      const worker = this.#ready.get(this.#membership.members[0] ?? "") ?? [...this.#ready.values()][0];
      if (worker === undefined) return undefined;
      try {
        return await this.#evaluator.score(worker, weights, split);
      } catch (error) {
        this.#options.log.warn("evaluation failed", { job: this.#options.jobId, worker: worker.name, error });
      }
    }
    return undefined;
  }

  async #finish(): Promise<void> {
    const { hasVal, hasTest, onStatus } = this.#options;
    const last = this.#average();
    if (last === undefined)
      throw new AppError("cancelled", "ended before the first round: there is no model yet");
    onStatus({ state: "evaluating", progress: 1, timeLeftMs: undefined }, this.#clock.elapsedMs / 1000);
    let weights = last;
    let scores = await this.#score(last, hasVal ? "val" : "train");
    if (hasVal && scores !== undefined && (this.#best?.map50 ?? 0) > scores.map50 + BEST_MARGIN) {
      weights = this.#best!.weights;
      scores = await this.#score(weights, "val");
    }
    const testScores = hasTest ? await this.#score(weights, "test") : undefined;
    this.#outcome.resolve({
      weights,
      scores,
      testScores,
      samples: this.#clock.samples(this.#round),
      epochs: this.#clock.epoch(this.#round),
      seconds: this.#clock.elapsedMs / 1000,
      imagesPerSecond: this.#meter.imagesPerSecond,
      engines: this.#meter.engines,
    });
  }

  /** At a boundary `#next` sees it; without any worker there is no boundary to wait for. */
  #finishEarly(): void {
    if (this.#membership.phase === "waiting" && !this.#busy) void this.#whileBusy(() => this.#finish());
    else if (this.#round === 0) {
      this.#outcome.reject(new AppError("cancelled", "ended before the first round: there is no model yet"));
    } else this.#next();
  }

  #save(): void {
    const { checkpoints, jobId, log } = this.#options;
    const { round, weights, state } = this.#held;
    if (weights === undefined) return;
    this.#lastCheckpointMs = performance.now();
    const checkpoint = { round, elapsedMs: this.#clock.elapsedMs, weights, state, best: this.#best };
    this.#saving = this.#saving
      .then(() => checkpoints.save(jobId, checkpoint))
      .then(() => log.debug("checkpoint saved", { job: jobId, round }))
      .catch((error) =>
        log.error("no checkpoint: training goes on without", { job: jobId, error: errorLine(error) }),
      );
  }

  #report(note?: string): void {
    if (this.#busy) return;
    const rate = this.#meter.imagesPerSecond;
    const isWaiting = this.#membership.phase === "waiting";
    const waiting =
      this.#opening.size > 0 ? "the workers are getting ready" : "no worker is connected: waiting for one";
    this.#options.onStatus(
      {
        state: "training",
        progress: this.#clock.progress(this.#round),
        epoch: this.#clock.epoch(this.#round),
        epochs: this.#clock.epochs(this.#round, rate),
        samples: this.#clock.samples(this.#round),
        imagesPerSecond: isWaiting ? 0 : rate,
        loss: this.#meter.loss,
        map50: this.#map50,
        bestMap50: this.#best?.map50,
        timeLeftMs: isWaiting ? undefined : this.#clock.timeLeftMs(this.#round, rate),
        note: note ?? (isWaiting ? waiting : ""),
        workers: this.#meter.workers(this.#membership.members),
      },
      this.#clock.elapsedMs / 1000,
    );
  }

  /** A line for the log: where the training is. */
  get summary(): string {
    return `round ${this.#round}, ${durationText(this.#clock.elapsedMs)}`;
  }
}

async function sendVector(
  worker: PoolWorker,
  generation: number,
  vector: number,
  offset: number,
  values: Float32Array,
  isCurrent: () => boolean,
): Promise<void> {
  const step = PIECE_SIZE_BYTES_MAX / 4;
  for (let at = 0; at < values.length && isCurrent(); at += step) {
    const part = values.subarray(at, at + step);
    await worker.link.send(StatePiece, { generation, vector, offset: offset + at, values: part });
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.") || host.startsWith("::ffff:127.");
}

function total(loss: Readonly<Record<string, number>>): number {
  return Object.values(loss).reduce((sum, part) => sum + part, 0);
}
