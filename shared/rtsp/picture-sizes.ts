/** Pictures whose sizes are compared: some seconds of them. */
const WINDOW = 128;
/** Fewer say nothing; and what they say is worked out anew after so many. */
const BLOCK = 16;
/** Of a still scene, so many pictures in a hundred are calm. */
const CALM_PERCENT = 96;
/** Sizes are compared one by one, and so many in a row together: what moves slowly makes each a little larger. */
const ROW = 3;
/** So many times the size of all calm pictures is no chance. */
const STRIKING = 2;
/** Where calm pictures are within this ratio of the median, the encoder keeps them of one size: they tell little. */
const ALIKE = 1.5;
/** How long a calm picture lets a look wait; and where sizes tell little. */
const CALM_MS = 2000;
const ALIKE_CALM_MS = 300;

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
  readonly #ones = new StillSizes();
  readonly #rows = new StillSizes();
  /** The last pictures but for key pictures, `ROW` at most. */
  readonly #row: number[] = [];
  #rowBytes = 0;

  /** To be called once for each picture, before `learn`. */
  read(sizeBytes: number, isKey: boolean): SizeSign {
    if (isKey) return { calmMs: 0, isStriking: false };
    this.#row.push(sizeBytes);
    this.#rowBytes += sizeBytes;
    if (this.#row.length > ROW) this.#rowBytes -= this.#row.shift()!;
    const { calmMax, areAlike } = this.#ones;
    const isCalm = sizeBytes <= calmMax && this.#rowBytes <= this.#rows.calmMax;
    const calmMs = areAlike ? ALIKE_CALM_MS : CALM_MS;
    return { calmMs: isCalm ? calmMs : 0, isStriking: calmMax > 0 && sizeBytes > STRIKING * calmMax };
  }

  /** Takes the size of a picture on which, as far as anybody knows, nothing moves. */
  learn(sizeBytes: number, isKey: boolean): void {
    if (isKey) return;
    this.#ones.learn(sizeBytes);
    this.#rows.learn(this.#rowBytes);
  }
}

/** The sizes of a still scene's last pictures. */
class StillSizes {
  readonly #sizes = new Float64Array(WINDOW);
  #learnt = 0;
  /** What a calm picture has at most; 0 before the first block. */
  calmMax = 0;
  areAlike = false;

  learn(sizeBytes: number): void {
    this.#sizes[this.#learnt++ % WINDOW] = sizeBytes;
    if (this.#learnt % BLOCK !== 0) return;
    const sorted = this.#sizes.slice(0, this.#learnt).sort();
    const median = sorted[Math.floor(sorted.length / 2)]!;
    this.calmMax = sorted[Math.floor((CALM_PERCENT * sorted.length) / 100)]!;
    this.areAlike = this.calmMax < ALIKE * median;
  }
}
