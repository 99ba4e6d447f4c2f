import type { Position } from "./holdings.ts";
import {
  MEMBERSHIP_LIMITS,
  type MemberAnswer,
  type MemberId,
  type MembershipAction,
  type MembershipEvent,
  type MembershipLimits,
  type Milestone,
} from "./membership-words.ts";
import { keeps, type Phase } from "./phase.ts";
import { type Holder, holdersOf, truthAt } from "./sources.ts";
import { Suspicion } from "./suspicion.ts";

/** A ring link that breaks may be chance; one that cannot be made is enough to be left out for a while. */
const UNREACHABLE_STRIKES = 3;
/** A round may take so many times what is expected. After each late one in a row the limit doubles. */
const LATE_TIMES = 2;
const LATE_DOUBLINGS_MAX = 6;

/**
 * Who takes part in a training, and from which round they go on: the trainer's side, without IO and without a clock
 * of its own, so that thousands of schedules of faults can be played through it in virtual time.
 *
 * A *generation* is one ring: a list of members that all hold the weights of one round. Whatever goes wrong (a link
 * ends or falls silent, an answer or a round is late, a ring link breaks) has one cure: a new generation. Everybody is
 * asked where it stands; the most advanced completed round is the target; everybody gets its place, and is told which
 * members hold what it lacks, of its slice's state or of the weights. Where one does not give what it should, the next
 * ring's state goes through the trainer: gathered from all, sent to all. A member may be one round ahead of another,
 * never two, since a round starts only when all have completed the one before: at most the running round is repeated.
 * Rounds are counted in steps: one of several leads from `round` to `round + steps`.
 *
 * Suspicion is cheap and harmless: who is silent for a moment is only *set aside*. The others go on at once, and it is
 * taken in again at the next boundary after it is heard. Nobody is thrown out for being slow.
 *
 *   waiting -join-> asking -> [gathering] -> forming -> boundary <-> running
 *                     ^________ any loss, lateness or newcomer ________|
 *
 * `gathering` is entered where members did not give each other the state, and for a checkpoint or an evaluation.
 */
export class Membership {
  readonly #limits: MembershipLimits;
  /** In the order of joining, which is their order in the ring. */
  readonly #present = new Set<MemberId>();
  readonly #suspicion: Suspicion;
  /** Rounds that were late, one after the other. */
  #lateRounds = 0;
  #members: readonly MemberId[] = [];
  #generation = 0;
  #phase: Phase = { name: "waiting" };
  /** Whom the phase waits for. */
  #awaited = new Set<MemberId>();
  #positions: ReadonlyMap<MemberId, Position | undefined> = new Map();
  /** What the trainer holds the whole state of. */
  #held: Milestone;
  /** What the ring goes on from, or has come to. */
  #truth: Milestone;
  /** Members disagreed: everybody goes back to the held state. */
  #distrust = false;
  /** A member did not get from another what it should: the next ring's state goes through the trainer. */
  #isThroughTrainer = false;
  #deadlineMs: number | undefined;
  #nowMs = 0;
  #out: MembershipAction[] = [];

  /**
   * @param held what the trainer holds the whole state of: round 0 for a new job, or the checkpoint's
   * @param generation a number above all that workers may have heard from this trainer before it was started again
   */
  constructor(held: Milestone, limits: MembershipLimits = MEMBERSHIP_LIMITS, generation = 0) {
    this.#held = held;
    this.#truth = held;
    this.#limits = limits;
    this.#suspicion = new Suspicion(limits.benchMs);
    this.#generation = generation;
  }

  get phase(): Phase["name"] {
    return this.#phase.name;
  }
  get generation(): number {
    return this.#generation;
  }
  /** The ring, in order. */
  get members(): readonly MemberId[] {
    return this.#members;
  }
  /** When `tick` has something to do, on the clock that `handle` is given. */
  get deadlineMs(): number | undefined {
    return this.#deadlineMs;
  }

