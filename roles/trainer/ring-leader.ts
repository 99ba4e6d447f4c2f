import { AppError } from "../../shared/base/errors.ts";
import type { Log } from "../../shared/base/log.ts";
import { Membership } from "../../shared/training/membership.ts";
import {
  MEMBERSHIP_LIMITS,
  type MembershipAction,
  type MembershipEvent,
} from "../../shared/training/membership-words.ts";
import { checksumOf } from "../../shared/training/slices.ts";
import type { WireChooser } from "../../shared/training/wire-choice.ts";
import type { MessageOf } from "../../shared/wire/message.ts";
import {
  HandOver,
  Regroup,
  RingBroken,
  RingFormed,
  type RingMember,
  RoundComputed,
  RoundDone,
  RunRound,
  Standing,
  StateEnd,
  StatePiece,
} from "../../shared/wire/messages/training.ts";
import { Gathering, type HeldState } from "./gathering.ts";
import type { RoundMeter } from "./round-meter.ts";
import { sendPlace } from "./send-place.ts";
import { type PoolWorker, ringMember, type WorkerAnswers } from "./worker-pool.ts";

/** What the leader of a ring tells the training that it belongs to. */
export interface RingEvents {
  /** Nothing runs: `proceed` says what comes next. Not called from inside another call. */
  onBoundary(): void;
  /** The trainer holds the whole state of a later round than before. */
  onHeld(): void;
  /** Nobody is left. */
  onWaiting(): void;
  /** The training cannot go on. */
  onFailed(error: AppError): void;
}

/** After a restart the first workers wait so long for the others, whose slices of the optimizer's state they lack. */
const RETURN_MS = 2000;

export interface RingLeaderOptions {
  readonly jobId: number;
  /** The training had begun before this trainer was started. */
  readonly isResumed: boolean;
  readonly held: HeldState;
  /** Numbers in the weight vector, by the job's plan. */
  readonly parameterCount: number;
  /** Chunks of one step of the weights. */
  readonly chunksPerStep: number;
  readonly meter: RoundMeter;
  /** In which format the ring's numbers travel, and after how many steps. */
  readonly wire: WireChooser;
  /** Share of the training that is done after so many steps. */
  readonly progress: (round: number) => number;
  readonly events: RingEvents;
  readonly log: Log;
}

/** Sizes of the vectors that travel, as workers report them. */
export interface StateSizes {
  readonly parameterCount: number;
  readonly stateVectors: number;
}

/** Leads the rounds of one training: what workers say becomes events of the `Membership`, its actions messages. */
export class RingLeader {
  readonly #options: RingLeaderOptions;
  readonly #membership: Membership;
  readonly #workers = new Map<string, PoolWorker>();
  /** Workers that have computed something. */
  readonly #computing = new Set<string>();
  /** Workers whose links are silent, as the membership was told. */
  readonly #quiet = new Set<string>();
  /** Bytes that waited at the last tick for the sockets of workers to take them. */
  readonly #queuedBytes = new Map<string, number>();
  /** Workers that wait for others to return, and until when; `undefined` when nobody does any more. */
  #returning: { readonly members: Set<string>; untilMs: number } | undefined;
  /** Vectors of the optimizer, as the first worker said. */
  #stateVectors: number | undefined;
  #held: HeldState;
  #gathering: Gathering | undefined;
  #round: number;

  constructor(options: RingLeaderOptions) {
    this.#options = options;
    this.#held = options.held;
    this.#round = options.held.round;
    if (options.isResumed) this.#returning = { members: new Set(), untilMs: Number.POSITIVE_INFINITY };
    // Workers may have heard generations of a trainer before this one: time has gone on since.
    const generation = Math.floor(Date.now() / 1000) % 2 ** 31;
    const { round, weights } = options.held;
    const held = { round, checksum: weights && checksumOf(weights) };
    this.#membership = new Membership(held, MEMBERSHIP_LIMITS, generation);
  }

