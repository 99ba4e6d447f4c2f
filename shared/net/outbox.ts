import { RECEIVE_WINDOW_BYTES, SEND_QUEUE_BYTES_MAX } from "../base/limits.ts";
import { type Deferred, deferred } from "../base/wait.ts";
import { ENVELOPE_BYTES } from "../wire/split.ts";
import { windowCost } from "./inbox.ts";
import type { Stream } from "./socket.ts";

/** Bytes that the stream holds ready for its socket; what is beyond waits here, where heartbeats can overtake it. */
const STREAM_AHEAD_BYTES = 1024 * 1024;

/** Messages on their way out: held until the peer's window has room and the socket takes them. */
export class Outbox {
  readonly #stream: Stream;
  #waiting: Buffer[] = [];
  #head = 0;
  #waitingBytes = 0;
  #windowUsed = 0;
  #roomy: Deferred<void> | undefined;
  #empty: Deferred<void> | undefined;
  #fault: unknown;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  /** Bytes that the socket has not taken. */
  get queuedBytes(): number {
    return this.#waitingBytes + this.#stream.queuedBytes;
  }

  /** Queues an enveloped message. Resolves when the queue is below its bound; rejects when the link ends first. */
  put(message: Buffer): Promise<void> {
    if (this.#fault !== undefined) return Promise.reject(this.#fault);
    this.#waiting.push(message);
    this.#waitingBytes += message.length;
    this.pump();
    if (this.queuedBytes <= SEND_QUEUE_BYTES_MAX) return Promise.resolve();
    this.#roomy ??= deferred();
    return this.#roomy.promise;
  }

  /** Resolves when the stream has everything; rejects when the link ends first. */
  flushed(): Promise<void> {
    if (this.#fault !== undefined) return Promise.reject(this.#fault);
    if (this.queuedBytes === 0) return Promise.resolve();
    this.#empty ??= deferred();
    return this.#empty.promise;
  }

  /** The peer has drawn messages. */
  credit(bytes: number): void {
    this.#windowUsed = Math.max(0, this.#windowUsed - bytes);
    this.pump();
  }

  /** Hands on what may go. To be called when the stream has taken bytes. */
  pump(): void {
    while (
      this.#head < this.#waiting.length &&
      this.#windowUsed < RECEIVE_WINDOW_BYTES &&
      this.#stream.queuedBytes < STREAM_AHEAD_BYTES
    ) {
      const message = this.#waiting[this.#head++]!;
      this.#waitingBytes -= message.length;
      this.#windowUsed += windowCost({ length: message.length - ENVELOPE_BYTES });
      this.#stream.write(message);
    }
    if (this.#head === this.#waiting.length || this.#head >= 1024) {
      this.#waiting.splice(0, this.#head);
      this.#head = 0;
    }
    if (this.queuedBytes <= SEND_QUEUE_BYTES_MAX) this.#roomy = settle(this.#roomy);
    if (this.queuedBytes === 0) this.#empty = settle(this.#empty);
  }

  /** Drops what is queued; whoever waits, or sends later, gets `fault`. */
  fail(fault: unknown): void {
    this.#fault ??= fault;
    this.#waiting = [];
    this.#head = 0;
    this.#waitingBytes = 0;
    this.#roomy?.reject(this.#fault);
    this.#empty?.reject(this.#fault);
  }
}

function settle(waiter: Deferred<void> | undefined): undefined {
  waiter?.resolve();
}
