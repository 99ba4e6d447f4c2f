import { AppError } from "../base/errors.ts";

/** A frame made small and grey, to see whether anything moves: [height, width], rows top to bottom. */
export interface Glance {
  readonly width: number;
  readonly height: number;
  readonly grey: Uint8Array;
}

/** The longer side of a glance. A thing of 6% of the picture's height is still five pixels high. */
export const GLANCE_SIDE_PX = 160;

/** Grey levels, and pixels of more than that, by which two glances differ: less than the motion detector counts. */
const DIFFERENT_LEVELS = 8;
const DIFFERENT_PX = 3;

/** Whether two glances show the same, but for the sensor's noise. */
export function showsSame(a: Glance, b: Glance): boolean {
  if (a.width !== b.width || a.height !== b.height) return false;
  let different = 0;
  for (let at = 0; at < a.grey.length; at++) {
    const by = a.grey[at]! - b.grey[at]!;
    if ((by > DIFFERENT_LEVELS || by < -DIFFERENT_LEVELS) && ++different >= DIFFERENT_PX) return false;
  }
  return true;
}

/** ffmpeg's filters that make a glance: every pixel of the frame counts, its form is kept. */
export const GLANCE_FILTER = `scale=${GLANCE_SIDE_PX}:${GLANCE_SIDE_PX}:force_original_aspect_ratio=decrease:flags=area,format=gray`;

/** How glances are written: each after its size, in binary PGM (netpbm's pgm(5)), so that nothing is searched. */
export const GLANCE_OUTPUT: readonly string[] = [
  ...["-c:v", "pgm", "-enc_time_base", "1:1000", "-flush_packets", "1", "-f", "image2pipe", "pipe:1"],
];

const HEAD = /^P5\n(\d{1,4}) (\d{1,4})\n255\n/;
const HEAD_SIZE_BYTES_MAX = 18;

/** Cuts ffmpeg's grey pictures out of its output. */
export class GlanceSplitter {
  #head = "";
  #grey: Uint8Array | undefined;
  #filled = 0;
  #width = 0;

  /** Yields each glance that the chunk completes; what is yielded owns its bytes. */
  *push(chunk: Uint8Array): Generator<Glance> {
    for (let at = 0; at < chunk.length; ) {
      if (this.#grey === undefined) {
        at = this.#readHead(chunk, at);
        continue;
      }
      const take = Math.min(chunk.length - at, this.#grey.length - this.#filled);
      this.#grey.set(chunk.subarray(at, at + take), this.#filled);
      this.#filled += take;
      at += take;
      if (this.#filled < this.#grey.length) return;
      const grey = this.#grey;
      this.#grey = undefined;
      yield { width: this.#width, height: grey.length / this.#width, grey };
    }
  }

  /** Reads the size of a glance; returns the offset behind what it took. */
  #readHead(chunk: Uint8Array, from: number): number {
    const known = this.#head.length;
    const part = Buffer.from(chunk.buffer, chunk.byteOffset + from, chunk.length - from);
    const text = this.#head + part.toString("latin1", 0, HEAD_SIZE_BYTES_MAX - known);
    const found = HEAD.exec(text);
    if (found === null && text.length < HEAD_SIZE_BYTES_MAX) {
      this.#head = text;
      return chunk.length;
    }
    const [head = "", width = 0, height = 0] = found ?? [];
    const [columns, rows] = [Number(width), Number(height)];
    const sane = columns >= 1 && rows >= 1 && Math.max(columns, rows) <= GLANCE_SIDE_PX;
    if (!sane) throw new AppError("protocol", "ffmpeg's grey pictures lost their place");
    [this.#head, this.#width, this.#grey, this.#filled] = ["", columns, new Uint8Array(columns * rows), 0];
    return from + head.length - known;
  }
}
