import type { WorkerStatus } from "../wire/messages/job-status.ts";

/** Slower than this share of the fastest machine is slow. */
const SLOW_SHARE = 0.7;
/** A machine whose network time is so much less than another's is the one that the other waits for. */
const AWAITED_GAP = 0.15;
/** From this part of a round on, the network is what takes the time. */
const NETWORK_SHARE = 0.3;

/**
 * Why a machine gives less than others, or nothing:
 * `joining`, `silent`, `left-out` it has no part now; `slow` it computes at `percent` of the fastest one's speed;
 * `awaited` the others wait for it; `network` sending takes `percent` of its time; `fine` none of these.
 */
export interface Standing {
  readonly kind: "fine" | "joining" | "silent" | "left-out" | "slow" | "awaited" | "network";
  readonly percent: number;
}

/** How each of a job's machines stands, in their order. */
export function standings(workers: readonly WorkerStatus[]): Standing[] {
  const active = workers.filter(({ state }) => state === "training");
  const fastest = Math.max(0, ...active.map(({ imagesPerSecond }) => imagesPerSecond));
  const networkShares = active.map(({ networkShare }) => networkShare);
  // What everybody waits is the network's; what some wait more, they wait for others.
  const least = Math.min(1, ...networkShares);
  const most = Math.max(0, ...networkShares);
  return workers.map(({ state, imagesPerSecond, networkShare }): Standing => {
    if (state !== "training") return { kind: state, percent: 0 };
    if (active.length < 2) return { kind: "fine", percent: 0 };
    const speed = fastest > 0 ? imagesPerSecond / fastest : 1;
    if (imagesPerSecond > 0 && speed < SLOW_SHARE) return { kind: "slow", percent: Math.round(100 * speed) };
    if (most - networkShare >= AWAITED_GAP) return { kind: "awaited", percent: 0 };
    if (least >= NETWORK_SHARE) return { kind: "network", percent: Math.round(100 * networkShare) };
    return { kind: "fine", percent: 0 };
  });
}
