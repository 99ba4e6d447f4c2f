import { AppError, errorKind, errorLine } from "../../shared/base/errors.ts";
import type { Log } from "../../shared/base/log.ts";
import type { Connection } from "../../shared/net/connection.ts";
import type { Site } from "../../shared/net/site.ts";
import { Holdings } from "../../shared/training/holdings.ts";
import type { Replica } from "../../shared/training/replica.ts";
import { sendState } from "../../shared/training/state-sending.ts";
import type { MessageOf } from "../../shared/wire/message.ts";
import {
  type Evaluate,
  Evaluated,
  type EvaluationPiece,
  type FormRing,
  type HandOver,
  type Quantize,
  Quantized,
  type Regroup,
  RingBroken,
  RingFormed,
  type RingMember,
  RoundComputed,
  RoundDone,
  type RunRound,
  Standing,
  StateEnd,
  type StatePiece,
  type StateWanted,
} from "../../shared/wire/messages/training.ts";
import type { ChunksResult, Compute } from "./compute.ts";
import { OwnLearning } from "./own-learning.ts";
import { replicaAt } from "./place-state.ts";
import { type RingDoor, RingError, RingLinks } from "./ring-links.ts";
import { RunningRound } from "./running-round.ts";
import { StateInbox } from "./state-inbox.ts";
import type { Given } from "./state-peers.ts";

/** What a member needs of the process around it. */
export interface MemberContext {
  readonly site: Site;
  readonly door: RingDoor;
  /** To the trainer. */
  readonly link: Connection;
  readonly log: Log;
}

/** One place in one ring; over as soon as the trainer asks for the next generation. */
interface Ring {
  readonly generation: number;
  readonly members: readonly RingMember[];
  readonly self: number;
  readonly over: AbortController;
  readonly replica: Replica;
  readonly links: RingLinks | undefined;
}

/**
 * This worker's part in one job: holds the weights, and does what the trainer leads. Every message names its
 * generation; what belongs to an earlier one is dropped.
 */
export class JobMember implements AsyncDisposable {
  readonly jobId: number;
  readonly #compute: Compute;
  #context: MemberContext;
  readonly #state: StateInbox;
  readonly #evaluations: StateInbox;
  #judged: { readonly evaluationId: number; readonly weights: Float32Array } | undefined;
  readonly #stateVectors: number;
  #generation = -1;
  /** What the running generation started; aborted with it. */
  #over = new AbortController();
  #ring: Ring | undefined;
  /** What `Regroup` asks about. */
  readonly #holdings = new Holdings();
  #round: RunningRound | undefined;
  #own: OwnLearning | undefined;

  constructor(jobId: number, compute: Compute, stateVectors: number, context: MemberContext) {
    this.jobId = jobId;
    this.#compute = compute;
    this.#stateVectors = stateVectors;
    this.#context = context;
    this.#state = new StateInbox(compute.parameterCount, 1 + stateVectors);
    this.#evaluations = new StateInbox(compute.parameterCount, 1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leaveRing();
    await this.#compute[Symbol.asyncDispose]();
  }

  /** The link to the trainer has ended, and the running round with it. The weights stay, for when it is back. */
  detach(): void {
    this.#leaveRing();
    this.#generation = -1;
  }

  /** The trainer is back, over another link. */
  attach(link: Connection): void {
    this.#context = { ...this.#context, link };
  }

