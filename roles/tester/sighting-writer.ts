import { toldFailure } from "../../shared/base/errors.ts";
import type { ToldFailure } from "../../shared/base/failure.ts";
import type { Log } from "../../shared/base/log.ts";
import { cropPhoto } from "../../shared/detect/crop-photo.ts";
import type { Box, FrameSize } from "../../shared/detect/types.ts";
import type { Visit, VisitChange } from "../../shared/detect/visits.ts";
import type { Sighting } from "../../shared/store/sighting.ts";
import type { NewSighting, SightingLog } from "../../shared/store/sightings.ts";
import type { FrameMessage } from "../../shared/wire/messages/frames.ts";
import { type FirstFrame, interruptedSightings, scaled } from "./interrupted.ts";

/** The end of an open sighting is written at most this often, and the seldomer the longer it lasts... */
const TOUCH_EVERY_MS = 1000;
const TOUCH_EVERY_SHARE = 0.05;
/** ... up to this: a parked car must not wear out a disk. */
const TOUCH_EVERY_MAX_MS = 60_000;

/** More ends than this wait for room on the disk only if it was full for a day; the next start closes those too. */
const UNSAVED_ENDS_MAX = 10_000;

/** Whose visit it is. */
export type VisitOwner = Pick<Sighting, "camera" | "className" | "name" | "model" | "modelVersion">;

/** What became of a change. */
export interface Written {
  /** The sighting whose photo the frame has become. */
  readonly shown: Sighting | undefined;
  /** The visit's photo could not be saved, or its row is gone: another frame must be the photo. */
  readonly lacksPhoto: boolean;
}

/** A visit's row. */
interface OpenRow {
  readonly id: number;
  readonly camera: string;
  touchedAtMs: number;
  name: string | undefined;
}

/** A camera's two times at its last frame. */
interface CameraClock {
  readonly trackMs: number;
  readonly wallMs: number;
  readonly hasMedia: boolean;
}

/**
 * Brings visits into the log. What cannot be saved (a full disk) is tried again: an end before the next save, a photo
 * with the visit's next look. Nothing saved before is touched, and watching goes on.
 */
export class SightingWriter {
  readonly #sightings: SightingLog;
  readonly #log: Log;
  readonly #onChange: (sighting: Sighting) => void;
  /** Visits that have a row, by their key. */
  readonly #rows = new Map<string, OpenRow>();
  readonly #clocks = new Map<string, CameraClock>();
  /** Ends of visits that could not be saved yet. */
  readonly #unsavedEnds: (() => Sighting | undefined)[] = [];
  /** Why the last change could not be saved; absent when it could. */
  alarm: ToldFailure | undefined;

  constructor(sightings: SightingLog, log: Log, onChange: (sighting: Sighting) => void) {
    this.#sightings = sightings;
    this.#log = log;
    this.#onChange = onChange;
  }

