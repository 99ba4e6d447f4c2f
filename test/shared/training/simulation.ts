import { Random } from "../../../shared/base/random.ts";
import type { WireFormat } from "../../../shared/numeric/wire-format.ts";
import { assignChunks, type ChunkRange } from "../../../shared/training/assignment.ts";
import { Membership } from "../../../shared/training/membership.ts";
import type {
  MemberId,
  MembershipAction,
  MembershipEvent,
} from "../../../shared/training/membership-words.ts";
import type { RingPiece } from "../../../shared/training/ring-round.ts";
import { strike } from "./simulated-faults.ts";
import { ToyHeld } from "./simulated-held.ts";
import { GivingState } from "./simulated-state.ts";
import {
  hearing,
  leaveRing,
  newWorker,
  ringRound,
  type SimulatedWorker,
  silentUntilMs,
} from "./simulated-worker.ts";
import type { RoundKinds, Schedule, SimulationResult } from "./simulation-words.ts";
import { CHUNKS } from "./toy.ts";
import { VirtualNetwork } from "./virtual-network.ts";

const LIMITS = { answerMs: 400, transferMs: 800, firstRoundMs: 3000, roundMs: 300, benchMs: 2000 };
type Run = Extract<MembershipAction, { kind: "run" }>;
type Form = Extract<MembershipAction, { kind: "form" }>;

/**
 * Plays one training with the real membership, replica and ring logic over a simulated network: every message takes
 * a random time, links are in order, and faults strike at random moments. Time is virtual.
 *
 * Throws when two workers of one generation complete a round with different weights, when a completed round is
 * thrown away that a member still holds, or when the training does not end.
 */
export class Simulation {
  readonly #random: Random;
  readonly #roundsWanted: number;
  #membership: Membership;
  readonly #net: VirtualNetwork;
  readonly #giving: GivingState;
  readonly #workers = new Map<MemberId, SimulatedWorker>();
  #born = 0;
  readonly #held = new ToyHeld();
  /** Steps of the rounds that were committed, and of the last that was begun. */
  #round = 0;
  #steps = 1;
  #repeated = 0;
  #longRounds = 0;
  #setAside = 0;
  #sentByTrainer = 0;
  #finished = false;
  readonly #completed = new Map<string, string>();
  readonly #kinds: Required<RoundKinds>;
  readonly #wire: Random;