  /** Takes what happened and returns what to do about it, in order. */
  handle(event: MembershipEvent, nowMs: number): MembershipAction[] {
    this.#nowMs = nowMs;
    this.#out = [];
    this.#take(event);
    return this.#out;
  }

  #take(event: MembershipEvent): void {
    switch (event.kind) {
      case "join":
        this.#join(event.member);
        break;
      case "leave":
        this.#leave(event.member);
        break;
      case "quiet":
        this.#silent(event.member);
        break;
      case "heard":
        this.#heard(event.member);
        break;
      case "progress":
        if (this.#awaited.has(event.member)) this.#extend();
        break;
      case "proceed":
        if (this.#phase.name === "boundary") this.#proceed(event, this.#phase.round);
        break;
      case "tick":
        if (this.#deadlineMs !== undefined && this.#nowMs >= this.#deadlineMs) this.#late();
        break;
      default:
        this.#heard(event.member);
        // Words of an earlier ring, or of somebody who is out, say nothing about this one.
        if (event.generation === this.#generation && this.#present.has(event.member)) this.#answer(event);
    }
  }

  #answer(event: MemberAnswer): void {
    if (event.kind === "failed") this.#failed(event.suspect);
    else if (event.kind === "ungiven") this.#ungiven();
    else if (this.#awaited.has(event.member) && keeps(this.#phase, event)) {
      this.#awaited.delete(event.member);
      if (this.#awaited.size === 0) this.#allAnswered();
    }
  }

  #allAnswered(): void {
    const at = this.#phase;
    switch (at.name) {
      case "asking":
        this.#asked(at.positions);
        break;
      case "gathering":
        this.#held = this.#truth;
        this.#out.push({ kind: "assembled", round: at.round });
        if (at.afterwards === "form") this.#form([]);
        else this.#boundary(at.round);
        break;
      case "forming":
        if (this.#agreed(at.round, at.checksums)) this.#formed(at.round);
        else this.#disagreement(`round ${at.round} as received`);
        break;
      case "running":
        if (this.#agreed(at.round + at.steps, at.checksums)) {
          this.#committed(at.round + at.steps, this.#nowMs - at.startedMs);
        } else this.#disagreement(`round ${at.round + at.steps}`);
        break;
    }
  }

  #join(member: MemberId): void {
    this.#present.add(member);
    this.#takeIn(member);
  }

  /** Somebody may be in the next ring who is not in this one. */
  #takeIn(member: MemberId): void {
    const at = this.#phase.name;
    if (at === "waiting" || at === "boundary") this.#regroup();
    else if (at === "asking") this.#ask(member);
    // In the other phases the next boundary takes it in.
  }

  #heard(member: MemberId): void {
    if (this.#suspicion.heard(member)) this.#takeIn(member);
  }

  #silent(member: MemberId): void {
    if (!this.#present.has(member) || this.#suspicion.isQuiet(member)) return;
    const isNeeded = this.#awaited.has(member) || this.#members.includes(member);
    this.#setAside(member);
    if (isNeeded) this.#goOnWithout(member);
  }

  #setAside(member: MemberId): void {
    this.#suspicion.silent(member);
    this.#out.push({ kind: "setAside", member });
  }

