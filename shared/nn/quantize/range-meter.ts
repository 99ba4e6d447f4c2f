import { type Levels, levelsBetween } from "./activations.ts";

const BINS = 4096;

/**
 * Learns the range of a value from many samples, in one pass and bounded memory: a histogram on each side of zero,
 * whose bins double in width when a number falls outside.
 */
export class RangeMeter {
  #binWidth = 1 / BINS;
  readonly #above = new Float64Array(BINS);
  readonly #below = new Float64Array(BINS);
  #count = 0;

  add(values: Float32Array): void {
    for (const value of values) {
      const size = Math.abs(value);
      if (!(size < Number.POSITIVE_INFINITY)) continue;
      while (size >= BINS * this.#binWidth) this.#widen();
      // Zero is in every range, and most of what follows a ReLU.
      if (size > 0) {
        const bins = value > 0 ? this.#above : this.#below;
        bins[Math.floor(size / this.#binWidth)]!++;
      }
      this.#count++;
    }
  }

  /** @param share of the numbers that each end of the range has on its inner side, such as 0.9999 */
  levels(share: number): Levels {
    return levelsBetween(-this.#end(this.#below, share), this.#end(this.#above, share));
  }

  #end(bins: Float64Array, share: number): number {
    let outside = this.#count * (1 - share);
    for (let bin = BINS - 1; bin >= 0; bin--) {
      outside -= bins[bin]!;
      if (outside < 0) return (bin + 1) * this.#binWidth;
    }
    return 0;
  }

  #widen(): void {
    for (const bins of [this.#above, this.#below]) {
      for (let bin = 0; bin < BINS / 2; bin++) bins[bin] = bins[2 * bin]! + bins[2 * bin + 1]!;
      bins.fill(0, BINS / 2);
    }
    this.#binWidth *= 2;
  }
}