  /** What `JobReady` says of it. */
  get ready(): { engine: string; parameterCount: number; stateVectors: number } {
    const { engine, parameterCount } = this.#compute;
    return { engine, parameterCount, stateVectors: this.#stateVectors };
  }

  /** The last round that it has completed, if any. */
  get round(): number | undefined {
    return this.#holdings.latest?.round;
  }

  async regroup({ generation }: MessageOf<typeof Regroup>): Promise<void> {
    this.#leaveRing();
    this.#generation = generation;
    const at = this.#holdings.offer();
    await this.#context.link.send(Standing, {
      generation,
      position: at === undefined ? undefined : { ...at, slices: [...at.slices] },
    });
  }

  async handOver({ generation, round, weights }: MessageOf<typeof HandOver>): Promise<void> {
    const { latest } = this.#holdings;
    if (generation !== this.#generation || latest === undefined) return;
    if (weights && latest.round !== round) {
      throw new AppError("protocol", `asked for the weights of round ${round}, holding ${latest.round}`);
    }
    const parts = this.#holdings.handedOver(round, this.#ring !== undefined);
    const { link } = this.#context;
    const send = (vector: number, offset: number, values: Float32Array): Promise<void> =>
      sendState(link, { generation, vector, offset }, values, () => generation === this.#generation);
    if (weights) await send(0, 0, latest.weights.slice());
    for (const { from, vectors } of parts) {
      for (const [i, vector] of vectors.entries()) await send(1 + i, from, vector);
    }
    await link.send(StateEnd, { generation });
  }

  /** What another member is given, as this one told the trainer that it has it. Throws `refused` when it has not. */
  give({ generation, round, what, from, to }: MessageOf<typeof StateWanted>): Given {
    if (generation !== this.#generation) throw new AppError("refused", `generation ${generation} is not now`);
    const { offered } = this.#holdings;
    const vectors =
      what === "weights"
        ? [this.#holdings.weightsOf(round).subarray(from, to)]
        : this.#holdings.stateOf(round, { from, to });
    return { vectors, isCurrent: () => this.#holdings.offered === offered };
  }

  takeState(piece: MessageOf<typeof StatePiece>): void {
    this.#state.take(piece);
  }

  async formRing(message: MessageOf<typeof FormRing>): Promise<void> {
    const { generation, members, self, round } = message;
    if (generation !== this.#generation) return;
    if (self >= members.length)
      throw new AppError("protocol", `place ${self} in a ring of ${members.length}`);
    const over = this.#over;
    const replica = await this.#replicaAt(message, over.signal);
    if (replica === undefined || over.signal.aborted) return;
    this.#holdings.replace(replica);
    const { site, door, link, log } = this.#context;
    try {
      const links =
        members.length === 1
          ? undefined
          : await RingLinks.open({
              site,
              door,
              jobId: this.jobId,
              generation,
              members,
              self,
              signal: over.signal,
            });
      if (over.signal.aborted) {
        links?.close();
        return;
      }
      const ring: Ring = { generation, members, self, over, replica, links };
      this.#ring = ring;
      if (links !== undefined) void this.#read(ring, links);
      log.info("in the ring", { job: this.jobId, workers: members.length, place: self + 1, round });
      await link.send(RingFormed, { generation, checksum: replica.checksum });
    } catch (error) {
      await this.#broken(generation, error);
    }
  }

  /** `undefined` when the generation is over before it is here, or another member does not give what it should. */
  async #replicaAt(message: MessageOf<typeof FormRing>, signal: AbortSignal): Promise<Replica | undefined> {
    try {
      return await replicaAt(message, {
        jobId: this.jobId,
        site: this.#context.site,
        compute: this.#compute,
        stateVectors: this.#stateVectors,
        holdings: this.#holdings,
        inbox: this.#state,
        signal,
      });
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!(error instanceof RingError)) throw error;
      await this.#broken(message.generation, error, "state");
      return undefined;
    }
  }

  /** Computes, averages, updates: one round, or as much of it as the ring lives. */
  async runRound(message: MessageOf<typeof RunRound>): Promise<void> {
    const ring = this.#ring;
    const { generation, round } = message;
    if (ring === undefined || generation !== ring.generation) return;
    if (ring.replica.round !== round) {
      throw new AppError("protocol", `round ${round} is to follow on ${ring.replica.round}`);
    }
    this.#holdings.roundBegins();
    const { link } = this.#context;
    const running = this.#roundOf(ring, round);
    const startMs = performance.now();
    try {
      const { sum, loss } = await this.#learn(ring, message);
      const computedMs = performance.now();
      await link.send(RoundComputed, { generation, round });
      await running.average(sum, message, this.#own?.rule, ring.over.signal);
      ring.replica.complete();
      this.#round = undefined;
      await link.send(RoundDone, {
        generation,
        round: ring.replica.round,
        checksum: ring.replica.checksum,
        computeMs: computedMs - startMs,
        networkMs: performance.now() - computedMs,
        loss,
      });
    } catch (error) {
      if (ring.over.signal.aborted) return;
      await this.#broken(generation, error);
    }
  }

  #learn({ replica, over }: Ring, message: MessageOf<typeof RunRound>): Promise<ChunksResult> {
    const { firstChunk, chunkCount, chunksTotal, progress, steps } = message;
    if (steps > 1) {
      this.#own ??= new OwnLearning(this.#compute);
      return this.#own.learn(replica.weights, message, over.signal);
    }
    this.#own = undefined;
    return this.#compute.computeChunks(
      {
        weights: replica.weights,
        firstChunk,
        chunkCount,
        nextChunk: firstChunk + chunksTotal,
        progress,
        scale: 1 / chunksTotal,
      },
      over.signal,
    );
  }

  takeEvaluation({ evaluationId, offset, values }: MessageOf<typeof EvaluationPiece>): void {
    this.#evaluations.take({ generation: evaluationId, vector: 0, offset, values });
  }

  /** Weights that came to be judged; they stay until others are, since they may be judged again. */
  #weightsToJudge(evaluationId: number): Float32Array {
    if (this.#judged?.evaluationId !== evaluationId) {
      this.#judged = { evaluationId, weights: this.#evaluations.claim(evaluationId, 0) };
    }
    return this.#judged.weights;
  }

  async evaluate({ evaluationId, split, thresholds }: MessageOf<typeof Evaluate>): Promise<void> {
    const weights = this.#weightsToJudge(evaluationId);
    const scores = await this.#compute.evaluate(weights, split, thresholds);
    await this.#context.link.send(Evaluated, { evaluationId, scores });
  }

  async quantize({ evaluationId }: MessageOf<typeof Quantize>): Promise<void> {
    const weights = this.#weightsToJudge(evaluationId);
    const levels = [...(await this.#compute.quantize(weights))];
    await this.#context.link.send(Quantized, { evaluationId, levels });
  }

  /** The round that pieces of the ring belong to; made by whoever comes first, the trainer's word or a piece. */
  #roundOf(ring: Ring, round: number): RunningRound {
    if (this.#round?.round === round) return this.#round;
    this.#round = new RunningRound({
      round,
      count: ring.members.length,
      self: ring.self,
      replica: ring.replica,
      send: (numbers) => {
        ring.links?.send(numbers).catch((error) => {
          if (!ring.over.signal.aborted) void this.#broken(ring.generation, error);
        });
      },
    });
    return this.#round;
  }

  async #read(ring: Ring, links: RingLinks): Promise<void> {
    try {
      for await (const numbers of links.numbers()) {
        if (ring.over.signal.aborted) return;
        // Nobody starts a round before all have completed the one before.
        const { round } = ring.replica;
        if (numbers.round !== round) {
          throw new RingError(
            `numbers of round ${numbers.round} came in round ${round}`,
            undefined,
            undefined,
          );
        }
        this.#roundOf(ring, numbers.round).receive(numbers);
      }
    } catch (error) {
      if (!ring.over.signal.aborted) await this.#broken(ring.generation, error);
    }
  }

  /** Tells the trainer that this generation cannot go on; it will ask everybody for the next. */
  async #broken(generation: number, error: unknown, what: "ring" | "state" = "ring"): Promise<void> {
    if (generation !== this.#generation || this.#over.signal.aborted) return;
    const { log, link } = this.#context;
    const kind = errorKind(error);
    if (kind === "bug" || kind === "protocol") {
      log.error("the round failed", { job: this.jobId, error: error instanceof Error ? error.stack : error });
    } else {
      log.warn(what === "ring" ? "the ring broke" : "state did not come", { job: this.jobId, error });
    }
    this.#leaveRing();
    const suspect = error instanceof RingError ? error.suspect : undefined;
    await link
      .send(RingBroken, { generation, what, suspect, reason: errorLine(error).slice(0, 1000) })
      .catch(() => {});
  }

  #leaveRing(): void {
    this.#over.abort(new AppError("cancelled", "the ring is over"));
    this.#over = new AbortController();
    this.#ring?.links?.close();
    this.#ring = undefined;
    this.#round = undefined;
  }
}
