import type { NewSighting } from "../../shared/store/sightings.ts";

/** A parrot at the gate. */
export function visitOf(more: Partial<NewSighting> = {}): NewSighting {
  return {
    camera: "gate",
    className: "parrot",
    score: 0.8,
    firstSeenMs: Date.UTC(2026, 10, 21, 14, 30, 5, 123),
    lastSeenMs: Date.UTC(2026, 10, 21, 14, 30, 6),
    firstMediaMs: undefined,
    lastMediaMs: undefined,
    box: [1, 2, 30, 40],
    model: "garden",
    modelVersion: 3,
    ...more,
  };
}
