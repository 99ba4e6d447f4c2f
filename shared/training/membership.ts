import {
  MEMBERSHIP_LIMITS,
  type MemberAnswer,
  type MemberId,
  type MembershipAction,
  type MembershipEvent,
  type MembershipLimits,
} from "./membership-words.ts";
import type { Position } from "./replica.ts";

type Phase =
  | { readonly name: "waiting" }
  | { readonly name: "asking"; readonly positions: Map<MemberId, Position | undefined> }
  | { readonly name: "gathering"; readonly round: number; readonly afterwards: "form" | "boundary" }
  | { readonly name: "forming"; readonly round: number; readonly checksums: Map<MemberId, number> }
  | { readonly name: "boundary"; readonly round: number }
  | {
      readonly name: "running";
      readonly round: number;
      readonly startedMs: number;
      readonly computed: Set<MemberId>;
      readonly checksums: Map<MemberId, number>;
    };

const STRIKES_MAX = 3;

/**
 * Who takes part in a training, and from which round they go on: the trainer's side, without IO and without a clock
 * of its own, so that thousands of schedules of faults can be played through it in virtual time.
 *
 * A *generation* is one ring: a list of members that all hold the weights of one round. Whatever goes wrong (a link
 * ends, an answer or a round is late, a ring link breaks) has one cure: a new generation. Everybody present is asked
 * where it stands; the most advanced completed round is the target; the survivors hand over the state of their
 * slices; everybody gets its place, its slice and the weights that it lacks. A member may be one round ahead of
 * another, never two, since a round starts only when all have completed the one before. So at most the running round
 * is repeated.
 *
 *   waiting -join-> asking -> [gathering] -> forming -> boundary <-> running
 *                     ^________ any loss, lateness or newcomer ________|
 *
 * `gathering` is also entered from `boundary`, to collect the whole state for a checkpoint or an evaluation.
 */
export class Membership {
  readonly #limits: MembershipLimits;
  /** In the order of joining, which is their order in the ring. */
  readonly #present = new Set<MemberId>();
  readonly #benchedUntilMs = new Map<MemberId, number>();
  readonly #strikes = new Map<MemberId, number>();
  /** Members that have completed a round: their engines are warm. */
  readonly #warm = new Set<MemberId>();
  #members: readonly MemberId[] = [];
  #generation = 0;
  #phase: Phase = { name: "waiting" };
  /** Whom the phase waits for. */
  #awaited = new Set<MemberId>();
  #positions = new Map<MemberId, Position | undefined>();
  #heldRound: number;
  /** Members disagreed: everybody goes back to the held state. */
  #distrust = false;
  #deadlineMs: number | undefined;
  #usualRoundMs: number | undefined;
  #nowMs = 0;
  #out: MembershipAction[] = [];

  /** @param heldRound the round whose whole state the trainer holds: 0 for a new job, or the checkpoint's */
  constructor(heldRound: number, limits: MembershipLimits = MEMBERSHIP_LIMITS) {
    this.#heldRound = heldRound;
    this.#limits = limits;
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
      case "progress":
        if (this.#awaited.has(event.member)) this.#extend();
        break;
      case "proceed":
        if (this.#phase.name === "boundary") this.#proceed(event.to, this.#phase.round);
        break;
      case "tick":
        if (this.#deadlineMs !== undefined && this.#nowMs >= this.#deadlineMs) this.#late();
        break;
      default:
        // Words of an earlier ring, or of somebody who is out, say nothing about this one.
        if (event.generation === this.#generation && this.#present.has(event.member)) this.#answer(event);
    }
  }

  #answer(event: MemberAnswer): void {
    if (event.kind === "failed") this.#failed(event.suspect);
    else if (this.#awaited.has(event.member) && this.#fits(event)) {
      this.#awaited.delete(event.member);
      if (this.#awaited.size === 0) this.#allAnswered();
    }
  }

  /** Keeps what a member says; true when it is all that this phase waits for from it. */
  #fits(event: Exclude<MemberAnswer, { readonly kind: "failed" }>): boolean {
    const at = this.#phase;
    switch (event.kind) {
      case "position":
        if (at.name === "asking") at.positions.set(event.member, event.position);
        return at.name === "asking";
      case "gathered":
        return at.name === "gathering";
      case "formed":
        if (at.name === "forming") at.checksums.set(event.member, event.checksum);
        return at.name === "forming";
      case "computed":
        if (at.name === "running") at.computed.add(event.member);
        return false;
      case "done":
        if (at.name !== "running" || event.round !== at.round + 1) return false;
        at.checksums.set(event.member, event.checksum);
        return true;
    }
  }

  #allAnswered(): void {
    const at = this.#phase;
    switch (at.name) {
      case "asking":
        this.#asked(at.positions);
        break;
      case "gathering":
        this.#heldRound = at.round;
        this.#out.push({ kind: "assembled", round: at.round });
        if (at.afterwards === "form") this.#form();
        else this.#boundary(at.round);
        break;
      case "forming":
        if (agree(at.checksums)) this.#formed(at.round);
        else this.#disagreement(`round ${at.round} as received`);
        break;
      case "running":
        if (agree(at.checksums)) this.#committed(at.round + 1, this.#nowMs - at.startedMs);
        else this.#disagreement(`round ${at.round + 1}`);
        break;
    }
  }

  #join(member: MemberId): void {
    this.#present.add(member);
    const at = this.#phase.name;
    if (at === "waiting" || at === "boundary") this.#regroup();
    else if (at === "asking") this.#ask(member);
    // In the other phases the next boundary takes it in.
  }

