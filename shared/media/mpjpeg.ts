import { AppError } from "../base/errors.ts";

/** Headers before one picture; ffmpeg writes about 70 bytes. */
const HEAD_SIZE_BYTES_MAX = 1024;
const LINE_END = "\r\n";
const HEAD_END = "\r\n\r\n";

/**
 * Cuts ffmpeg's `mpjpeg` output into JPEG files. Each comes with its length before it, so nothing is searched, and a
 * picture is complete with its last byte (RFC 2046 multipart, boundary `--ffmpeg`).
 */
export class MpjpegSplitter {
  readonly #sizeBytesMax: number;
  #head = "";
  #body: Uint8Array | undefined;
  #filled = 0;

  constructor(sizeBytesMax: number) {
    this.#sizeBytesMax = sizeBytesMax;
  }

  /** Yields each picture that the chunk completes; what is yielded owns its bytes. */
  *push(chunk: Uint8Array): Generator<Uint8Array> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#body === undefined) {
        at = this.#readHead(chunk, at);
        continue;
      }
      const take = Math.min(chunk.length - at, this.#body.length - this.#filled);
      this.#body.set(chunk.subarray(at, at + take), this.#filled);
      this.#filled += take;
      at += take;
      if (this.#filled < this.#body.length) return;
      const whole = this.#body;
      this.#body = undefined;
      yield whole;
    }
  }

  /** Reads header lines up to the empty one; returns the offset behind what it took. */
  #readHead(chunk: Uint8Array, from: number): number {
    const known = this.#head.length;
    const part = Buffer.from(chunk.buffer, chunk.byteOffset + from, chunk.length - from);
    const text = this.#head + part.toString("latin1", 0, HEAD_SIZE_BYTES_MAX);
    // The line end that closes the picture before this one.
    const start = text.startsWith(LINE_END) ? LINE_END.length : 0;
    const end = text.indexOf(HEAD_END, start);
    if (end < 0) {
      if (text.length > HEAD_SIZE_BYTES_MAX) throw new AppError("protocol", "ffmpeg's output lost its place");
      this.#head = text;
      return chunk.length;
    }
    const size = Number(/^content-length: *(\d+)/im.exec(text.slice(start, end))?.[1] ?? 0);
    this.#head = "";
    if (size < 4 || size > this.#sizeBytesMax) {
      throw new AppError(
        "protocol",
        `ffmpeg gives a picture of ${size} B, up to ${this.#sizeBytesMax} B expected`,
      );
    }
    this.#body = new Uint8Array(size);
    this.#filled = 0;
    return from + end + HEAD_END.length - known;
  }
}
