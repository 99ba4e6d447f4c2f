import type { Guess } from "./types.ts";

/** Frames with a guess before a name is said. */
const GUESSES_MIN = 3;
/** Old guesses fade, so that a track that another person took over is named anew; the weight of the last 20 counts. */
const KEEP = 0.95;

/** The guesses of one track or visit, summed up. */
class Ballot {
  readonly #scores = new Map<string, number>();
  #weight = 0;
  /** Of the guesses that say how strange the face is. */
  #strangeness = 0;
  #strangenessWeight = 0;
  #guesses = 0;

  add({ name, score, strangeness }: Guess): void {
    for (const [other, sum] of this.#scores) this.#scores.set(other, KEEP * sum);
    this.#scores.set(name, (this.#scores.get(name) ?? 0) + score);
    this.#weight = KEEP * this.#weight + 1;
    this.#guesses++;
    if (strangeness === undefined) return;
    this.#strangeness = KEEP * this.#strangeness + strangeness;
    this.#strangenessWeight = KEEP * this.#strangenessWeight + 1;
  }

  /** The name whose mean score over all guesses is highest, where it reaches `scoreMin` and the face is no stranger's. */
  winner(scoreMin: number): string | undefined {
    if (this.#guesses < GUESSES_MIN || this.#strangeness > this.#strangenessWeight) return undefined;
    const [best] = [...this.#scores].sort((a, b) => b[1] - a[1]);
    return best !== undefined && best[1] / this.#weight >= scoreMin ? best[0] : undefined;
  }
}

/**
 * Makes names of guesses: each frame votes with its score for whoever the face model takes a track for, and the mean
 * over the track must reach a threshold. Below it the person is unknown: a face model always says one of those it
 * knows, but of a stranger now this one and now that. Where the model knows looks, the mean over the track must also be
 * like enough the looks of those who were guessed.
 */
export class NameBook {
  readonly #scoreMin: number;
  readonly #ballots = new Map<number, Ballot>();

  /** @param scoreMin least mean score of a name, 0 to 1 */
  constructor(scoreMin: number) {
    this.#scoreMin = scoreMin;
  }

  /** One frame's guess of who a track is. */
  hear(track: number, guess: Guess): void {
    const ballot = this.#ballots.get(track) ?? new Ballot();
    this.#ballots.set(track, ballot);
    ballot.add(guess);
  }

  /** Who the track is, or `undefined` while that is not certain. */
  nameOf(track: number): string | undefined {
    return this.#ballots.get(track)?.winner(this.#scoreMin);
  }

  forget(track: number): void {
    this.#ballots.delete(track);
  }
}
