import { assignChunks, type ChunkRange } from "../../shared/training/assignment.ts";
import type { MessageOf } from "../../shared/wire/message.ts";
import { shortReason, type WorkerStatus } from "../../shared/wire/messages/job-status.ts";
import type { RoundDone } from "../../shared/wire/messages/training.ts";

/** Weight of the newest round in running means of what people see, and of what the split comes from. */
const NEWEST = 0.2;
const NEWEST_SPEED = 0.4;
/**
 * Who had no chunk in a round counts as so much faster in the next: some day it gets one again, and is measured anew.
 * A machine too slow for any part of a round so costs the others a slower round in 20 or so.
 */
const IDLE_TRUST = 1.02;

interface Meter {
  readonly name: string;
  readonly engine: string;
  /** Chunks a second; 0 until measured. */
  speed: number;
  share: number;
  networkShare: number;
  /** Why it has no part now, where it was left out. */
  out: Pick<WorkerStatus, "reason" | "state"> | undefined;
}

/** What each worker gives, measured round by round: the split of the next round and what people see come from it. */
export class RoundMeter {
  readonly #chunkSize: number;
  readonly #chunksPerStep: number;
  /** Of the running round, or the last. */
  #steps = 1;
  readonly #meters = new Map<string, Meter>();
  readonly #loss = new Map<string, number>();
  readonly #roundLoss = new Map<string, number>();
  #imagesPerSecond = 0;
  #roundMs = 0;
  /** What the ring takes when everybody has computed: the least that any member waited, mean of the last rounds. */
  #ringMs = 0;
  /** The same of the running round, or the last. */
  #leastNetworkMs = Number.POSITIVE_INFINITY;

  /** @param chunksPerStep the chunks of one step of the weights */
  constructor(chunkSize: number, chunksPerStep: number) {
    this.#chunkSize = chunkSize;
    this.#chunksPerStep = chunksPerStep;
  }

  add(nodeId: string, name: string, engine: string): void {
    this.#meters.set(nodeId, { name, engine, speed: 0, share: 0, networkShare: 0, out: undefined });
  }

  /** What the last round's ring took when everybody had computed. */
  get lastRingMs(): number {
    return Number.isFinite(this.#leastNetworkMs) ? this.#leastNetworkMs : this.#ringMs;
  }

  /** What the last round took. */
  get roundMs(): number {
    return this.#roundMs;
  }

  remove(nodeId: string): void {
    this.#meters.delete(nodeId);
  }

  /**
   * What the round of so many steps that follows on `round` should take; `undefined` while a member with a part in it
   * is unmeasured.
   */
  expectedMs(round: number, steps: number, members: readonly string[]): number | undefined {
    const partsMs = this.#split(round, steps, members).map(({ count }, i) => {
      const speed = this.#meters.get(members[i]!)?.speed ?? 0;
      return count === 0 ? 0 : (1000 * count) / speed;
    });
    const slowestMs = Math.max(...partsMs);
    return Number.isFinite(slowestMs) ? slowestMs + this.#ringMs : undefined;
  }

  #split(round: number, steps: number, members: readonly string[]): ChunkRange[] {
    const speeds = members.map((member) => this.#meters.get(member)?.speed ?? 0);
    return assignChunks(round * this.#chunksPerStep, steps * this.#chunksPerStep, speeds);
  }

  /** Splits the round of so many steps that follows on `round` among `members`. */
  assign(round: number, steps: number, members: readonly string[]): ChunkRange[] {
    this.#steps = steps;
    this.#roundLoss.clear();
    this.#leastNetworkMs = Number.POSITIVE_INFINITY;
    const ranges = this.#split(round, steps, members);
    for (const meter of this.#meters.values()) meter.share = 0;
    members.forEach((member, i) => {
      const meter = this.#meters.get(member);
      if (meter !== undefined) meter.share = ranges[i]!.count / this.#chunks;
    });
    return ranges;
  }

  /** Of all members, in the running round. */
  get #chunks(): number {
    return this.#steps * this.#chunksPerStep;
  }

  /** A worker has completed a round. */
  done(nodeId: string, { computeMs, networkMs, loss }: MessageOf<typeof RoundDone>): void {
    const meter = this.#meters.get(nodeId);
    if (meter === undefined) return;
    meter.out = undefined;
    const chunks = meter.share * this.#chunks;
    if (chunks === 0) meter.speed *= IDLE_TRUST;
    else if (computeMs > 0) meter.speed = mixed(meter.speed, (1000 * chunks) / computeMs, NEWEST_SPEED);
    this.#leastNetworkMs = Math.min(this.#leastNetworkMs, networkMs);
    const wholeMs = computeMs + networkMs;
    if (wholeMs > 0) meter.networkShare = mixed(meter.networkShare, networkMs / wholeMs);
    for (const [part, value] of Object.entries(loss)) {
      this.#roundLoss.set(part, (this.#roundLoss.get(part) ?? 0) + value / this.#chunks);
    }
  }

  /** The others go on without it for now. */
  leftOut(nodeId: string, state: "silent" | "left-out", reason = ""): void {
    const meter = this.#meters.get(nodeId);
    if (meter !== undefined) meter.out = { state, reason: shortReason(reason) };
  }

  /**
   * A worker had not computed its part after `afterMs`, when the round was given up: it is no faster than that. Where
   * it had no part, an earlier one keeps it busy still, of which nothing is learnt here.
   */
  late(nodeId: string, afterMs: number): void {
    const meter = this.#meters.get(nodeId);
    if (meter === undefined || meter.share === 0) return;
    const fastest = (1000 * meter.share * this.#chunks) / Math.max(1, afterMs);
    meter.speed = meter.speed > 0 ? Math.min(meter.speed, fastest) : fastest;
  }

  /** All have. */
  committed(roundMs: number): void {
    this.#roundMs = roundMs;
    if (Number.isFinite(this.#leastNetworkMs)) this.#ringMs = mixed(this.#ringMs, this.#leastNetworkMs);
    const rate = (1000 * this.#chunkSize * this.#chunks) / Math.max(1, roundMs);
    this.#imagesPerSecond = mixed(this.#imagesPerSecond, rate);
    for (const [part, value] of this.#roundLoss) {
      this.#loss.set(part, mixed(this.#loss.get(part) ?? 0, value));
    }
  }

  get imagesPerSecond(): number {
    return this.#imagesPerSecond;
  }

  get loss(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#loss].map(([part, value]) => [part, +value.toPrecision(5)]));
  }

  workers(members: readonly string[]): WorkerStatus[] {
    return [...this.#meters].map(([nodeId, { name, engine, speed, share, networkShare, out }]) => ({
      name,
      nodeId,
      ...(out ?? { state: members.includes(nodeId) ? "training" : "joining", reason: "" }),
      engine,
      imagesPerSecond: +(speed * this.#chunkSize).toFixed(2),
      share: +share.toFixed(3),
      networkShare: +networkShare.toFixed(3),
    }));
  }

  get engines(): string[] {
    return [...new Set([...this.#meters.values()].map(({ engine }) => engine))];
  }
}

function mixed(before: number, now: number, newest = NEWEST): number {
  return before === 0 ? now : (1 - newest) * before + newest * now;
}
