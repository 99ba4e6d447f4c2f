/** How often a quiet end says that it is there, and when silence means that the other is not. */
export interface Pace {
  readonly heartbeatMs: number;
  readonly deadlineMsMin: number;
  readonly deadlineMsMax: number;
}

export const PACE: Pace = { heartbeatMs: 1000, deadlineMsMin: 8000, deadlineMsMax: 30_000 };
/** Between a trainer and its workers: who is frozen is noticed by `isQuiet` within a round or two. */
export const TEAM_PACE: Pace = { ...PACE, heartbeatMs: 250 };
/** Between neighbours in a ring: a link that is cut without a word holds up everybody. */
export const RING_PACE: Pace = { heartbeatMs: 250, deadlineMsMin: 2000, deadlineMsMax: 8000 };

/** A peer is quiet after so many heartbeats without one. */
const QUIET_BEATS = 5;

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
  #isQuiet = false;

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

  /** Whether the peer has been silent for longer than it usually is, and not yet long enough to be gone. */
  get isQuiet(): boolean {
    return this.#isQuiet;
  }

  /** Bytes have arrived, whatever they are. */
  heard(nowMs: number): void {
    this.#isQuiet = false;
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#heardMs);
    this.#heardMs = nowMs;
  }

  /** To be called at every beat; false when the peer has been silent for too long. */
  beat(nowMs: number): boolean {
    const wasAsleep = nowMs - this.#beatMs > 3 * this.#pace.heartbeatMs;
    const quietMs = Math.max(QUIET_BEATS * this.#pace.heartbeatMs, (SILENCES - 1) * this.#longestMs);
    this.#beatMs = nowMs;
    // A process that stood still itself could not hear, and what has arrived meanwhile is still to be read.
    if (wasAsleep) this.#heardMs = nowMs;
    this.#longestMs *= MEMORY;
    this.#isQuiet = nowMs - this.#heardMs > quietMs;
    return nowMs - this.#heardMs <= this.deadlineMs;
  }
}
