/** A spot on the ground whose distance from the camera was measured. */
export interface GroundMark {
  /** Where it is on the picture: share of the height, from the top. */
  readonly y: number;
  readonly meters: number;
}

/**
 * How far away what stands at a row of the picture is, over flat ground: the distance is inverse to how far the row
 * lies below the horizon, and two measured spots say where that is (Hartley and Zisserman 2004, section 8.6).
 */
export class GroundDistance {
  readonly #horizonY: number;
  readonly #scale: number;

  /** @param near, far measured spots; the farther one higher on the picture */
  constructor([near, far]: readonly [GroundMark, GroundMark]) {
    this.#horizonY = (far.meters * far.y - near.meters * near.y) / (far.meters - near.meters);
    this.#scale = near.meters * (near.y - this.#horizonY);
  }

  /** Metres to what stands at a row (share of the height); infinite at the horizon and above. */
  at(y: number): number {
    return y <= this.#horizonY ? Number.POSITIVE_INFINITY : this.#scale / (y - this.#horizonY);
  }

  /** The row of the picture (share of the height) where the ground is so many metres away. */
  rowOf(meters: number): number {
    return this.#horizonY + this.#scale / meters;
  }
}