  /** A member of this phase is gone, or silent. */
  #goOnWithout(member: MemberId): void {
    const at = this.#phase;
    if (at.name !== "asking") {
      this.#regroup();
      return;
    }
    at.positions.delete(member);
    if (this.#awaited.delete(member) && this.#awaited.size === 0) this.#allAnswered();
    else if (this.#candidates().length === 0) this.#regroup();
  }

  #leave(member: MemberId): void {
    if (!this.#forget(member)) return;
    const isNeeded = this.#awaited.has(member) || this.#members.includes(member);
    if (isNeeded || this.#phase.name === "asking") this.#goOnWithout(member);
  }

  #failed(suspect: MemberId | undefined): void {
    const at = this.#phase.name;
    if (at !== "forming" && at !== "running" && at !== "boundary" && at !== "gathering") return;
    if (suspect !== undefined) {
      this.#strike(suspect, "others cannot reach it", at === "forming" ? UNREACHABLE_STRIKES : 1);
    }
    this.#regroup();
  }

  #ungiven(): void {
    if (this.#phase.name !== "forming") return;
    this.#isThroughTrainer = true;
    this.#out.push({ kind: "note", text: "members did not give each other their state: the trainer does" });
    this.#regroup();
  }

  #strike(member: MemberId, reason: string, count: number): void {
    if (!this.#present.has(member)) return;
    if (!this.#suspicion.strike(member, count) || this.#candidates().length < 2) return;
    this.#suspicion.bench(member, this.#nowMs);
    this.#out.push({ kind: "bench", member, reason });
  }

  #late(): void {
    const at = this.#phase;
    if (at.name === "running") {
      this.#lateRound(at);
      return;
    }
    for (const member of this.#awaited) {
      if (at.name === "asking") {
        // A link that is open may still bring its answer.
        this.#setAside(member);
      } else {
        this.#out.push({ kind: "drop", member, reason: `no progress while ${at.name}` });
        this.#forget(member);
      }
    }
    if (at.name === "asking") this.#asked(at.positions);
    else this.#regroup();
  }

  /** Those who have not computed get less to do, and the round begins again. */
  #lateRound({ round, steps, startedMs, computed }: Extract<Phase, { name: "running" }>): void {
    const afterMs = this.#nowMs - startedMs;
    const slow = [...this.#awaited].filter((member) => !computed.has(member));
    for (const member of slow) this.#out.push({ kind: "slow", member, afterMs });
    for (const member of slow) this.#strike(member, "its part of a round takes far too long", 1);
    this.#lateRounds = Math.min(LATE_DOUBLINGS_MAX, this.#lateRounds + 1);
    this.#out.push({ kind: "note", text: `round ${round + steps} is late: a new ring` });
    this.#regroup();
  }

  #forget(member: MemberId): boolean {
    this.#suspicion.forget(member);
    return this.#present.delete(member);
  }

  /** Everybody who may be in the next ring. */
  #candidates(): MemberId[] {
    return [...this.#present].filter((member) => !this.#suspicion.isOut(member, this.#nowMs));
  }

  #regroup(): void {
    this.#generation++;
    this.#members = [];
    this.#awaited = new Set();
    // With nobody else left, somebody from the bench is better than nobody.
    if (this.#candidates().length === 0) this.#suspicion.endBenches();
    const candidates = this.#candidates();
    if (candidates.length === 0) {
      this.#enter({ name: "waiting" }, undefined);
      this.#out.push({ kind: "waiting" });
      return;
    }
    this.#enter({ name: "asking", positions: new Map() }, this.#limits.answerMs);
    for (const member of candidates) this.#ask(member);
  }

