/** Reports that are remembered: at one each five seconds, three quarters of a minute. */
const REPORTS_KEPT = 8;

/**
 * How far a camera's clock is from ours, from its sender reports (RFC 3550 section 6.4.1: the NTP time is when the
 * report was sent). What the network delays makes the camera look late, so the report that came fastest counts.
 */
export class CameraClock {
  readonly #reports: number[] = [];
  /** The camera's clock minus ours, in ms; negative when it is behind. `undefined` before it told its time. */
  aheadMs: number | undefined;

  /**
   * @param wallMs by the camera's clock, in ms since 1970; a camera without a clock says 0 in NTP, which is 1900
   * @param nowMs by ours, when the report came
   */
  note(wallMs: number, nowMs: number): void {
    if (wallMs < NTP_START_MS + DAY_MS) return;
    const ahead = wallMs - nowMs;
    // A clock that was set is another clock.
    if (Math.abs(ahead - (this.#reports.at(-1) ?? ahead)) > JUMP_MS) this.#reports.length = 0;
    this.#reports.push(ahead);
    if (this.#reports.length > REPORTS_KEPT) this.#reports.shift();
    this.aheadMs = Math.max(...this.#reports);
  }
}

const DAY_MS = 86_400_000;
/** 1 January 1900. */
const NTP_START_MS = -2_208_988_800_000;
const JUMP_MS = 2000;
