import { AppError } from "../base/errors.ts";
import { RECEIVE_WINDOW_BYTES } from "../base/limits.ts";
import { type Deferred, deferred } from "../base/wait.ts";

/** What a waiting message takes beside its bytes, so that many tiny ones cannot fill the memory. */
const OVERHEAD_BYTES = 64;
/** Credit is given back in parts of the window: one message for many that were drawn. */
const CREDIT_STEP_BYTES = RECEIVE_WINDOW_BYTES / 4;

/** What a message takes from the window of its receiver. Both ends count alike. */
export function windowCost(body: { readonly length: number }): number {
  return body.length + OVERHEAD_BYTES;
}

/** Messages that have arrived and wait for their reader. Bounded by the window that the peer must keep to. */
export class Inbox {
  readonly #grant: (bytes: number) => void;
  /** Those before the head are drawn, and not held any longer. */
  #waiting: (Buffer | undefined)[] = [];
  #head = 0;
  #windowUsed = 0;
  #drawn = 0;
  #end: { readonly error: unknown } | undefined;
  #reader: Deferred<void> | undefined;

  /** @param grant tells the peer that it may send so many bytes more */
  constructor(grant: (bytes: number) => void) {
    this.#grant = grant;
  }

  /** Throws `protocol` when the peer sends ahead of its window. */
  put(body: Buffer): void {
    if (this.#end !== undefined) return;
    if (this.#windowUsed >= RECEIVE_WINDOW_BYTES) {
      throw new AppError("protocol", "the peer sends more than its window allows");
    }
    this.#windowUsed += windowCost(body);
    this.#waiting.push(body);
    this.#reader?.resolve();
  }

  /** No message will come any more. What has arrived can still be drawn; then the reader ends, or gets `error`. */
  end(error?: unknown): void {
    this.#end ??= { error };
    this.#reader?.resolve();
  }

  /** Forgets what has arrived and ends the reader. */
  clear(): void {
    this.#waiting = [];
    this.#head = 0;
    this.#end = { error: undefined };
    this.#reader?.resolve();
  }

  async *messages(): AsyncGenerator<Buffer, undefined> {
    for (;;) {
      const body = this.#draw();
      if (body !== undefined) {
        yield body;
      } else if (this.#end !== undefined) {
        if (this.#end.error !== undefined) throw this.#end.error;
        return;
      } else {
        this.#reader = deferred();
        await this.#reader.promise;
        this.#reader = undefined;
      }
    }
  }

  #draw(): Buffer | undefined {
    const body = this.#waiting[this.#head];
    if (body === undefined) return undefined;
    this.#waiting[this.#head++] = undefined;
    if (this.#head === this.#waiting.length || this.#head >= 1024) {
      this.#waiting.splice(0, this.#head);
      this.#head = 0;
    }
    this.#drawn += windowCost(body);
    if (this.#drawn >= CREDIT_STEP_BYTES && this.#end === undefined) {
      this.#windowUsed -= this.#drawn;
      this.#grant(this.#drawn);
      this.#drawn = 0;
    }
    return body;
  }
}
