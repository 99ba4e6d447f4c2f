import { AppError } from "../base/errors.ts";

/** On the wire: u32 size, then `size` bytes of message. */
export const ENVELOPE_BYTES = 4;

/** A message with its length before it, ready to send. */
export function envelope(body: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(ENVELOPE_BYTES + body.length);
  out.writeUInt32LE(body.length, 0);
  out.set(body, ENVELOPE_BYTES);
  return out;
}

/**
 * Cuts a stream of bytes into messages, however TCP split them. A size over the limit is refused when its four bytes
 * arrive, before any of the message is kept. At most one partial message is held.
 */
export class MessageSplitter {
  #sizeBytesMax: number;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #needBytes = ENVELOPE_BYTES;
  #inBody = false;

  constructor(sizeBytesMax: number) {
    this.#sizeBytesMax = sizeBytesMax;
  }

  /** The limit may grow once the peer has proved who it is. */
  set sizeBytesMax(value: number) {
    this.#sizeBytesMax = value;
  }

  /** True when the stream may end here without a message being cut. */
  get isEmpty(): boolean {
    return this.#pendingBytes === 0 && !this.#inBody;
  }

  /**
   * Takes a chunk and yields the messages that it completes. What is yielded owns its bytes. A chunk whose messages
   * were not all drawn must not be followed by another.
   */
  *push(chunk: Uint8Array): Generator<Buffer> {
    let at = 0;
    while (at < chunk.length) {
      const take = Math.min(this.#needBytes - this.#pendingBytes, chunk.length - at);
      // The socket reuses its buffer, so what is kept is copied.
      this.#pending.push(chunk.slice(at, at + take));
      this.#pendingBytes += take;
      at += take;
      if (this.#pendingBytes < this.#needBytes) return;
      const whole = this.#pending.length === 1 ? asBuffer(this.#pending[0]!) : Buffer.concat(this.#pending);
      this.#pending = [];
      this.#pendingBytes = 0;
      if (this.#inBody) {
        this.#inBody = false;
        this.#needBytes = ENVELOPE_BYTES;
        yield whole;
        continue;
      }
      const size = whole.readUInt32LE(0);
      if (size < 2 || size > this.#sizeBytesMax) {
        throw new AppError("protocol", `message of ${size} B, 2 to ${this.#sizeBytesMax} B allowed`);
      }
      this.#inBody = true;
      this.#needBytes = size;
    }
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
