import { SyntheticMovie } from "../../shared/dataset/synthetic/movie.ts";
import type { Sighting } from "../../shared/store/sighting.ts";
import { cameraName, cameraSeed, type DemoPlan } from "./plan.ts";
import type { TrueVisit } from "./score.ts";

/** A visit must be going on for so long while somebody watches, or nobody could have recorded it. */
const WATCHED_MS_MIN = 1500;

/**
 * What really came by while the tester watched, from the scenes themselves, by the wall clock. A scene's clock is
 * known from any sighting of its camera, which carries both times; without one, cameras began at about `startMs`.
 */
export async function trueVisits(
  plan: DemoPlan,
  sightings: readonly Sighting[],
  watched: { readonly startMs: number; readonly fromMs: number; readonly untilMs: number },
): Promise<TrueVisit[]> {
  const starts = new Map(
    sightings
      .filter(({ firstMediaMs }) => firstMediaMs !== undefined)
      .map(({ camera, firstSeenMs, firstMediaMs }) => [camera, firstSeenMs - firstMediaMs!]),
  );
  const visits: TrueVisit[] = [];
  for (let index = 0; index < plan.cameras; index++) {
    const camera = cameraName(index);
    const startMs = starts.get(camera) ?? watched.startMs;
    const movie = new SyntheticMovie(cameraSeed(index), { classes: plan.classes });
    for (const { className, enterMs, leaveMs } of await movie.visits(watched.untilMs - startMs)) {
      visits.push({ camera, className, enterMs: startMs + enterMs, leaveMs: startMs + leaveMs });
    }
  }
  return watchedVisits(visits, watched);
}

/** Those that went on for long enough in the time that somebody watched. */
export function watchedVisits(
  visits: readonly TrueVisit[],
  { fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number },
): TrueVisit[] {
  return visits.filter(
    ({ enterMs, leaveMs }) => Math.min(leaveMs, untilMs) - Math.max(enterMs, fromMs) >= WATCHED_MS_MIN,
  );
}
