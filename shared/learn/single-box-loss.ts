import type { LossResult } from "../nn/engine.ts";
import type { NetworkConfig } from "../nn/networks/config.ts";
import { softmaxCrossEntropy } from "../nn/softmax.ts";
import { labelledPictures } from "./identity-loss.ts";
import type { Loss, LossReport } from "./loss.ts";
import type { ChunkTargets } from "./targets.ts";

const BOX_WEIGHT = 10;
/** Errors up to this share of the picture's side count by their square, larger ones by their size (Huber 1964). */
const HUBER_AT = 0.1;

/**
 * The single-box network's loss: softmax cross-entropy of the class, and the Huber loss of the four sides in shares of
 * the picture; the mean over the chunk's pictures with a label, of which the first counts.
 */
export class SingleBoxLoss implements Loss {
  readonly #size: number;
  readonly #classCount: number;
  readonly #classSlopes: Float32Array;
  readonly #boxSlopes: Float32Array;

  constructor(network: NetworkConfig & { kind: "single-box" }, chunkSize: number) {
    this.#size = network.size;
    this.#classCount = network.classCount;
    this.#classSlopes = new Float32Array(chunkSize * network.classCount);
    this.#boxSlopes = new Float32Array(chunkSize * 4);
  }

  compute(outputs: readonly Float32Array[], targets: ChunkTargets): LossResult<LossReport> {
    const logits = outputs[0]!;
    const sides = outputs[1]!;
    this.#classSlopes.fill(0);
    this.#boxSlopes.fill(0);
    const labelled = labelledPictures(targets.starts);
    const weight = 1 / Math.max(1, labelled.length);
    const parts = { class: 0, box: 0 };
    for (const picture of labelled) {
      const label = targets.starts[picture]!;
      const at = picture * this.#classCount;
      const target = targets.classes[label]!;
      parts.class += softmaxCrossEntropy(logits, at, this.#classCount, target, weight, this.#classSlopes);
      for (let side = 4 * picture; side < 4 * picture + 4; side++) {
        const error = sides[side]! - targets.boxes[4 * label + side - 4 * picture]! / this.#size;
        const size = Math.abs(error);
        const loss = size < HUBER_AT ? (error * error) / (2 * HUBER_AT) : size - HUBER_AT / 2;
        parts.box += BOX_WEIGHT * weight * loss;
        this.#boxSlopes[side] = BOX_WEIGHT * weight * (size < HUBER_AT ? error / HUBER_AT : Math.sign(error));
      }
    }
    return {
      gradients: [this.#classSlopes, this.#boxSlopes],
      report: { parts, positives: labelled.length },
    };
  }
}