  #ask(member: MemberId): void {
    this.#awaited.add(member);
    this.#out.push({ kind: "ask", member, generation: this.#generation });
  }

  #asked(positions: ReadonlyMap<MemberId, Position | undefined>): void {
    // In the order of joining, however the answers came.
    this.#members = [...this.#present].filter((member) => positions.has(member));
    this.#positions = new Map(positions);
    if (this.#members.length === 0) {
      this.#regroup();
      return;
    }
    const furthest = this.#members.reduce(
      (most, member) => Math.max(most, positions.get(member)?.round ?? 0),
      this.#held.round,
    );
    if (this.#distrust || furthest === 0) {
      this.#truth = this.#held;
      this.#form([]);
      return;
    }
    this.#truth = truthAt(furthest, positions, this.#truth, this.#held);
    const holders = holdersOf(this.#truth, this.#members, positions);
    const source = holders.find(({ hasWeights }) => hasWeights)?.member;
    if (source !== undefined && !this.#isThroughTrainer) this.#form(holders);
    else if (furthest === this.#held.round) this.#form([]);
    else {
      this.#enter({ name: "gathering", round: furthest, afterwards: "form" }, this.#limits.transferMs);
      for (const { member } of holders) this.#gather(member, furthest, member === source);
    }
  }

  #gather(member: MemberId, round: number, weights: boolean): void {
    this.#awaited.add(member);
    this.#out.push({ kind: "gather", member, generation: this.#generation, round, weights });
  }

  /** @param holders who gives the others what they lack; nobody where the trainer does */
  #form(holders: readonly Holder[]): void {
    const { round, checksum } = this.#truth;
    this.#enter({ name: "forming", round, checksums: new Map() }, this.#limits.transferMs);
    const ring = { generation: this.#generation, round, members: this.#members, checksum, holders };
    for (const member of this.#members) {
      const at = this.#positions.get(member);
      const keepsWeights =
        !this.#distrust && at?.round === round && at.checksum === (checksum ?? at.checksum);
      this.#awaited.add(member);
      this.#out.push({ kind: "form", member, keepsWeights, ...ring });
    }
  }

  /** Whether all say the same of their weights after `round`: that is then what they are. */
  #agreed(round: number, checksums: ReadonlyMap<MemberId, number>): boolean {
    const [checksum, ...others] = new Set(checksums.values());
    if (others.length > 0) return false;
    this.#truth = { round, checksum };
    return true;
  }

  #formed(round: number): void {
    this.#distrust = false;
    this.#isThroughTrainer = false;
    this.#boundary(round);
  }

  #boundary(round: number): void {
    const ring = new Set(this.#members);
    if (this.#candidates().some((member) => !ring.has(member))) {
      this.#regroup();
    } else {
      this.#enter({ name: "boundary", round }, undefined);
      this.#out.push({ kind: "boundary", round });
    }
  }

  #proceed(
    { to, steps = 1, expectedMs }: Extract<MembershipEvent, { kind: "proceed" }>,
    round: number,
  ): void {
    if (to === "gather" && round === this.#held.round) {
      // The held state is already this round's.
      this.#out.push({ kind: "assembled", round }, { kind: "boundary", round });
    } else if (to === "gather") {
      this.#enter({ name: "gathering", round, afterwards: "boundary" }, this.#limits.transferMs);
      this.#members.forEach((member, place) => {
        this.#gather(member, round, place === 0);
      });
    } else {
      const { firstRoundMs, roundMs } = this.#limits;
      const usualMs = expectedMs === undefined ? firstRoundMs : Math.max(roundMs, LATE_TIMES * expectedMs);
      this.#enter(
        { name: "running", round, steps, startedMs: this.#nowMs, computed: new Set(), checksums: new Map() },
        usualMs * 2 ** this.#lateRounds,
      );
      this.#awaited = new Set(this.#members);
      this.#out.push({ kind: "run", generation: this.#generation, round, steps, members: this.#members });
    }
  }

  #committed(round: number, roundMs: number): void {
    this.#lateRounds = 0;
    this.#suspicion.roundDone(this.#members);
    this.#out.push({ kind: "committed", round, roundMs, members: this.#members });
    this.#boundary(round);
  }

  /** Weights that should be the same bit for bit are not: all go back to the state that the trainer holds. */
  #disagreement(where: string): void {
    if (this.#distrust) {
      this.#out.push({ kind: "fail", reason: `members hold different weights after ${where}, twice` });
      return;
    }
    this.#distrust = true;
    const text = `members hold different weights after ${where}: all go back to round ${this.#held.round}`;
    this.#out.push({ kind: "note", text });
    this.#regroup();
  }

  #enter(phase: Phase, limitMs: number | undefined): void {
    this.#phase = phase;
    this.#awaited = new Set();
    this.#deadlineMs = limitMs === undefined ? undefined : this.#nowMs + limitMs;
  }

  #extend(): void {
    const at = this.#phase.name;
    if (at === "gathering" || at === "forming") this.#deadlineMs = this.#nowMs + this.#limits.transferMs;
  }
}
