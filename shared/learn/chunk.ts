import { Random } from "../base/random.ts";
import { Augmenter, type CanvasLabel, type TrainingPicture } from "../dataset/augment.ts";
import { faceInto } from "../detect/input.ts";
import { inputSize, type LearningPlan } from "./plan.ts";
import type { DrawPhase } from "./schedule.ts";
import { type ChunkTargets, packTargets } from "./targets.ts";

/**
 * Draws the chunks of a run. Chunks count from the run's start and together go through the pictures in a new order
 * each epoch, whoever draws which; each picture has its own stream of random numbers, so that a chunk looks the same
 * on every machine that holds the same pictures in the same order.
 */
export class ChunkDrawer {
  readonly #plan: LearningPlan;
  readonly #trainCount: number;
  readonly #totalCount: number;
  readonly #augmenter: Augmenter;
  readonly #colour: Uint8ClampedArray | undefined;
  #order: { epoch: number; places: Uint32Array } | undefined;

  /**
   * @param pictures those to train with from the start, then those held out until late
   * @param trainCount how many of them are there from the start
   */
  constructor(plan: LearningPlan, pictures: readonly TrainingPicture[], trainCount: number) {
    const { width, height, channels } = inputSize(plan.network);
    this.#plan = plan;
    this.#trainCount = trainCount;
    this.#totalCount = pictures.length;
    this.#augmenter = new Augmenter(pictures, plan.augmentation, { width, height });
    this.#colour = channels === 1 ? new Uint8ClampedArray(3 * width * height) : undefined;
  }

  /** @param into [chunk, height, width, channels] of the network's input, overwritten */
  draw(chunk: number, phase: DrawPhase, into: Uint8Array): ChunkTargets {
    const { chunkSize, seed } = this.#plan;
    const pictureSize = into.length / chunkSize;
    const count = phase.heldOutToo ? this.#totalCount : this.#trainCount;
    const labels: CanvasLabel[][] = [];
    for (let slot = 0; slot < chunkSize; slot++) {
      const random = new Random(seed, "chunk", chunk, slot);
      const index = this.#sample(chunk * chunkSize + slot, count);
      const pixels = new Uint8ClampedArray(into.buffer, into.byteOffset + slot * pictureSize, pictureSize);
      labels.push(this.#augmenter.draw(random, index, phase.mosaic ? count : 0, this.#colour ?? pixels));
      if (this.#colour !== undefined) faceInto(this.#colour, pixels);
    }
    return packTargets(labels);
  }

  /** The picture, of the first `count`, that is the run's n-th sample. */
  #sample(n: number, count: number): number {
    const epoch = Math.floor(n / count);
    if (this.#order?.epoch !== epoch || this.#order.places.length !== count) {
      const places = new Random(this.#plan.seed, "epoch", epoch).permutation(count);
      this.#order = { epoch, places };
    }
    return this.#order.places[n % count]!;
  }
}
