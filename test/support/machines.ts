import type { Address } from "../../shared/net/connection.ts";
import { Wire, type WireQuality } from "./relay.ts";

/**
 * Where a worker runs, as seen by the wires. All that it says passes a wire at its `gate`, the address at which it
 * knows the trainer and all others: whoever is told a loopback address uses the host that it was told by.
 */
export interface Machine {
  /** Where its wires are, as it sees them. */
  readonly gate: string;
  /** Where it is reached from the wires. */
  readonly host: string;
  /** What a command must begin with to run there. */
  readonly prefix: readonly string[];
}

/** A machine on loopback: a process of this machine with an address of its own for its wires. */
export function loopbackMachine(index: number): Machine {
  return { gate: `127.1.${index >> 8}.${1 + (index & 255)}`, host: "127.0.0.1", prefix: [] };
}

interface Plugged {
  readonly machine: Machine;
  readonly port: number;
  readonly toTrainer: Wire;
  /** To the listening port of each other worker, by its name. */
  readonly toPeers: Map<string, Wire>;
}

/** The wires between workers on machines of a test: one for each pair and direction, one to the trainer. */
export class Wires implements Disposable {
  readonly #trainer: Address;
  readonly #quality: WireQuality;
  readonly #gates = new Map<string, { machine: Machine; toTrainer: Wire }>();
  readonly #plugged = new Map<string, Plugged>();
  #seed: number;

  constructor(trainer: Address, quality: WireQuality = {}, seed = 1) {
    this.#trainer = trainer;
    this.#quality = quality;
    this.#seed = seed * 1000;
  }

  /** Where a worker on this machine finds the trainer. */
  async gate(name: string, machine: Machine): Promise<Address> {
    const at = { host: machine.gate, port: this.#trainer.port };
    const toTrainer = await Wire.open(at, this.#trainer, this.#quality, this.#seed++);
    this.#gates.set(name, { machine, toTrainer });
    return at;
  }

  /** Links a worker whose listening port is known now with all others. */
  async plug(name: string, port: number): Promise<void> {
    const { machine, toTrainer } = this.#gates.get(name)!;
    const own: Plugged = { machine, port, toTrainer, toPeers: new Map() };
    for (const [otherName, other] of this.#plugged) {
      own.toPeers.set(otherName, await this.#open(machine.gate, other));
      other.toPeers.set(name, await this.#open(other.machine.gate, own));
    }
    this.#plugged.set(name, own);
  }

  /** The worker is gone for good. */
  unplug(name: string): void {
    this.#gates.get(name)?.toTrainer[Symbol.dispose]();
    this.#gates.delete(name);
    for (const wire of this.#plugged.get(name)?.toPeers.values() ?? []) wire[Symbol.dispose]();
    this.#plugged.delete(name);
    for (const { toPeers } of this.#plugged.values()) {
      toPeers.get(name)?.[Symbol.dispose]();
      toPeers.delete(name);
    }
  }

  /** Nothing passes between two workers, either way, and neither is told. */
  part(a: string, b: string, silent: boolean): void {
    for (const wire of [this.#wire(a, b), this.#wire(b, a)]) if (wire !== undefined) wire.silent = silent;
  }

  /** Nothing passes between a worker and anybody, and nobody is told: its cable is out. */
  isolate(name: string, silent: boolean): void {
    const gate = this.#gates.get(name);
    if (gate !== undefined) gate.toTrainer.silent = silent;
    for (const other of this.#plugged.keys()) if (other !== name) this.part(name, other, silent);
  }

  /** Breaks the connections between two workers; new ones can be made. */
  cut(a: string, b: string): void {
    this.#wire(a, b)?.cut();
    this.#wire(b, a)?.cut();
  }

  /** Calls `ring` once when so many bytes more have passed on the links that `from` makes to `to`. */
  afterBytes(from: string, to: string, bytes: number, ring: () => void): void {
    this.#wire(from, to)!.afterBytes(bytes, ring);
  }

  /** Bytes that the trainer has sent to the workers that are here. */
  get trainerBytes(): number {
    let bytes = 0;
    for (const { toTrainer } of this.#gates.values()) bytes += toTrainer.answeredBytes;
    return bytes;
  }

  /** Bytes that workers have sent each other, both ways of every link. */
  get peerBytes(): number {
    let bytes = 0;
    for (const { toPeers } of this.#plugged.values()) {
      for (const wire of toPeers.values()) bytes += wire.passedBytes;
    }
    return bytes;
  }

  [Symbol.dispose](): void {
    for (const name of [...this.#gates.keys()]) this.unplug(name);
  }

  #wire(from: string, to: string): Wire | undefined {
    return this.#plugged.get(from)?.toPeers.get(to);
  }

  #open(gate: string, { machine, port }: Plugged): Promise<Wire> {
    const seed = this.#seed++;
    return Wire.open({ host: gate, port }, { host: machine.host, port }, this.#quality, seed);
  }
}
