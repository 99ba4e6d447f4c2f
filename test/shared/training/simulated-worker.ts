import type { WireFormat } from "../../../shared/numeric/wire-format.ts";
import type { ChunkRange } from "../../../shared/training/assignment.ts";
import { Holdings } from "../../../shared/training/holdings.ts";
import type { MemberId } from "../../../shared/training/membership-words.ts";
import { becomeMove, ownSteps } from "../../../shared/training/own-steps.ts";
import type { OwnRule } from "../../../shared/training/replica.ts";
import { type RingPiece, RingRound } from "../../../shared/training/ring-round.ts";
import { CHUNKS, TOTAL, toyGradient, toyOwnRule } from "./toy.ts";
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
  readonly holdings: Holdings;
  /** What it steps with by itself, from the first round of more than one step. */
  own: OwnRule | undefined;
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
    holdings: new Holdings(),
    own: undefined,
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

/** A whole state, as the trainer holds it. */
export interface ToyState {
  readonly weights: Float32Array;
  readonly velocity: Float32Array;
}

/** Its part in a round: what it computes from its chunks, and how its slice moves. */
export function ringRound(
  worker: SimulatedWorker,
  { range, steps, format }: { range: ChunkRange; steps: number; format: WireFormat },
  send: (piece: RingPiece) => void,
): RingRound {
  const replica = worker.holdings.latest!;
  const sum = summandOf(worker, range, steps);
  const { own } = worker;
  return new RingRound({
    count: worker.ring.length,
    self: worker.ring.indexOf(worker.id),
    sum,
    weights: replica.weights,
    next: replica.next,
    pieceFloats: 3,
    format,
    unsaid: format === "float32" ? undefined : replica.unsaid(steps === 1 ? "gradient" : "move"),
    update(total) {
      if (steps === 1) replica.update(total, 0, format);
      else replica.merge(total, steps, own, format);
    },
    send: ({ bytes, ...rest }) => send({ ...rest, bytes: bytes.slice() }),
  });
}

/** What it adds in the ring for its chunks of a round of so many steps. */
function summandOf(worker: SimulatedWorker, range: ChunkRange, steps: number): Float32Array {
  const { weights, round } = worker.holdings.latest!;
  if (steps === 1) {
    worker.own = undefined;
    return gradientSum(weights, range);
  }
  worker.own ??= toyOwnRule();
  const own = weights.slice();
  for (const { chunks, after } of ownSteps(range, steps)) {
    const mean = gradientSum(own, chunks).map((slope) => (slope * CHUNKS) / chunks.count);
    worker.own.step(own, mean, round + after, 0);
  }
  becomeMove(own, weights, range.count / (steps * CHUNKS));
  return own;
}

function gradientSum(weights: Float32Array, { first, count }: ChunkRange): Float32Array {
  const sum = new Float32Array(TOTAL);
  for (let chunk = first; chunk < first + count; chunk++) toyGradient(weights, chunk, sum);
  return sum;
}
