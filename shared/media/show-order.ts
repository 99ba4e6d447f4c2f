/** A camera's time that goes back further, or leaps further ahead, began anew. */
const BACK_MS_MAX = 1000;
const AHEAD_MS_MAX = 10_000;
/** From the picture before such a leap to the one after it. */
const STEP_MS = 40;
/** More pictures than a codec lets wait for an earlier one. */
const KEPT_PLACES = 32;

/**
 * Places of pictures in the order in which they are shown, in ms, from the camera's times: with B-pictures that is not
 * the order in which they come. No two places are the same, and leaps of the camera's time leave no trace.
 */
export class ShowOrder {
  #offsetMs = 0;
  #newest = -1;
  readonly #taken = new Set<number>();
  /** A picture came after one that is shown later: the decoder gives a picture out only some pictures after. */
  isMixed = false;

  /** @param mediaMs absent for one that is shown after all those before it */
  place(mediaMs: number | undefined): number {
    let place = mediaMs === undefined ? this.#newest + 1 : Math.round(mediaMs) + this.#offsetMs;
    const aheadMs = place - this.#newest;
    if (aheadMs < -BACK_MS_MAX || aheadMs > AHEAD_MS_MAX) {
      this.#offsetMs += STEP_MS - aheadMs;
      place = this.#newest + STEP_MS;
    }
    while (this.#taken.has(place)) place++;
    this.#taken.add(place);
    if (this.#taken.size > KEPT_PLACES) this.#taken.delete(this.#taken.values().next().value!);
    if (place < this.#newest) this.isMixed = true;
    this.#newest = Math.max(this.#newest, place);
    return place;
  }
}
