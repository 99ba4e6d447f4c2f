/** Something that came by, by its camera's own time. */
export interface TrueEvent {
  readonly camera: string;
  readonly className: string;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** A sighting as `vigia watch --json` prints it. */
export interface PrintedSighting {
  readonly camera: string;
  readonly class: string;
  readonly score: number;
  readonly firstSeenSeconds: number;
  readonly lastSeenSeconds: number;
}

export interface EventScore {
  readonly events: number;
  readonly sightings: number;
  readonly found: number;
  readonly missed: readonly TrueEvent[];
  /** Sightings of what was not there, and those of what another sighting stands for already. */
  readonly wrong: readonly PrintedSighting[];
}

/**
 * Pairs sightings with events of the same camera and class, each at most once, those that share most time first.
 *
 * @param slackMs how far a sighting may lie beside its event
 * @param isMinor events that need not be recorded, but may be
 */
export function scoreEvents(
  events: readonly TrueEvent[],
  sightings: readonly PrintedSighting[],
  slackMs: number,
  isMinor: (event: TrueEvent) => boolean = () => false,
): EventScore {
  const pairs = events
    .flatMap((event) =>
      sightings
        .filter((one) => one.camera === event.camera && one.class === event.className)
        .map((sighting) => ({ event, sighting, sharedMs: sharedMs(event, sighting) })),
    )
    .filter((pair) => pair.sharedMs > -slackMs)
    .sort((a, b) => b.sharedMs - a.sharedMs);
  const taken = new Set<TrueEvent | PrintedSighting>();
  for (const { event, sighting } of pairs) {
    if (!taken.has(event) && !taken.has(sighting)) taken.add(event).add(sighting);
  }
  const counted = events.filter((event) => !isMinor(event));
  const missed = counted.filter((event) => !taken.has(event));
  return {
    events: counted.length,
    sightings: sightings.length,
    found: counted.length - missed.length,
    missed,
    wrong: sightings.filter((sighting) => !taken.has(sighting)),
  };
}

function sharedMs(event: TrueEvent, { firstSeenSeconds, lastSeenSeconds }: PrintedSighting): number {
  return Math.min(event.untilMs, 1000 * lastSeenSeconds) - Math.max(event.fromMs, 1000 * firstSeenSeconds);
}