  constructor(seed: number, rounds: number, { formats = ["float32"], steps = [1] }: RoundKinds = {}) {
    this.#kinds = { formats, steps };
    this.#wire = new Random("wire", seed);
    this.#random = new Random("membership", seed);
    this.#roundsWanted = rounds;
    this.#membership = new Membership(this.#held.milestone, LIMITS);
    this.#net = new VirtualNetwork(this.#random);
    this.#giving = new GivingState({
      random: this.#random,
      worker: (id) => this.#workers.get(id),
      link: (from, to, run) => this.#link(from, to, run),
      onWorker: (worker, afterMs, run) => this.#onWorker(worker, afterMs, run),
      kill: (worker) => this.#kill(worker),
      placed: (worker, form) => this.#placed(worker, form),
      ungiven: (worker, { generation }) =>
        this.#toTrainer(worker, { kind: "ungiven", member: worker.id, generation }),
    });
  }

  run({ workers, faults, joins = [] }: Schedule): SimulationResult {
    for (let i = 0; i < workers; i++) this.#at(this.#random.between(0, 50), () => this.#spawn());
    for (let i = 0; i < faults; i++) this.#at(this.#random.between(20, 400 * faults), () => this.#fault());
    for (const fault of joins) {
      this.#at(this.#random.between(100, 900), () => {
        if (fault !== "none") this.#giving.arm(fault);
        this.#spawn();
      });
    }
    this.#at(0, () => this.#tick());
    let steps = 0;
    while (!this.#finished) {
      if (++steps > 400_000 || !this.#net.step()) {
        throw new Error(`stuck at round ${this.#round} in ${this.#membership.phase} after ${steps} steps`);
      }
    }
    return {
      rounds: this.#round,
      generations: this.#membership.generation,
      repeated: this.#repeated,
      longRounds: this.#longRounds,
      setAside: this.#setAside,
      giving: this.#giving.counts,
      sentByTrainer: this.#sentByTrainer,
      virtualMs: this.#net.nowMs,
      weights: this.#held.state!.weights,
    };
  }

  // Trainer

  #tell(event: MembershipEvent): void {
    for (const action of this.#membership.handle(event, this.#net.nowMs)) this.#act(action);
  }

  #tick(): void {
    for (const worker of this.#workers.values()) this.#listen(worker);
    this.#tell({ kind: "tick" });
    this.#at(50, () => this.#tick());
  }

  /** What the trainer makes of a link that brings nothing. */
  #listen(worker: SimulatedWorker): void {
    const news = hearing(worker, this.#net.nowMs);
    if (news !== undefined) this.#tell({ kind: news, member: worker.id });
    if (news === "leave") this.#end(worker.id);
  }

  /**
   * The trainer is started again, with what it held. Its workers keep their weights, and come back in any order.
   */
  #restart(): void {
    const before = this.#membership.generation;
    this.#membership = new Membership(this.#held.milestone, LIMITS, before + 1000);
    this.#round = this.#held.round;
    this.#held.dropGathered();
    for (const worker of this.#workers.values()) {
      if (!worker.alive) continue;
      leaveRing(worker);
      worker.generation = -1;
      worker.isQuiet = false;
      const again = (): void => this.#toTrainer(worker, { kind: "join", member: worker.id });
      this.#net.onNode(worker, this.#random.between(20, 400), again);
    }
  }

  #act(action: MembershipAction): void {
    switch (action.kind) {
      case "ask":
        this.#toWorker(action.member, (worker) => this.#asked(worker, action.generation));
        break;
      case "gather":
        this.#held.gather();
        this.#toWorker(action.member, (worker) => this.#handOver(worker, action));
        break;
      case "assembled":
        this.#held.assembled(action.round);
        break;
      case "form": {
        this.#held.dropGathered();
        this.#mayGoBack(action);
        const held = this.#held.state;
        if (this.#held.isSent(action)) this.#sentByTrainer++;
        this.#toWorker(action.member, (worker) => {
          if (worker.generation === action.generation) this.#giving.place(worker, action, held);
        });
        break;
      }
      case "run": {
        const { round, steps } = action;
        this.#steps = steps;
        const format = this.#wire.pick(this.#kinds.formats);
        const ranges = assignChunks(
          round * CHUNKS,
          steps * CHUNKS,
          action.members.map(() => 1),
        );
        action.members.forEach((member, i) => {
          this.#toWorker(member, (worker) => this.#compute(worker, action, format, ranges[i]!));
        });
        break;
      }
      case "committed":
        if (action.round !== this.#round + this.#steps)
          throw new Error(`committed ${action.round} after ${this.#round}`);
        this.#round = action.round;
        if (this.#steps > 1) this.#longRounds++;
        break;
      case "boundary":
        this.#boundary(action.round);
        break;
      case "drop":
        this.#end(action.member);
        break;
      case "setAside":
        this.#setAside++;
        break;
      case "note":
        // A position says which weights it is of: nobody keeps others than the rest.
        if (action.text.includes("different weights")) throw new Error(action.text);
        break;
      case "fail":
        throw new Error(action.reason);
    }
  }

  /** Going back is right only when every member that completed the rounds after is gone. */
  #mayGoBack({ round, members }: Form): void {
    for (const member of members) {
      const at = this.#workers.get(member)?.holdings.latest?.round ?? 0;
      if (at > round) throw new Error(`${member} is at round ${at} and all go back to ${round}`);
    }
    if (round < this.#round) this.#repeated += this.#round - round;
    this.#round = round;
  }

  #boundary(round: number): void {
    if (round >= this.#roundsWanted && this.#held.round === round) {
      this.#finished = true;
      return;
    }
    const gather = round >= this.#roundsWanted || (round > this.#held.round && this.#random.chance(0.2));
    const expectedMs = this.#random.chance(0.8) ? 120 : undefined;
    const to = gather ? "gather" : "round";
    const steps = this.#wire.pick(this.#kinds.steps);
    this.#at(this.#random.between(0, 5), () => this.#tell({ kind: "proceed", to, steps, expectedMs }));
  }

  // Workers

  #spawn(): void {
    const worker = newWorker(`w${++this.#born}`);
    this.#workers.set(worker.id, worker);
    this.#toTrainer(worker, { kind: "join", member: worker.id });
  }

  #asked(worker: SimulatedWorker, generation: number): void {
    worker.generation = generation;
    leaveRing(worker);
    this.#toTrainer(worker, {
      kind: "position",
      member: worker.id,
      generation,
      position: worker.holdings.offer(),
    });
  }

  #handOver(worker: SimulatedWorker, action: Extract<MembershipAction, { kind: "gather" }>): void {
    if (worker.generation !== action.generation) return;
    const latest = worker.holdings.latest!;
    if (action.weights && latest.round !== action.round) throw new Error("it has no such weights");
    const weights = action.weights ? latest.weights.slice() : undefined;
    const parts = worker.holdings.handedOver(action.round, worker.ring.length > 0);
    this.#link(worker, "trainer", () => {
      if (this.#membership.generation !== action.generation || !this.#held.take(parts, weights)) return;
      this.#tell({ kind: "progress", member: worker.id });
      this.#tell({ kind: "gathered", member: worker.id, generation: action.generation });
    });
  }

  #placed(worker: SimulatedWorker, { generation, members }: Form): void {
    worker.ring = members;
    const suspect = members.find((other) => this.#net.isCut(worker.id, other));
    if (suspect !== undefined) {
      this.#toTrainer(worker, { kind: "failed", member: worker.id, generation, suspect });
    } else {
      const { checksum } = worker.holdings.latest!;
      this.#toTrainer(worker, { kind: "formed", member: worker.id, generation, checksum });
    }
  }

  #compute(worker: SimulatedWorker, run: Run, format: WireFormat, range: ChunkRange): void {
    const { generation, round, steps } = run;
    if (worker.generation !== generation) return;
    worker.holdings.roundBegins();
    const next = worker.ring[(worker.ring.indexOf(worker.id) + 1) % worker.ring.length]!;
    const ring = ringRound(worker, { range, steps, format }, (piece) => {
      this.#link(worker, next, () => this.#received(this.#workers.get(next)!, generation, round, piece));
    });
    const running = { round, ring, ready: false };
    worker.running = running;
    this.#onWorker(worker, this.#random.between(5, 40) * range.count, () => {
      if (worker.running !== running) return;
      running.ready = true;
      this.#toTrainer(worker, { kind: "computed", member: worker.id, generation });
      ring.start();
      for (const { round: of, piece } of worker.early.splice(0)) {
        if (of !== round) throw new Error(`a piece of round ${of} in round ${round}`);
        ring.receive(piece);
      }
      this.#check(worker, generation);
    });
  }

  #received(worker: SimulatedWorker, generation: number, round: number, piece: RingPiece): void {
    if (worker.generation !== generation) return;
    const running = worker.running;
    if (running?.ready === true && running.round === round) {
      running.ring.receive(piece);
      this.#check(worker, generation);
    } else {
      worker.early.push({ round, piece });
    }
  }

  #check(worker: SimulatedWorker, generation: number): void {
    const running = worker.running;
    if (running === undefined || !running.ring.complete) return;
    worker.running = undefined;
    const replica = worker.holdings.latest!;
    replica.complete();
    const { round } = replica;
    const seen = `${generation}/${round}`;
    const weights = replica.weights.join();
    if ((this.#completed.get(seen) ?? weights) !== weights) throw new Error(`two weights for ${seen}`);
    this.#completed.set(seen, weights);
    this.#toTrainer(worker, {
      kind: "done",
      member: worker.id,
      generation,
      round,
      checksum: replica.checksum,
    });
  }

  // Faults

  #fault(): void {
    strike({
      random: this.#random,
      net: this.#net,
      alive: [...this.#workers.values()].filter((worker) => worker.alive),
      spawn: () => this.#spawn(),
      kill: (worker) => this.#kill(worker),
      restart: () => this.#restart(),
      armGiving: (fault) => this.#giving.arm(fault),
    });
  }

  /** kill -9: its neighbours and the trainer notice a little later, in any order. */
  #kill(victim: SimulatedWorker): void {
    victim.alive = false;
    for (const worker of this.#workers.values()) {
      if (!worker.alive || !worker.ring.includes(victim.id)) continue;
      const { generation } = worker;
      this.#onWorker(worker, this.#random.between(0, 30), () => {
        if (worker.generation !== generation) return;
        this.#toTrainer(worker, { kind: "failed", member: worker.id, generation, suspect: victim.id });
      });
    }
    this.#at(this.#random.between(0, 30), () => this.#tell({ kind: "leave", member: victim.id }));
    // Nobody at all would wait for ever, rightly; that is not what is played here.
    if (![...this.#workers.values()].some((worker) => worker.alive)) this.#at(500, () => this.#spawn());
  }

  /** The trainer closes the link; a worker that lives begins again with a new link, as a newcomer. */
  #end(member: MemberId): void {
    const worker = this.#workers.get(member);
    if (worker?.alive !== true) return;
    worker.alive = false;
    const backMs = Math.max(0, silentUntilMs(worker) - this.#net.nowMs) + 100;
    this.#at(backMs, () => this.#spawn());
  }

  // The network

  #toWorker(member: MemberId, run: (worker: SimulatedWorker) => void): void {
    const worker = this.#workers.get(member);
    if (worker === undefined) return;
    const trainer = this.#membership;
    // What an earlier trainer said went down with its links.
    const heard = (): void => {
      if (this.#membership === trainer) run(worker);
    };
    const { unpluggedUntilMs } = worker;
    this.#net.deliver(`trainer>${member}`, () => this.#onWorker(worker, 0, heard), unpluggedUntilMs);
  }

  #toTrainer(worker: SimulatedWorker, event: MembershipEvent): void {
    this.#link(worker, "trainer", () => this.#tell(event));
  }

  #link(from: SimulatedWorker, to: MemberId | "trainer", run: () => void): void {
    if (!from.alive || (to !== "trainer" && this.#net.isCut(from.id, to))) return;
    const trainer = this.#membership;
    const deliver = (): void => {
      if (to === "trainer") {
        if (this.#membership === trainer) run();
        return;
      }
      const worker = this.#workers.get(to);
      if (worker !== undefined) this.#onWorker(worker, 0, run);
    };
    this.#net.deliver(`${from.id}>${to}`, deliver, to === "trainer" ? from.unpluggedUntilMs : 0);
  }

  #onWorker(worker: SimulatedWorker, afterMs: number, run: () => void): void {
    this.#net.onNode(worker, afterMs, run);
  }

  #at(afterMs: number, run: () => void): void {
    this.#net.at(afterMs, run);
  }
}
