import { matchByPlace } from "./matching.ts";
import type { Metric, ScoredPicture } from "./metric.ts";

/**
 * What was taken for what: `matrix[truth][seen]` counts objects, with the background as last row (seen where nothing
 * is) and last column (not seen). Objects and detections are matched by place alone, the best-scored detection first.
 */
export class ConfusionMatrix implements Metric<readonly (readonly number[])[]> {
  readonly #thresholds: readonly number[];
  readonly #matrix: number[][];

  /** @param thresholds for each class the least score that counts */
  constructor(thresholds: readonly number[]) {
    this.#thresholds = thresholds;
    const side = thresholds.length + 1;
    this.#matrix = Array.from({ length: side }, () => new Array<number>(side).fill(0));
  }

  add(picture: ScoredPicture): void {
    const { truths } = picture;
    const background = this.#thresholds.length;
    const { kept, matches } = matchByPlace(picture, this.#thresholds);
    const found = new Set(matches);
    kept.forEach(({ classIndex }, d) => {
      const truth = truths[matches[d]!];
      this.#matrix[truth?.classIndex ?? background]![classIndex]!++;
    });
    truths.forEach(({ classIndex }, t) => {
      if (!found.has(t)) this.#matrix[classIndex]![background]!++;
    });
  }

  result(): readonly (readonly number[])[] {
    return this.#matrix.map((row) => row.slice());
  }
}
