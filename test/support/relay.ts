import { connect, createServer, type Server, type Socket } from "node:net";
import { Random } from "../../shared/base/random.ts";
import type { Address } from "../../shared/net/connection.ts";

/** Bytes of a full TCP segment on Ethernet: what one lost packet takes along. */
const SEGMENT_BYTES = 1448;

/** What a wire does to what passes. */
export interface WireQuality {
  /** Each way. */
  readonly delayMs?: number;
  /**
   * Share of segments that are lost, 0 to 1. TCP sends them again, so a reader sees no gap but a stall, of `stallMs`:
   * everything behind the lost one waits for it.
   */
  readonly loss?: number;
  readonly stallMs?: number;
  /** One loss in so many is noticed by the retransmission timer alone: it stalls for 200 ms, Linux's least. */
  readonly timerEvery?: number;
}

const TIMER_STALL_MS = 200;

/**
 * A wire that a test can spoil: takes TCP connections at one address and passes their bytes on to another. It can
 * delay, stall as losses do, fall silent without closing anything (a half-open link, an unplugged cable) and be cut.
 */
export class Wire implements Disposable {
  readonly #server: Server;
  readonly #target: Address;
  readonly #quality: WireQuality;
  readonly #random: Random;
  readonly #lanes = new Set<Lane>();
  #isSilent = false;
  #passedBytes = 0;
  #answeredBytes = 0;
  #alarm: { readonly atBytes: number; readonly ring: () => void } | undefined;

  private constructor(server: Server, target: Address, quality: WireQuality, seed: number) {
    this.#server = server;
    this.#target = target;
    this.#quality = quality;
    this.#random = new Random("wire", seed);
    server.on("connection", (socket) => this.#accept(socket));
  }

  static async open(at: Address, target: Address, quality: WireQuality = {}, seed = 1): Promise<Wire> {
    const server = createServer({ noDelay: true });
    const wire = new Wire(server, target, quality, seed);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(at.port, at.host, resolve);
    });
    return wire;
  }

  /** Bytes of both ways so far. */
  get passedBytes(): number {
    return this.#passedBytes;
  }

  /** Those of them that came from the target. */
  get answeredBytes(): number {
    return this.#answeredBytes;
  }

  /** Calls `ring` once when so many bytes more have passed. */
  afterBytes(bytes: number, ring: () => void): void {
    this.#alarm = { atBytes: this.#passedBytes + bytes, ring };
  }

  /** Nothing passes either way, and nobody is told; when it is over, what had been sent arrives. */
  set silent(value: boolean) {
    this.#isSilent = value;
    for (const lane of this.#lanes) lane.held = value;
  }

  /** Breaks every connection; new ones may be made. */
  cut(): void {
    for (const lane of this.#lanes) lane.end();
  }

  [Symbol.dispose](): void {
    this.#server.close();
    this.cut();
  }

  #accept(near: Socket): void {
    const far = connect({ ...this.#target, noDelay: true });
    const lanes = [this.#lane(near, far), this.#lane(far, near, true)];
    const over = (): void => {
      near.destroy();
      far.destroy();
      for (const lane of lanes) this.#lanes.delete(lane);
    };
    for (const socket of [near, far]) socket.on("error", over).on("close", over);
  }

  #lane(from: Socket, to: Socket, isAnswer = false): Lane {
    const lane = new Lane(from, to, (bytes) => {
      this.#count(bytes, isAnswer);
      return this.#lateMs(bytes);
    });
    lane.held = this.#isSilent;
    this.#lanes.add(lane);
    return lane;
  }

  #count(bytes: number, isAnswer: boolean): void {
    this.#passedBytes += bytes;
    if (isAnswer) this.#answeredBytes += bytes;
    if (this.#alarm === undefined || this.#passedBytes < this.#alarm.atBytes) return;
    const { ring } = this.#alarm;
    this.#alarm = undefined;
    ring();
  }

  /** How much later than at once these bytes arrive. */
  #lateMs(bytes: number): { delayMs: number; stallMs: number } {
    const { delayMs = 0, loss = 0, stallMs = 0, timerEvery = Number.POSITIVE_INFINITY } = this.#quality;
    let stalledMs = 0;
    for (let at = 0; at < bytes && loss > 0; at += SEGMENT_BYTES) {
      if (this.#random.chance(loss)) {
        stalledMs += this.#random.chance(1 / timerEvery) ? TIMER_STALL_MS : stallMs;
      }
    }
    return { delayMs, stallMs: stalledMs };
  }
}

/** Bytes read ahead of what may be delivered: beyond it the sender is held back, as by a full buffer on the way. */
const HELD_BYTES_MAX = 1024 * 1024;

/** One way of one connection. */
class Lane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #late: (bytes: number) => { delayMs: number; stallMs: number };
  #queue: { readonly chunk: Buffer; readonly dueMs: number }[] = [];
  #queuedBytes = 0;
  #freeMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isHeld = false;
  #ended = false;

  constructor(from: Socket, to: Socket, late: (bytes: number) => { delayMs: number; stallMs: number }) {
    this.#from = from;
    this.#to = to;
    this.#late = late;
    from.on("data", (chunk) => this.#take(chunk as Buffer));
    from.on("end", () => {
      this.#ended = true;
      this.#deliver();
    });
    to.on("drain", () => this.#deliver());
  }

  set held(value: boolean) {
    this.#isHeld = value;
    if (!value) this.#deliver();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#from.destroy();
    this.#to.destroy();
  }

  #take(chunk: Buffer): void {
    const { delayMs, stallMs } = this.#late(chunk.length);
    const dueMs = Math.max(performance.now() + delayMs, this.#freeMs) + stallMs;
    this.#freeMs = dueMs;
    this.#queue.push({ chunk, dueMs });
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes > HELD_BYTES_MAX) this.#from.pause();
    this.#deliver();
  }

  #deliver(): void {
    clearTimeout(this.#timer);
    if (this.#isHeld || this.#to.destroyed) return;
    const nowMs = performance.now();
    while (this.#queue.length > 0 && !this.#to.writableNeedDrain) {
      const { chunk, dueMs } = this.#queue[0]!;
      if (dueMs > nowMs + 0.2) {
        this.#timer = setTimeout(() => this.#deliver(), dueMs - nowMs);
        return;
      }
      this.#queue.shift();
      this.#queuedBytes -= chunk.length;
      this.#to.write(chunk);
    }
    if (this.#queuedBytes <= HELD_BYTES_MAX / 2 && this.#from.isPaused()) this.#from.resume();
    if (this.#ended && this.#queue.length === 0) this.#to.end();
  }
}
