import type { LearningPlan } from "../../shared/learn/plan.ts";

/** How far a training is: counted in samples, or in time that somebody worked on it. */
export class TrainingClock {
  readonly #plan: LearningPlan;
  readonly #trainPictures: number;
  #elapsedMs: number;

  constructor(plan: LearningPlan, trainPictures: number, elapsedMs: number) {
    this.#plan = plan;
    this.#trainPictures = trainPictures;
    this.#elapsedMs = elapsedMs;
  }

  get elapsedMs(): number {
    return this.#elapsedMs;
  }

  /** Somebody has worked for `ms` more. */
  pass(ms: number): void {
    this.#elapsedMs += ms;
  }

  /** Training pictures seen in so many rounds, repeats counted. */
  samples(rounds: number): number {
    return rounds * this.#plan.chunksPerRound * this.#plan.chunkSize;
  }

  epoch(rounds: number): number {
    return this.samples(rounds) / this.#trainPictures;
  }

  /** Share of the training that is done after so many rounds, 0 to 1. */
  progress(rounds: number): number {
    const { limit } = this.#plan;
    const share =
      limit.kind === "samples"
        ? this.samples(rounds) / limit.samples
        : this.#elapsedMs / (limit.minutes * 60_000);
    return Math.min(1, share);
  }

  /** How many steps are left after so many, where that is known. */
  stepsLeft(steps: number): number {
    const { limit } = this.#plan;
    if (limit.kind === "minutes") return Number.POSITIVE_INFINITY;
    return Math.max(1, Math.ceil((limit.samples - this.samples(steps)) / this.samples(1)));
  }

  /** How many epochs there will be. @param imagesPerSecond what is known of the speed, for a limit in time */
  epochs(rounds: number, imagesPerSecond: number): number {
    const { limit } = this.#plan;
    if (limit.kind === "samples") return limit.samples / this.#trainPictures;
    const leftSeconds = Math.max(0, limit.minutes * 60 - this.#elapsedMs / 1000);
    return this.epoch(rounds) + (leftSeconds * imagesPerSecond) / this.#trainPictures;
  }

  timeLeftMs(rounds: number, imagesPerSecond: number): number | undefined {
    const { limit } = this.#plan;
    if (limit.kind === "minutes") return Math.max(0, limit.minutes * 60_000 - this.#elapsedMs);
    if (imagesPerSecond <= 0) return undefined;
    return (1000 * Math.max(0, limit.samples - this.samples(rounds))) / imagesPerSecond;
  }
}
