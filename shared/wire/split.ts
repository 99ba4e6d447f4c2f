import { AppError } from "../base/errors.ts";

/** On the wire: u32 size, then `size` bytes of message. */
export const ENVELOPE_BYTES = 4;
/** A message has at least its tag. */
const MESSAGE_SIZE_BYTES_MIN = 2;

/** A message with its length before it, ready to send. */
export function envelope(body: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(ENVELOPE_BYTES + body.length);
  out.writeUInt32LE(body.length, 0);
  out.set(body, ENVELOPE_BYTES);
  return out;
}

/**
 * Cuts a stream of bytes into messages, however TCP split them. A size over the limit is refused when its four bytes
 * have arrived, before any of the message is kept. At most one partial message is held.
 */
export class MessageSplitter {
  #sizeBytesMax: number;
  readonly #prefix = Buffer.alloc(ENVELOPE_BYTES);
  /** What is being filled: the prefix, or a message's body. */
  #target: Buffer = this.#prefix;
  #filled = 0;

  constructor(sizeBytesMax: number) {
    this.#sizeBytesMax = sizeBytesMax;
  }

  /** The limit may grow once the peer has proved who it is, even between two messages of one chunk. */
  set sizeBytesMax(value: number) {
    this.#sizeBytesMax = value;
  }

  /** True when the stream may end here without a message being cut. */
  get isEmpty(): boolean {
    return this.#target === this.#prefix && this.#filled === 0;
  }

  /**
   * Takes a chunk and yields the messages that it completes; these own their bytes, and the chunk may be used again.
   * Throws `protocol` at a size out of bounds; the stream cannot go on after that. Draw all of one chunk's messages
   * before pushing the next.
   */
  *push(chunk: Uint8Array): Generator<Buffer> {
    let at = 0;
    while (at < chunk.length) {
      const take = Math.min(this.#target.length - this.#filled, chunk.length - at);
      this.#target.set(chunk.subarray(at, at + take), this.#filled);
      this.#filled += take;
      at += take;
      if (this.#filled < this.#target.length) return;
      const whole = this.#target;
      this.#filled = 0;
      if (whole === this.#prefix) {
        this.#target = Buffer.allocUnsafe(this.#checkedSize(whole.readUInt32LE(0)));
      } else {
        this.#target = this.#prefix;
        yield whole;
      }
    }
  }

  #checkedSize(size: number): number {
    if (size < MESSAGE_SIZE_BYTES_MIN || size > this.#sizeBytesMax) {
      throw new AppError(
        "protocol",
        `message of ${size} B, ${MESSAGE_SIZE_BYTES_MIN} to ${this.#sizeBytesMax} B allowed`,
      );
    }
    return size;
  }
}
