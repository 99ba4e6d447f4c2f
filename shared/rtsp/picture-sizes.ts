/** Pictures whose sizes are compared: some seconds of them. */
const WINDOW = 64;
/** Fewer say nothing. */
const WINDOW_MIN = 16;
/** Of a still scene, one picture in ten counts as not calm. */
const CALM_SHARE = 0.9;

/**
 * Whether a coded picture took no more bits than most of those before it. An encoder spends bits on what has changed,
 * so a larger picture is the first and cheapest word of motion; a calm one proves nothing, since some encoders keep
 * their pictures of one size.
 */
export class PictureSizes {
  readonly #sizes: number[] = [];

  /** Takes the next picture's size. Key pictures, which say nothing of change, are never calm. */
  isCalm(sizeBytes: number, isKey: boolean): boolean {
    if (isKey) return false;
    const rank = Math.floor(CALM_SHARE * this.#sizes.length);
    const isKnown = this.#sizes.length >= WINDOW_MIN;
    const isCalm = isKnown && sizeBytes <= this.#sizes.toSorted((a, b) => a - b)[rank]!;
    this.#sizes.push(sizeBytes);
    if (this.#sizes.length > WINDOW) this.#sizes.shift();
    return isCalm;
  }
}
