/** Pictures whose sizes are compared: some seconds of them. */
const WINDOW = 128;
/** Fewer say nothing; and what they say is worked out anew after so many. */
const BLOCK = 16;
/** Of a still scene, so many pictures in a hundred are calm. */
const CALM_PERCENT = 96;
/** So many times the size of all calm pictures is no chance. */
const STRIKING = 2;
/** Where calm pictures are within this ratio of the median, the encoder keeps them of one size: they tell little. */
const ALIKE = 1.5;
/** How long a calm picture lets a look wait; where sizes tell little, half of it. */
const CALM_MS = 1000;

/** What the size of a coded picture says of motion. */
export interface SizeSign {
  /** For how long after the last look none is due, by this picture; 0 when something may move. */
  readonly calmMs: number;
  /** Something surely moves. */
  readonly isStriking: boolean;
}

/**
 * What a coded picture's size says, beside those of the still scene. An encoder spends bits on what has changed, so a
 * larger picture is the first and cheapest word of motion; a calm one proves nothing, since some encoders keep their
 * pictures of one size. Key pictures say nothing of change, and are never calm.
 */
export class PictureSizes {
  readonly #sizes: number[] = [];
  #learnt = 0;
  /** The size that a calm picture has at most, and its word; absent before the first block. */
  #calm: { readonly sizeMax: number; readonly ms: number } | undefined;

  read(sizeBytes: number, isKey: boolean): SizeSign {
    if (isKey || this.#calm === undefined) return { calmMs: 0, isStriking: false };
    const { sizeMax, ms } = this.#calm;
    return { calmMs: sizeBytes <= sizeMax ? ms : 0, isStriking: sizeBytes > STRIKING * sizeMax };
  }

  /** Takes the size of a picture on which, as far as anybody knows, nothing moves. */
  learn(sizeBytes: number, isKey: boolean): void {
    if (isKey) return;
    this.#sizes.push(sizeBytes);
    if (this.#sizes.length > WINDOW) this.#sizes.shift();
    if (++this.#learnt % BLOCK !== 0) return;
    const sorted = this.#sizes.toSorted((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)]!;
    const sizeMax = sorted[Math.floor((CALM_PERCENT * sorted.length) / 100)]!;
    this.#calm = { sizeMax, ms: sizeMax < ALIKE * median ? CALM_MS / 2 : CALM_MS };
  }
}
