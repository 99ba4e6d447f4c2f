import type { Random } from "../../../shared/base/random.ts";
import type { MemberId, MembershipAction } from "../../../shared/training/membership-words.ts";
import { Replica } from "../../../shared/training/replica.ts";
import { checksumOf, type Slice, sliceOf } from "../../../shared/training/slices.ts";
import { sourcesOf } from "../../../shared/training/sources.ts";
import type { SimulatedWorker, ToyState } from "./simulated-worker.ts";
import { TOTAL, toyRule } from "./toy.ts";

/** Numbers in a piece: few, so that much can happen in the middle. */
const PIECE = 6;
/** A member waits so long for state from others. */
const STATE_MS = 300;

/** What may go wrong with the next state that a member gives. */
export const GIVING_FAULTS = ["dies", "stalls", "refuses", "lies"] as const;
export type GivingFault = (typeof GIVING_FAULTS)[number];

export interface GivingCounts {
  /** Places for which other members gave all that was lacking. */
  given: number;
  /** Places for which they did not. */
  ungiven: number;
  /** Faults that struck somebody who gave. */
  struck: number;
}

type Form = Extract<MembershipAction, { kind: "form" }>;

/** The simulated world as far as giving state needs it. */
export interface GivingWorld {
  readonly random: Random;
  worker(id: MemberId): SimulatedWorker | undefined;
  /** From one member to another, in order; nothing arrives where nobody can be reached. */
  link(from: SimulatedWorker, to: MemberId, run: () => void): void;
  onWorker(worker: SimulatedWorker, afterMs: number, run: () => void): void;
  /** kill -9, in the middle of giving. */
  kill(worker: SimulatedWorker): void;
  /** It has all that it goes on from. */
  placed(worker: SimulatedWorker, form: Form): void;
  ungiven(worker: SimulatedWorker, form: Form): void;
}

interface Want {
  readonly giver: MemberId;
  readonly what: "weights" | "optimizer";
  readonly part: Slice;
  readonly into: Float32Array;
}

/** Members put together what they go on from in a new ring, piece by piece from each other. */
export class GivingState {
  readonly #world: GivingWorld;
  #armed: GivingFault | undefined;
  readonly counts: GivingCounts = { given: 0, ungiven: 0, struck: 0 };

  constructor(world: GivingWorld) {
    this.#world = world;
  }

  /** This befalls whoever gives state next. */
  arm(fault: GivingFault): void {
    this.#armed = fault;
  }

  /** A worker learns its place. @param held what the trainer sends of */
  place(worker: SimulatedWorker, form: Form, held: ToyState | undefined): void {
    const { round, members, keepsWeights, generation } = form;
    const sources = sourcesOf(form, TOTAL);
    const self = members.indexOf(worker.id);
    const slice = sliceOf(TOTAL, members.length, self);
    const own = keepsWeights ? worker.holdings.latest?.weights : undefined;
    const weights = own ?? (sources.weights === undefined ? held?.weights.slice() : undefined);
    const room = weights ?? new Float32Array(TOTAL);
    const velocity = held?.velocity.slice(slice.from, slice.to) ?? new Float32Array(slice.to - slice.from);
    const wants: Want[] = [];
    if (sources.weights !== undefined) {
      wants.push({ giver: sources.weights, what: "weights", part: { from: 0, to: TOTAL }, into: room });
    }
    for (const { member, from, to } of sources.parts) {
      const into = velocity.subarray(from - slice.from, to - slice.from);
      if (member === worker.id) into.set(worker.holdings.stateOf(round, { from, to })[0]!);
      else wants.push({ giver: member, what: "optimizer", part: { from, to }, into });
    }
    let lacking = wants.length;
    let isOver = false;
    const end = (isGiven: boolean): void => {
      if (isOver || worker.generation !== generation) return;
      isOver = true;
      if (!isGiven || (form.checksum !== undefined && checksumOf(room) !== form.checksum)) {
        this.counts.ungiven++;
        this.#world.ungiven(worker, form);
        return;
      }
      if (wants.length > 0) this.counts.given++;
      const rule = toyRule(slice.to - slice.from, slice.from, [velocity]);
      worker.holdings.replace(new Replica({ weights: room, round, rule, members: members.length, self }));
      this.#world.placed(worker, form);
    };
    if (lacking === 0) {
      end(true);
      return;
    }
    this.#world.onWorker(worker, STATE_MS, () => end(false));
    for (const want of wants) {
      const giver = this.#world.worker(want.giver)!;
      const arrived = (isGiven: boolean): void => {
        if (!isGiven || --lacking === 0) end(isGiven);
      };
      this.#world.link(worker, giver.id, () => this.#give(giver, worker, form, want, arrived));
    }
  }

  /** @param arrived told at the other end: the last piece is there, or will not come */
  #give(
    giver: SimulatedWorker,
    taker: SimulatedWorker,
    { generation, round }: Form,
    { what, part, into }: Want,
    arrived: (isGiven: boolean) => void,
  ): void {
    const fault = this.#armed;
    this.#armed = undefined;
    if (fault !== undefined) this.counts.struck++;
    const { holdings } = giver;
    const { offered } = holdings;
    if (fault === "refuses" || giver.generation !== generation) {
      this.#world.link(giver, taker.id, () => arrived(false));
      return;
    }
    const values = what === "weights" ? holdings.weightsOf(round) : holdings.stateOf(round, part)[0]!;
    const next = (at: number): void => {
      if (giver.generation !== generation || holdings.offered !== offered) return;
      if (at >= into.length) {
        this.#world.link(giver, taker.id, () => arrived(true));
        return;
      }
      if (fault !== undefined && fault !== "lies" && 2 * at >= into.length) {
        if (fault === "dies") {
          this.#world.kill(giver);
          this.#world.onWorker(taker, this.#world.random.between(0, 30), () => arrived(false));
        }
        return;
      }
      const piece = values.slice(at, at + PIECE);
      if (fault === "lies" && what === "weights") piece[0] = piece[0]! + 1;
      this.#world.link(giver, taker.id, () => into.set(piece.subarray(0, into.length - at), at));
      this.#world.onWorker(giver, this.#world.random.between(0, 5), () => next(at + PIECE));
    };
    next(0);
  }
}
