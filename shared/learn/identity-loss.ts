import { binaryCrossEntropy, sigmoid } from "../nn/activation.ts";
import type { LossResult } from "../nn/engine.ts";
import type { NetworkConfig } from "../nn/networks/config.ts";
import { softmaxCrossEntropy } from "../nn/softmax.ts";
import type { Loss, LossReport } from "./loss.ts";
import type { ChunkTargets } from "./targets.ts";

/**
 * The face network's loss: binary cross-entropy for two people (one logit, of the second), softmax cross-entropy for
 * other numbers; the mean over the chunk's pictures with a label, of which the first counts.
 */
export class IdentityLoss implements Loss {
  readonly #people: number;
  readonly #slopes: Float32Array;

  constructor(network: NetworkConfig & { kind: "mlp" }, chunkSize: number) {
    this.#people = network.classCount;
    this.#slopes = new Float32Array(chunkSize * (network.classCount === 2 ? 1 : network.classCount));
  }

  compute(outputs: readonly Float32Array[], { starts, classes }: ChunkTargets): LossResult<LossReport> {
    const logits = outputs[0]!;
    this.#slopes.fill(0);
    const labelled = labelledPictures(starts);
    const weight = 1 / Math.max(1, labelled.length);
    let sum = 0;
    for (const picture of labelled) {
      const person = classes[starts[picture]!]!;
      if (this.#people === 2) {
        const x = logits[picture]!;
        sum += weight * binaryCrossEntropy(x, person);
        this.#slopes[picture] = weight * (sigmoid(x) - person);
      } else {
        const at = picture * this.#people;
        sum += softmaxCrossEntropy(logits, at, this.#people, person, weight, this.#slopes);
      }
    }
    return { gradients: [this.#slopes], report: { parts: { class: sum }, positives: labelled.length } };
  }
}

/** Places of the pictures that have a label. */
export function labelledPictures(starts: Int32Array): number[] {
  const places: number[] = [];
  for (let i = 0; i + 1 < starts.length; i++) if (starts[i + 1]! > starts[i]!) places.push(i);
  return places;
}