  /** Steps of the rounds that were completed. */
  get round(): number {
    return this.#round;
  }
  get held(): HeldState {
    return this.#held;
  }
  get phase(): Membership["phase"] {
    return this.#membership.phase;
  }
  /** The ring's workers in order, then those who are ready and not in it. */
  get workers(): readonly PoolWorker[] {
    const ring = this.#membership.members;
    const place = (id: string): number => (ring.includes(id) ? ring.indexOf(id) : ring.length);
    return [...this.#workers.values()].sort((a, b) => place(a.nodeId) - place(b.nodeId));
  }
  get members(): readonly string[] {
    return this.#membership.members;
  }

  /** Takes a worker that has the job's pictures. Throws `input` when its network is another. */
  add(worker: PoolWorker, { parameterCount, stateVectors }: StateSizes): void {
    const count = this.#options.parameterCount;
    if (parameterCount !== count) {
      throw new AppError("input", `its network has ${parameterCount} parameters, ${count} expected`);
    }
    this.#stateVectors ??= stateVectors;
    if (stateVectors !== this.#stateVectors) {
      throw new AppError("input", `its state has ${stateVectors} vectors, ${this.#stateVectors} expected`);
    }
    this.#workers.set(worker.nodeId, worker);
    if (this.#returning === undefined) {
      this.#tell({ kind: "join", member: worker.nodeId });
      return;
    }
    this.#returning.members.add(worker.nodeId);
    this.#returning.untilMs = Math.min(this.#returning.untilMs, performance.now() + RETURN_MS);
  }

  remove(worker: PoolWorker): boolean {
    if (!this.#workers.delete(worker.nodeId)) return false;
    this.#quiet.delete(worker.nodeId);
    this.#queuedBytes.delete(worker.nodeId);
    this.#returning?.members.delete(worker.nodeId);
    this.#tell({ kind: "leave", member: worker.nodeId });
    return true;
  }

  /** To be called often: deadlines pass, links fall silent. */
  tick(): void {
    if (this.#returning !== undefined && performance.now() >= this.#returning.untilMs) {
      const { members } = this.#returning;
      this.#returning = undefined;
      for (const member of members) this.#tell({ kind: "join", member });
    }
    for (const { nodeId: member, link } of this.#workers.values()) {
      // State that is sent to a member moves when its queue gets shorter.
      if (link.queuedBytes < (this.#queuedBytes.get(member) ?? 0)) this.#tell({ kind: "progress", member });
      this.#queuedBytes.set(member, link.queuedBytes);
      if (link.isQuiet === this.#quiet.has(member)) continue;
      if (link.isQuiet) this.#quiet.add(member);
      else this.#quiet.delete(member);
      this.#tell({ kind: link.isQuiet ? "quiet" : "heard", member });
    }
    this.#tell({ kind: "tick" });
  }

  /**
   * In answer to `onBoundary`: another round of so many steps at most, or the whole state (`onHeld`, then `onBoundary`
   * again).
   */
  proceed(to: "round" | "gather", stepsMax = 1): void {
    const { wire, meter } = this.#options;
    // One alone has nobody to wait for.
    const steps = this.members.length < 2 ? 1 : Math.min(wire.steps, stepsMax);
    this.#tell({
      kind: "proceed",
      to,
      steps,
      expectedMs: meter.expectedMs(this.#round, steps, this.members),
    });
  }

  /** Adds what this understands to the answers of a pool's user. */
  answer(answers: WorkerAnswers): WorkerAnswers {
    return answers
      .on(Standing, ({ nodeId: member }, { generation, position }) =>
        this.#tell({ kind: "position", member, generation, position }),
      )
      .on(StatePiece, (worker, piece) => this.#takeState(worker, piece))
      .on(StateEnd, ({ nodeId: member }, { generation }) =>
        this.#tell({ kind: "gathered", member, generation }),
      )
      .on(RingFormed, ({ nodeId: member }, { generation, checksum }) =>
        this.#tell({ kind: "formed", member, generation, checksum }),
      )
      .on(RoundComputed, (worker, { generation }) => this.#computed(worker, generation))
      .on(RoundDone, (worker, message) => this.#roundDone(worker, message))
      .on(RingBroken, ({ nodeId: member, name }, { generation, what, suspect, reason }) => {
        const words = what === "ring" ? "a ring broke" : "a worker got no state from another";
        this.#options.log.warn(words, { job: this.#options.jobId, worker: name, reason });
        if (what === "ring") this.#tell({ kind: "failed", member, generation, suspect });
        else this.#tell({ kind: "ungiven", member, generation });
      });
  }

  #tell(event: MembershipEvent): void {
    for (const action of this.#membership.handle(event, performance.now())) this.#act(action);
  }

  #act(action: MembershipAction): void {
    const { log, jobId, events } = this.#options;
    switch (action.kind) {
      case "ask":
        this.#gathering = undefined;
        this.#options.wire.restart();
        this.#send(action.member, (worker) =>
          worker.link.send(Regroup, { jobId, generation: action.generation }),
        );
        break;
      case "gather": {
        const { generation, round, weights } = action;
        const { parameterCount } = this.#options;
        this.#gathering ??= new Gathering(generation, this.#held, parameterCount, this.#stateVectors!);
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
        this.#options.meter.committed(action.roundMs);
        this.#chooseWire(action.roundMs, action.round - this.#round);
        this.#round = action.round;
        log.debug("round", {
          job: jobId,
          round: action.round,
          workers: action.members.length,
          ms: action.roundMs,
          loss: total(this.#options.meter.loss),
        });
        break;
      case "boundary":
        this.#round = action.round;
        // Never from inside `handle`: what comes next is an event of its own.
        queueMicrotask(() => events.onBoundary());
        break;
      case "drop": {
        const worker = this.#workers.get(action.member);
        log.warn("worker dropped", { job: jobId, worker: worker?.name, reason: action.reason });
        void worker?.link.close(action.reason);
        break;
      }
      case "setAside": {
        const worker = this.#workers.get(action.member)?.name;
        this.#options.meter.leftOut(action.member, "silent");
        log.warn("a worker is silent: the others go on until it is heard", { job: jobId, worker });
        break;
      }
      case "slow": {
        const worker = this.#workers.get(action.member)?.name;
        log.warn("a worker is slower than it was: it gets less to do", { job: jobId, worker });
        this.#options.meter.late(action.member, action.afterMs);
        break;
      }
      case "bench": {
        const worker = this.#workers.get(action.member)?.name;
        this.#options.meter.leftOut(action.member, "left-out", action.reason);
        log.warn("worker left out for a while", { job: jobId, worker, reason: action.reason });
        break;
      }
      case "waiting":
        log.warn("no worker is left: waiting for one", { job: jobId, round: this.#round });
        events.onWaiting();
        break;
      case "note":
        log.warn(action.text, { job: jobId });
        break;
      case "fail":
        events.onFailed(new AppError("bug", action.reason));
    }
  }

  /** A link that ends is told to `left`; nothing else can be done about it here. */
  #send(member: string, send: (worker: PoolWorker) => Promise<void>): void {
    const worker = this.#workers.get(member);
    if (worker === undefined) return;
    send(worker).catch((error) => {
      if (!worker.link.closed.aborted) {
        this.#options.events.onFailed(new AppError("bug", "a worker cannot be told", { cause: error }));
      }
    });
  }

  #form(worker: PoolWorker, action: Extract<MembershipAction, { kind: "form" }>): Promise<void> {
    const addresses = action.members.map((member) => this.#ringMember(member));
    const isCurrent = (): boolean => this.#membership.generation === action.generation;
    return sendPlace(worker, action, this.#held, this.#options.parameterCount, addresses, isCurrent);
  }

  #ringMember(nodeId: string): RingMember {
    const worker = this.#workers.get(nodeId);
    return (worker && ringMember(worker)) ?? { nodeId, name: worker?.name ?? "", host: "", port: 0 };
  }

  #run({ generation, round, steps, members }: Extract<MembershipAction, { kind: "run" }>): void {
    const { chunksPerStep, meter } = this.#options;
    const progress = this.#options.progress(round);
    const ranges = meter.assign(round, steps, members);
    members.forEach((member, i) => {
      const { first: firstChunk, count: chunkCount } = ranges[i]!;
      this.#send(member, (worker) =>
        worker.link.send(RunRound, {
          generation,
          round,
          firstChunk,
          chunkCount,
          chunksTotal: steps * chunksPerStep,
          steps,
          progress,
          format: this.#options.wire.format,
        }),
      );
    });
  }

  #chooseWire(roundMs: number, steps: number): void {
    const { wire, meter, log, jobId } = this.#options;
    if (this.#membership.members.length < 2) return;
    const ringMs = meter.lastRingMs;
    if (wire.measured(ringMs, roundMs, steps)) {
      log.info("numbers travel otherwise", { job: jobId, format: wire.format, steps: wire.steps, ringMs });
    }
  }

  #computed({ nodeId: member, name }: PoolWorker, generation: number): void {
    if (!this.#computing.has(member)) {
      this.#computing.add(member);
      this.#options.log.info("first gradients", { job: this.#options.jobId, worker: name });
    }
    this.#tell({ kind: "computed", member, generation });
  }

  #roundDone(worker: PoolWorker, message: MessageOf<typeof RoundDone>): void {
    const { generation, round, checksum } = message;
    if (generation === this.#membership.generation) this.#options.meter.done(worker.nodeId, message);
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
    this.#options.events.onHeld();
  }
}

function total(loss: Readonly<Record<string, number>>): number {
  return Object.values(loss).reduce((sum, part) => sum + part, 0);
}
