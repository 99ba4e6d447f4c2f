/** How often a quiet end says that it is there, and when silence means that the other is not. */
export interface Pace {
  readonly heartbeatMs: number;
  readonly deadlineMsMin: number;
  readonly deadlineMsMax: number;
}

export const PACE: Pace = { heartbeatMs: 1000, deadlineMsMin: 8000, deadlineMsMax: 30_000 };

/** The deadline is so many of the longest recent silences. */
const SILENCES = 4;
/** Share of the longest silence that is kept from beat to beat: half of it after 35 beats. */
const MEMORY = 0.98;

/**
 * Decides when a silent peer is gone. A peer on a bad radio link, or one whose process stalls now and then, shows
 * longer silences and is given longer; the deadline stays within the pace's bounds. Times are monotonic, in ms.
 */
export class Liveness {
  readonly #pace: Pace;
  #heardMs: number;
  #beatMs: number;
  #longestMs = 0;

  constructor(pace: Pace, nowMs: number) {
    this.#pace = pace;
    this.#heardMs = nowMs;
    this.#beatMs = nowMs;
  }

  /** How long the peer may be silent now. */
  get deadlineMs(): number {
    const learnedMs = SILENCES * this.#longestMs;
    return Math.min(this.#pace.deadlineMsMax, Math.max(this.#pace.deadlineMsMin, learnedMs));
  }

  /** Bytes have arrived, whatever they are. */
  heard(nowMs: number): void {
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#heardMs);
    this.#heardMs = nowMs;
  }

  /** To be called at every beat; false when the peer has been silent for too long. */
  beat(nowMs: number): boolean {
    const wasAsleep = nowMs - this.#beatMs > 3 * this.#pace.heartbeatMs;
    this.#beatMs = nowMs;
    // A process that stood still itself could not hear, and what has arrived meanwhile is still to be read.
    if (wasAsleep) this.#heardMs = nowMs;
    this.#longestMs *= MEMORY;
    return nowMs - this.#heardMs <= this.deadlineMs;
  }
}
