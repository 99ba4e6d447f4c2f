import type { MemberId } from "./membership-words.ts";

/** What it takes to be left out, without a round in between. */
const STRIKES_MAX = 3;
const BENCH_DOUBLINGS_MAX = 5;

/**
 * Whom the membership goes on without for now, though its link is open: who is silent, until it is heard; and who was
 * complained of again and again, for a time that doubles.
 */
export class Suspicion {
  readonly #benchMs: number;
  readonly #quiet = new Set<MemberId>();
  readonly #strikes = new Map<MemberId, number>();
  readonly #benchedUntilMs = new Map<MemberId, number>();
  /** How often each was left out, since it came or since a round with it. */
  readonly #benchings = new Map<MemberId, number>();

  /** @param benchMs how long somebody is left out the first time */
  constructor(benchMs: number) {
    this.#benchMs = benchMs;
  }

  isOut(member: MemberId, nowMs: number): boolean {
    return this.#quiet.has(member) || (this.#benchedUntilMs.get(member) ?? nowMs) > nowMs;
  }

  isQuiet(member: MemberId): boolean {
    return this.#quiet.has(member);
  }

  silent(member: MemberId): void {
    this.#quiet.add(member);
  }

  /** It speaks; true when it was silent before. */
  heard(member: MemberId): boolean {
    return this.#quiet.delete(member);
  }

  /** Counts complaints; true when there are enough to leave it out. */
  strike(member: MemberId, count: number): boolean {
    const strikes = (this.#strikes.get(member) ?? 0) + count;
    this.#strikes.set(member, strikes);
    return strikes >= STRIKES_MAX;
  }

  bench(member: MemberId, nowMs: number): void {
    const before = this.#benchings.get(member) ?? 0;
    this.#strikes.delete(member);
    this.#benchings.set(member, Math.min(BENCH_DOUBLINGS_MAX, before + 1));
    this.#benchedUntilMs.set(member, nowMs + this.#benchMs * 2 ** before);
  }

  /** Nobody is left out any more but who is silent. */
  endBenches(): void {
    this.#benchedUntilMs.clear();
  }

  /** A round of these members went well. */
  roundDone(members: readonly MemberId[]): void {
    this.#strikes.clear();
    for (const member of members) this.#benchings.delete(member);
  }

  forget(member: MemberId): void {
    this.#quiet.delete(member);
    this.#strikes.delete(member);
    this.#benchedUntilMs.delete(member);
    this.#benchings.delete(member);
  }
}
