import type { MemberId } from "../../../shared/training/membership-words.ts";
import type { Replica } from "../../../shared/training/replica.ts";
import type { RingPiece, RingRound } from "../../../shared/training/ring-round.ts";
import type { VirtualNode } from "./virtual-network.ts";

/** What silence means to the trainer: first a suspicion, then the end of the link. */
const QUIET_MS = 150;
const GONE_MS = 2500;

export interface SimulatedWorker extends VirtualNode {
  readonly id: MemberId;
  /** When it became silent; `Infinity` while it can be heard. */
  silentSinceMs: number;
  isQuiet: boolean;
  generation: number;
  ring: readonly MemberId[];
  replica: Replica | undefined;
  running: { round: number; ring: RingRound; ready: boolean } | undefined;
  /** Pieces for a round that has not started here yet. */
  early: { round: number; piece: RingPiece }[];
}

export function newWorker(id: MemberId): SimulatedWorker {
  return {
    id,
    alive: true,
    frozenUntilMs: 0,
    unpluggedUntilMs: 0,
    silentSinceMs: Number.POSITIVE_INFINITY,
    isQuiet: false,
    generation: -1,
    ring: [],
    replica: undefined,
    running: undefined,
    early: [],
  };
}

export function leaveRing(worker: SimulatedWorker): void {
  worker.ring = [];
  worker.running = undefined;
  worker.early = [];
}

export function silentUntilMs({ frozenUntilMs, unpluggedUntilMs }: SimulatedWorker): number {
  return Math.max(frozenUntilMs, unpluggedUntilMs);
}

/** What the trainer makes of a worker's link now, where that is news. */
export function hearing(worker: SimulatedWorker, nowMs: number): "leave" | "quiet" | "heard" | undefined {
  if (!worker.alive) return undefined;
  const isSilent = silentUntilMs(worker) > nowMs;
  worker.silentSinceMs = isSilent ? Math.min(worker.silentSinceMs, nowMs) : Number.POSITIVE_INFINITY;
  const silentMs = nowMs - worker.silentSinceMs;
  if (silentMs > GONE_MS) return "leave";
  if (silentMs > QUIET_MS === worker.isQuiet) return undefined;
  worker.isQuiet = !worker.isQuiet;
  return worker.isQuiet ? "quiet" : "heard";
}
