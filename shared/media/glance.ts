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

const HEAD = /^P5\n(\d{1,4}) (\d{1,4})\n255\n$/;
const HEAD_SIZE_BYTES_MAX = 18;
const LINE_END = 0x0a;

/** Cuts ffmpeg's grey pictures out of its output. */
export class GlanceSplitter {
  #head = "";
  #grey: Uint8Array | undefined;
  #filled = 0;
  #width = 0;
  #lines = 0;

  /** Yields each glance that the chunk completes; what is yielded owns its bytes. */
  *push(chunk: Uint8Array): Generator<Glance> {
    for (let at = 0; at < chunk.length; ) {
      if (this.#grey === undefined) {
        this.#takeHead(chunk[at++]!);
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

  #takeHead(byte: number): void {
    this.#head += String.fromCharCode(byte);
    if (byte === LINE_END) this.#lines++;
    if (this.#lines < 3 && this.#head.length < HEAD_SIZE_BYTES_MAX) return;
    const [, width = 0, height = 0] = (HEAD.exec(this.#head) ?? []).map(Number);
    const sane = width >= 1 && height >= 1 && Math.max(width, height) <= GLANCE_SIDE_PX;
    if (!sane) throw new AppError("protocol", "ffmpeg's grey pictures lost their place");
    [this.#head, this.#lines, this.#width] = ["", 0, width];
    this.#grey = new Uint8Array(width * height);
    this.#filled = 0;
  }
}
