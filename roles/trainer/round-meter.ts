import { assignChunks, type ChunkRange } from "../../shared/training/assignment.ts";
import type { MessageOf } from "../../shared/wire/message.ts";
import type { WorkerStatus } from "../../shared/wire/messages/models.ts";
import type { RoundDone } from "../../shared/wire/messages/training.ts";

/** Weight of the newest round in running means. */
const NEWEST = 0.2;

interface Meter {
  readonly name: string;
  readonly engine: string;
  /** Chunks a second; 0 until measured. */
  speed: number;
  share: number;
  networkShare: number;
}

/** What each worker gives, measured round by round: the split of the next round and what people see come from it. */
export class RoundMeter {
  readonly #chunkSize: number;
  readonly #chunksPerRound: number;
  readonly #meters = new Map<string, Meter>();
  readonly #loss = new Map<string, number>();
  readonly #roundLoss = new Map<string, number>();
  #imagesPerSecond = 0;

  constructor(chunkSize: number, chunksPerRound: number) {
    this.#chunkSize = chunkSize;
    this.#chunksPerRound = chunksPerRound;
  }

  add(nodeId: string, name: string, engine: string): void {
    this.#meters.set(nodeId, { name, engine, speed: 0, share: 0, networkShare: 0 });
  }

  remove(nodeId: string): void {
    this.#meters.delete(nodeId);
  }

  /** Splits the round that follows on `round` among `members`. */
  assign(round: number, members: readonly string[]): ChunkRange[] {
    this.#roundLoss.clear();
    const speeds = members.map((member) => this.#meters.get(member)?.speed ?? 0);
    const ranges = assignChunks(round * this.#chunksPerRound, this.#chunksPerRound, speeds);
    for (const meter of this.#meters.values()) meter.share = 0;
    members.forEach((member, i) => {
      const meter = this.#meters.get(member);
      if (meter !== undefined) meter.share = ranges[i]!.count / this.#chunksPerRound;
    });
    return ranges;
  }

  /** A worker has completed a round. */
  done(nodeId: string, { computeMs, networkMs, loss }: MessageOf<typeof RoundDone>): void {
    const meter = this.#meters.get(nodeId);
    if (meter === undefined) return;
    const chunks = meter.share * this.#chunksPerRound;
    if (chunks > 0 && computeMs > 0) meter.speed = mixed(meter.speed, (1000 * chunks) / computeMs);
    const wholeMs = computeMs + networkMs;
    if (wholeMs > 0) meter.networkShare = mixed(meter.networkShare, networkMs / wholeMs);
    for (const [part, value] of Object.entries(loss)) {
      this.#roundLoss.set(part, (this.#roundLoss.get(part) ?? 0) + value / this.#chunksPerRound);
    }
  }

  /** All have. */
  committed(roundMs: number): void {
    const rate = (1000 * this.#chunkSize * this.#chunksPerRound) / Math.max(1, roundMs);
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
    return [...this.#meters].map(([nodeId, { name, engine, speed, share, networkShare }]) => ({
      name,
      nodeId,
      state: members.includes(nodeId) ? "training" : "joining",
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

function mixed(before: number, now: number): number {
  return before === 0 ? now : (1 - NEWEST) * before + NEWEST * now;
}