  #leave(member: MemberId): void {
    if (!this.#forget(member)) return;
    const at = this.#phase;
    if (at.name === "asking") {
      at.positions.delete(member);
      if (this.#awaited.delete(member) && this.#awaited.size === 0) this.#allAnswered();
      else if (this.#candidates().length === 0) this.#regroup();
    } else if (this.#members.includes(member) || this.#awaited.has(member)) {
      this.#regroup();
    }
  }

  #failed(suspect: MemberId | undefined): void {
    const at = this.#phase.name;
    if (at !== "forming" && at !== "running" && at !== "boundary" && at !== "gathering") return;
    if (suspect !== undefined) this.#strike(suspect, "others cannot reach it");
    this.#regroup();
  }

  #strike(member: MemberId, reason: string): void {
    if (!this.#present.has(member)) return;
    const strikes = (this.#strikes.get(member) ?? 0) + 1;
    this.#strikes.set(member, strikes);
    if (strikes < STRIKES_MAX || this.#candidates().length < 2) return;
    this.#strikes.delete(member);
    this.#benchedUntilMs.set(member, this.#nowMs + this.#limits.benchMs);
    this.#out.push({ kind: "bench", member, reason });
  }

  #late(): void {
    const at = this.#phase;
    if (at.name === "running") {
      for (const member of this.#awaited) {
        if (!at.computed.has(member)) this.#strike(member, "its part of a round takes far too long");
      }
      this.#out.push({ kind: "note", text: `round ${at.round + 1} is late: a new ring` });
      this.#regroup();
      return;
    }
    for (const member of this.#awaited) {
      this.#out.push({ kind: "drop", member, reason: `no answer while ${at.name}` });
      this.#forget(member);
    }
    this.#awaited = new Set();
    if (at.name === "asking") this.#asked(at.positions);
    else this.#regroup();
  }

  #forget(member: MemberId): boolean {
    this.#benchedUntilMs.delete(member);
    this.#strikes.delete(member);
    this.#warm.delete(member);
    return this.#present.delete(member);
  }

  /** Everybody who may be in the next ring. */
  #candidates(): MemberId[] {
    return [...this.#present].filter((member) => {
      const untilMs = this.#benchedUntilMs.get(member);
      return untilMs === undefined || untilMs <= this.#nowMs;
    });
  }

  #regroup(): void {
    this.#generation++;
    this.#members = [];
    this.#awaited = new Set();
    // With nobody else left, somebody from the bench is better than nobody.
    if (this.#candidates().length === 0) this.#benchedUntilMs.clear();
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
    this.#benchedUntilMs.delete(member);
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
      this.#heldRound,
    );
    if (furthest === this.#heldRound || this.#distrust) {
      this.#form();
      return;
    }
    const source = this.#members.find((member) => positions.get(member)?.round === furthest);
    this.#enter({ name: "gathering", round: furthest, afterwards: "form" }, this.#limits.transferMs);
    for (const member of this.#members) {
      const position = positions.get(member);
      if (position?.round !== furthest && position?.pendingRound !== furthest) continue;
      this.#gather(member, furthest, member === source);
    }
  }

  #gather(member: MemberId, round: number, weights: boolean): void {
    this.#awaited.add(member);
    this.#out.push({ kind: "gather", member, generation: this.#generation, round, weights });
  }

  #form(): void {
    const round = this.#heldRound;
    this.#enter({ name: "forming", round, checksums: new Map() }, this.#limits.transferMs);
    for (const member of this.#members) {
      const keepsWeights = !this.#distrust && this.#positions.get(member)?.round === round;
      this.#awaited.add(member);
      this.#out.push({
        kind: "form",
        member,
        generation: this.#generation,
        round,
        members: this.#members,
        keepsWeights,
      });
    }
  }

  #formed(round: number): void {
    this.#distrust = false;
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

  #proceed(to: "round" | "gather", round: number): void {
    if (to === "gather" && round === this.#heldRound) {
      // The held state is already this round's.
      this.#out.push({ kind: "assembled", round }, { kind: "boundary", round });
    } else if (to === "gather") {
      this.#enter({ name: "gathering", round, afterwards: "boundary" }, this.#limits.transferMs);
      this.#members.forEach((member, place) => {
        this.#gather(member, round, place === 0);
      });
    } else {
      const cold = this.#members.some((member) => !this.#warm.has(member));
      const usualMs = this.#usualRoundMs;
      const limitMs =
        cold || usualMs === undefined
          ? this.#limits.firstRoundMs
          : Math.max(this.#limits.roundMs, 5 * usualMs);
      this.#enter(
        { name: "running", round, startedMs: this.#nowMs, computed: new Set(), checksums: new Map() },
        limitMs,
      );
      this.#awaited = new Set(this.#members);
      this.#out.push({ kind: "run", generation: this.#generation, round, members: this.#members });
    }
  }

  #committed(round: number, roundMs: number): void {
    const usualMs = this.#usualRoundMs ?? roundMs;
    this.#usualRoundMs = 0.8 * usualMs + 0.2 * roundMs;
    this.#strikes.clear();
    for (const member of this.#members) this.#warm.add(member);
    this.#out.push({ kind: "committed", round, roundMs });
    this.#boundary(round);
  }

  /** Weights that should be the same bit for bit are not: all go back to the state that the trainer holds. */
  #disagreement(where: string): void {
    if (this.#distrust) {
      this.#out.push({ kind: "fail", reason: `members hold different weights after ${where}, twice` });
      return;
    }
    this.#distrust = true;
    const text = `members hold different weights after ${where}: all go back to round ${this.#heldRound}`;
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

function agree(checksums: ReadonlyMap<MemberId, number>): boolean {
  return new Set(checksums.values()).size <= 1;
}
