/** Standard deviation of a measured box side, as a share of the box's size. */
const MEASURE_SHARE = 0.06;
/** Standard deviation of the acceleration that the filter expects, in box sizes a second². */
const ACCELERATION = 1.5;
/** Standard deviation of a side's change in a second, in box sizes. */
const SIDE_DRIFT = 0.25;
/** A velocity fades with this time constant unless measurements renew it: what is hidden seldom keeps its pace. */
const FADE_MS = 3200;

/**
 * A Kalman filter for one coordinate: position and velocity, noise in units of the object's own size (Kalman 1960;
 * white acceleration as in Bar-Shalom 2001, section 6.2.3). Time steps may differ.
 */
export class AxisFilter {
  #position: number;
  #velocityPerMs = 0;
  #atMs: number;
  #sizePx = 0;
  // Covariance of position and velocity; the first correction sets its scale.
  #pp = Number.POSITIVE_INFINITY;
  #pv = 0;
  #vv = 0;
  readonly #isSide: boolean;

  /**
   * @param isSide of a box, not its place: it drifts without a velocity, since a thing that something else begins to
   *               hide does not go on shrinking to nothing
   */
  constructor(position: number, atMs: number, isSide = false) {
    this.#isSide = isSide;
    this.#position = position;
    this.#atMs = atMs;
  }

  get value(): number {
    return this.#position;
  }

  predict(atMs: number): void {
    const dt = Math.max(0, atMs - this.#atMs);
    this.#atMs = Math.max(this.#atMs, atMs);
    if (dt === 0 || this.#sizePx === 0) return;
    if (this.#isSide) {
      this.#pp += ((SIDE_DRIFT * this.#sizePx) ** 2 * dt) / 1000;
      return;
    }
    this.#position += this.#velocityPerMs * dt;
    this.#velocityPerMs *= Math.exp(-dt / FADE_MS);
    const q = ((ACCELERATION * this.#sizePx) / 1e6) ** 2;
    this.#pp += 2 * dt * this.#pv + dt * dt * this.#vv + (q * dt ** 4) / 4;
    this.#pv += dt * this.#vv + (q * dt ** 3) / 2;
    this.#vv += q * dt * dt;
  }

  /** Nothing moved there: the position stands, and so does the object. */
  rest(atMs: number): void {
    this.#atMs = Math.max(this.#atMs, atMs);
    this.#velocityPerMs = 0;
  }

  /** @param sizePx the object's size now, which scales the noise */
  correct(measured: number, sizePx: number): void {
    const noise = (MEASURE_SHARE * sizePx) ** 2;
    if (this.#sizePx === 0) {
      this.#position = measured;
      this.#pp = noise;
      this.#vv = this.#isSide ? 0 : (sizePx / 1000) ** 2;
      this.#sizePx = sizePx;
      return;
    }
    this.#sizePx = sizePx;
    const gain = this.#pp / (this.#pp + noise);
    const velocityGain = this.#pv / (this.#pp + noise);
    const surprise = measured - this.#position;
    this.#position += gain * surprise;
    this.#velocityPerMs += velocityGain * surprise;
    this.#vv -= velocityGain * this.#pv;
    this.#pv *= 1 - gain;
    this.#pp *= 1 - gain;
  }
}