  /** Sightings of a camera that a stop interrupted and that may go on on this frame; see `interruptedSightings`. */
  async interrupted(camera: string, frame: FirstFrame): Promise<Sighting[]> {
    try {
      return await interruptedSightings(this.#sightings, camera, frame);
    } catch (error) {
      this.#log.warn("what was there before the restart cannot be read", { camera, error });
      return [];
    }
  }

  /** A visit goes on in a row that there is already. */
  adopt(key: string, { id, camera, name }: Sighting): void {
    this.#rows.set(key, { id, camera, name, touchedAtMs: Number.NEGATIVE_INFINITY });
  }

  /**
   * @param key one for each visit
   * @param frame the frame that brought the change
   */
  async write(
    key: string,
    kind: VisitChange["kind"],
    visit: Visit,
    frame: FrameMessage,
    owner: VisitOwner,
  ): Promise<Written> {
    const clock = {
      trackMs: frame.mediaMs ?? frame.capturedMs,
      wallMs: frame.capturedMs,
      hasMedia: frame.mediaMs !== undefined,
    };
    this.#clocks.set(owner.camera, clock);
    if (kind === "closed") {
      this.end(key, visit, false);
      return { shown: undefined, lacksPhoto: false };
    }
    const isPhoto = (kind === "opened" || kind === "better") && frame.jpeg.length > 0;
    const closeUp = isPhoto ? await closeUpOf(frame.jpeg, visit.box) : undefined;
    const saved = this.#save(owner.camera, () =>
      this.#apply(key, kind, visit, isPhoto ? frame : undefined, closeUp, owner, frame),
    );
    const shown = isPhoto && this.#rows.has(key) ? saved : undefined;
    return { shown, lacksPhoto: !this.#rows.has(key) || (isPhoto && shown === undefined) };
  }

  /** Ends a visit without a frame. @param inView the object was still there */
  end(key: string, visit: Visit, inView: boolean): void {
    const row = this.#rows.get(key);
    this.#rows.delete(key);
    if (row === undefined) return;
    const { id, camera } = row;
    const { lastSeenMs, lastMediaMs } = this.#times(visit, camera);
    const last = { lastSeenMs, lastMediaMs, path: visit.path, closed: true, inView };
    this.#save(camera, () => this.#sightings.touch(id, last), true);
  }

  /**
   * Puts a photo from the camera's larger stream in place of the one from the stream that is watched; nothing happens
   * where the sighting has another photo by now.
   *
   * @param shown the sighting as it was with the photo that the large one shows once more
   * @param watched size of that photo
   */
  async enlarge(
    shown: Sighting,
    watched: FrameSize,
    large: FrameSize & { readonly jpeg: Uint8Array },
  ): Promise<void> {
    const rowNow = (): Sighting | undefined => {
      const row = this.#sightings.get(shown.id);
      return row?.photo === shown.photo ? row : undefined;
    };
    if (rowNow() === undefined) return;
    const box = scaled(shown.box, watched, large);
    const closeUp = await closeUpOf(large.jpeg, box);
    this.#save(shown.camera, () => {
      const row = rowNow(); // a better photo may have come meanwhile
      return row && this.#sightings.improve(row.id, { ...row, box }, large.jpeg, closeUp);
    });
  }

  /**
   * @param isEnd of a visit: there is no later frame to try it again with, so it is tried before the next save
   * @returns what the work returned; `undefined` also where it failed
   */
  #save(camera: string, work: () => Sighting | undefined, isEnd = false): Sighting | undefined {
    // Whatever fails, and be it an end before this one, this end must be saved some day.
    const waits = isEnd && this.#unsavedEnds.length < UNSAVED_ENDS_MAX;
    if (waits) this.#unsavedEnds.push(work);
    let isSaved = false;
    try {
      for (let end = this.#unsavedEnds[0]; end !== undefined; end = this.#unsavedEnds[0]) {
        const ended = end();
        this.#unsavedEnds.shift();
        isSaved = true;
        if (ended !== undefined) this.#onChange(ended);
      }
      const changed = waits ? undefined : work();
      if (changed !== undefined) this.#onChange(changed);
      // Where there was nothing to save, nobody knows whether it could be.
      if (this.alarm !== undefined && (isSaved || changed !== undefined)) {
        this.#log.info("sightings are saved again");
        this.alarm = undefined;
      }
      return changed;
    } catch (error) {
      if (this.alarm === undefined) this.#log.error("A SIGHTING COULD NOT BE SAVED", { camera, error });
      this.alarm = toldFailure(error);
      return undefined;
    }
  }

  #apply(
    key: string,
    kind: VisitChange["kind"],
    visit: Visit,
    photo: FrameMessage | undefined,
    closeUp: Uint8Array | undefined,
    owner: VisitOwner,
    { cameraClockAheadMs }: FrameMessage,
  ): Sighting | undefined {
    const times = this.#times(visit, owner.camera);
    const { path, score, box } = visit;
    const row = this.#rows.get(key);
    const now = performance.now();
    if (row === undefined) {
      if (photo === undefined) return undefined;
      const zone = visit.zone === "" ? undefined : visit.zone;
      const first: NewSighting = {
        ...owner,
        ...times,
        score,
        box,
        path,
        zone,
        clockAheadMs: cameraClockAheadMs,
      };
      const sighting = this.#sightings.open(first, photo.jpeg, closeUp);
      this.#rows.set(key, { id: sighting.id, camera: owner.camera, touchedAtMs: now, name: owner.name });
      return sighting;
    }
    if (owner.name !== undefined && owner.name !== row.name) {
      this.#sightings.setName(row.id, owner.name);
      row.name = owner.name;
      row.touchedAtMs = Number.NEGATIVE_INFINITY; // told at once, below
    }
    const lastedMs = visit.lastSeenMs - visit.firstSeenMs;
    const everyMs = Math.min(TOUCH_EVERY_MAX_MS, Math.max(TOUCH_EVERY_MS, TOUCH_EVERY_SHARE * lastedMs));
    if (kind === "continued" && now - row.touchedAtMs < everyMs) return undefined;
    row.touchedAtMs = now;
    const changed =
      photo === undefined
        ? this.#sightings.touch(row.id, { ...times, path, closed: false })
        : this.#sightings.improve(row.id, { ...times, score, box }, photo.jpeg, closeUp);
    // Somebody removed it. What goes on gets a new row.
    if (changed === undefined) this.#rows.delete(key);
    return changed;
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

/** A sighting without a close-up is better than none. */
async function closeUpOf(jpeg: Uint8Array, box: Box): Promise<Uint8Array | undefined> {
  try {
    return await cropPhoto(jpeg, box);
  } catch {
    return undefined;
  }
}
