/** However long it takes to gather the state, not more than so many times the usual work is left unsaved: 30 s. */
const UNSAVED_TIMES = 3;
/** Time between two checkpoints against what it takes to gather the state, during which nobody learns. */
const GATHERING_TIMES = 10;

/** When a training's state is due to be gathered for a checkpoint: less often where the network makes it slow. */
export class CheckpointPace {
  readonly #everyMs: number;
  #savedMs: number;
  #gatheringMs: number | undefined;
  #tookMs = 0;

  /** @param everyMs between two checkpoints, where gathering takes little */
  constructor(everyMs: number, nowMs: number) {
    this.#everyMs = everyMs;
    this.#savedMs = nowMs;
  }

  /** @param roundMs what the next round will take: it is unsaved as well, if the checkpoint waits for it */
  isDue(nowMs: number, roundMs: number): boolean {
    const unsavedMs = nowMs - this.#savedMs;
    if (unsavedMs < this.#everyMs) return false;
    return unsavedMs >= GATHERING_TIMES * this.#tookMs || unsavedMs + roundMs > UNSAVED_TIMES * this.#everyMs;
  }

  gathering(nowMs: number): void {
    this.#gatheringMs = nowMs;
  }

  /** The whole state is here. */
  held(nowMs: number): void {
    if (this.#gatheringMs !== undefined) this.#tookMs = nowMs - this.#gatheringMs;
    this.#gatheringMs = undefined;
    this.#savedMs = nowMs;
  }
}
