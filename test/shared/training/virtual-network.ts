import type { Random } from "../../../shared/base/random.ts";

/** An end of the simulated network. */
export interface VirtualNode {
  readonly id: string;
  alive: boolean;
  frozenUntilMs: number;
  /** Nothing passes between it and the trainer until then; what was sent arrives afterwards, as TCP has it. */
  unpluggedUntilMs: number;
}

/** Virtual time, and links that take a random time and keep their order. */
export class VirtualNetwork {
  readonly #random: Random;
  readonly #events: { atMs: number; order: number; run: () => void }[] = [];
  /** When the last message on a link arrives: later ones must not overtake it. */
  readonly #linkBusyMs = new Map<string, number>();
  /** Pairs that cannot reach each other, until a time. */
  readonly #cuts = new Map<string, number>();
  #nowMs = 0;
  #order = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Runs what is due next; false when nothing is. */
  step(): boolean {
    let event = this.#events[0];
    if (event === undefined) return false;
    let first = 0;
    for (let i = 1; i < this.#events.length; i++) {
      const other = this.#events[i]!;
      if (other.atMs < event.atMs || (other.atMs === event.atMs && other.order < event.order)) {
        event = other;
        first = i;
      }
    }
    this.#events[first] = this.#events.at(-1)!;
    this.#events.pop();
    this.#nowMs = event.atMs;
    event.run();
    return true;
  }

  at(afterMs: number, run: () => void): void {
    this.#events.push({ atMs: this.#nowMs + afterMs, order: this.#order++, run });
  }

  cut(a: string, b: string, forMs: number): void {
    this.#cuts.set(pair(a, b), this.#nowMs + forMs);
  }

  isCut(a: string, b: string): boolean {
    return a !== b && (this.#cuts.get(pair(a, b)) ?? 0) > this.#nowMs;
  }

  /** @param link its two ends in order; messages of one link do not overtake each other */
  deliver(link: string, run: () => void, notBeforeMs = 0): void {
    const soonestMs = Math.max(notBeforeMs, this.#nowMs + this.#random.between(0.1, 8));
    const arrivesMs = Math.max(soonestMs, this.#linkBusyMs.get(link) ?? 0);
    this.#linkBusyMs.set(link, arrivesMs);
    this.at(arrivesMs - this.#nowMs, run);
  }

  /** Runs on a node: not when it is dead, and when it is frozen, once it has thawed. */
  onNode(node: VirtualNode, afterMs: number, run: () => void): void {
    this.at(afterMs, () => {
      if (!node.alive) return;
      const thawMs = node.frozenUntilMs - this.#nowMs;
      if (thawMs > 0) this.onNode(node, thawMs, run);
      else run();
    });
  }
}

function pair(a: string, b: string): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`;
}
