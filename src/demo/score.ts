import type { Sighting } from "../../shared/store/sighting.ts";

/** What really came by, as a scene knows it. */
export interface TrueVisit {
  readonly camera: string;
  readonly className: string;
  /** Wall time, ms since 1970. */
  readonly enterMs: number;
  readonly leaveMs: number;
}

export interface Score {
  /** Visits that had to be recorded. */
  readonly truths: number;
  readonly sightings: number;
  /** Sightings of something that was there, each visit counted once. */
  readonly right: number;
  readonly precision: number;
  readonly recall: number;
  readonly classesSeen: readonly string[];
  readonly missed: readonly TrueVisit[];
  readonly wrong: readonly Sighting[];
}

/** A sighting may begin and end so much beside the visit that it stands for. */
const TIME_SLACK_MS = 1000;

/**
 * Holds sightings against the truth: a sighting is right when a visit of its class to its camera was going on, and no
 * other sighting stands for that visit already. So a doubled record counts as wrong.
 *
 * @param expected the visits that had to be recorded, of which recall is the share; all when absent. An early model
 *                 may record others.
 */
export function scoreSightings(
  truths: readonly TrueVisit[],
  sightings: readonly Sighting[],
  expected: readonly TrueVisit[] = truths,
): Score {
  const taken = new Set<TrueVisit>();
  const wrong: Sighting[] = [];
  for (const sighting of sightings) {
    const match = truths
      .filter((truth) => !taken.has(truth) && truth.camera === sighting.camera)
      .filter((truth) => truth.className === sighting.className)
      .map((truth) => ({ truth, shared: sharedMs(truth, sighting) }))
      .sort((a, b) => b.shared - a.shared)[0];
    if (match === undefined || match.shared < 0) wrong.push(sighting);
    else taken.add(match.truth);
  }
  const missed = expected.filter((truth) => !taken.has(truth));
  return {
    truths: expected.length,
    sightings: sightings.length,
    right: taken.size,
    precision: sightings.length === 0 ? 0 : taken.size / sightings.length,
    recall: expected.length === 0 ? 0 : 1 - missed.length / expected.length,
    classesSeen: [...new Set([...taken].map(({ className }) => className))].sort(),
    missed,
    wrong,
  };
}

/** How long a visit and a sighting went on together; negative when they are further apart than the slack. */
function sharedMs(truth: TrueVisit, sighting: Sighting): number {
  const from = Math.max(truth.enterMs, sighting.firstSeenMs);
  const until = Math.min(truth.leaveMs, sighting.lastSeenMs);
  return until - from + TIME_SLACK_MS;
}
