import type { Log } from "../../shared/base/log.ts";
import type { Visit, VisitChange } from "../../shared/detect/visits.ts";
import type { Sighting } from "../../shared/store/sighting.ts";
import type { NewSighting, SightingLog } from "../../shared/store/sightings.ts";
import type { FrameMessage } from "../../shared/wire/messages/frames.ts";

/** The end of an open sighting is written at most this often: a parked car must not wear out a disk. */
const TOUCH_EVERY_MS = 1000;

/** Whose visit it is. */
export type VisitOwner = Pick<Sighting, "camera" | "className" | "name" | "model" | "modelVersion">;

interface Written {
  readonly id: number;
  touchedAtMs: number;
  name: string | undefined;
}

/**
 * Brings visits into the log. What cannot be saved (a full disk) is tried again with the visit's next frame; nothing
 * saved before is touched, and watching goes on.
 */
export class SightingWriter {
  readonly #sightings: SightingLog;
  readonly #log: Log;
  readonly #onChange: (sighting: Sighting) => void;
  readonly #written = new Map<string, Written>();
  /** Times of the last frame of each camera, to tell wall time from media time. */
  readonly #clocks = new Map<
    string,
    { readonly trackMs: number; readonly wallMs: number; readonly hasMedia: boolean }
  >();
  #alarmed = false;

  constructor(sightings: SightingLog, log: Log, onChange: (sighting: Sighting) => void) {
    this.#sightings = sightings;
    this.#log = log;
    this.#onChange = onChange;
  }

  /** @param frame the frame that brought the change; none when the source or the program ended */
  write(kind: VisitChange["kind"], visit: Visit, frame: FrameMessage | undefined, owner: VisitOwner): void {
    if (frame !== undefined) {
      this.#clocks.set(owner.camera, {
        trackMs: frame.mediaMs ?? frame.capturedMs,
        wallMs: frame.capturedMs,
        hasMedia: frame.mediaMs !== undefined,
      });
    }
    const key = `${owner.camera} ${owner.model} ${owner.modelVersion} ${visit.key}`;
    try {
      const changed = this.#apply(key, kind, visit, frame, owner);
      if (changed !== undefined) this.#onChange(changed);
      if (this.#alarmed) this.#log.info("sightings are saved again");
      this.#alarmed = false;
    } catch (error) {
      if (!this.#alarmed) this.#log.error("A SIGHTING COULD NOT BE SAVED", { camera: owner.camera, error });
      this.#alarmed = true;
    }
    if (kind === "closed") this.#written.delete(key);
  }

  #apply(
    key: string,
    kind: VisitChange["kind"],
    visit: Visit,
    frame: FrameMessage | undefined,
    owner: VisitOwner,
  ): Sighting | undefined {
    const times = this.#times(visit, owner.camera);
    const written = this.#written.get(key);
    const now = performance.now();
    if (written === undefined) {
      if (frame === undefined || kind === "closed") return undefined;
      const row: NewSighting = { ...owner, ...times, score: visit.score, box: visit.box };
      const sighting = this.#sightings.open(row, frame.jpeg);
      this.#written.set(key, { id: sighting.id, touchedAtMs: now, name: owner.name });
      return sighting;
    }
    if (owner.name !== undefined && owner.name !== written.name) {
      this.#sightings.setName(written.id, owner.name);
      written.name = owner.name;
      written.touchedAtMs = 0; // told at once, below
    }
    if (kind === "better" && frame !== undefined) {
      written.touchedAtMs = now;
      return this.#sightings.improve(
        written.id,
        { ...times, score: visit.score, box: visit.box },
        frame.jpeg,
      );
    }
    if (kind !== "closed" && now - written.touchedAtMs < TOUCH_EVERY_MS) return undefined;
    written.touchedAtMs = now;
    return this.#sightings.touch(written.id, { ...times, closed: kind === "closed" });
  }

  /** A visit's times as records have them: by the wall clock, and in media time where the source has one. */
  #times(
    { firstSeenMs, lastSeenMs }: Visit,
    camera: string,
  ): Pick<Sighting, "firstSeenMs" | "lastSeenMs" | "firstMediaMs" | "lastMediaMs"> {
    const clock = this.#clocks.get(camera);
    const shift = clock === undefined ? 0 : clock.wallMs - clock.trackMs;
    return {
      firstSeenMs: firstSeenMs + shift,
      lastSeenMs: lastSeenMs + shift,
      firstMediaMs: clock?.hasMedia ? firstSeenMs : undefined,
      lastMediaMs: clock?.hasMedia ? lastSeenMs : undefined,
    };
  }
}
