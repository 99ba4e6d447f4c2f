import { errorLine } from "../../shared/base/errors.ts";
import type { Log } from "../../shared/base/log.ts";
import { cropPhoto } from "../../shared/detect/crop-photo.ts";
import type { Box } from "../../shared/detect/types.ts";
import type { Visit, VisitChange } from "../../shared/detect/visits.ts";
import type { Sighting } from "../../shared/store/sighting.ts";
import type { NewSighting, SightingLog } from "../../shared/store/sightings.ts";
import type { FrameMessage } from "../../shared/wire/messages/frames.ts";

/** The end of an open sighting is written at most this often, and the seldomer the longer it lasts... */
const TOUCH_EVERY_MS = 1000;
const TOUCH_EVERY_SHARE = 0.05;
/** ... up to this: a parked car must not wear out a disk. */
const TOUCH_EVERY_MAX_MS = 60_000;

/** More ends than this wait for room on the disk only if it was full for a day; the next start closes those too. */
const UNSAVED_ENDS_MAX = 10_000;

/** Whose visit it is. */
export type VisitOwner = Pick<Sighting, "camera" | "className" | "name" | "model" | "modelVersion">;

interface Written {
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
 * Brings visits into the log. What cannot be saved (a full disk) is tried again with the visit's next frame; nothing
 * saved before is touched, and watching goes on.
 */
export class SightingWriter {
  readonly #sightings: SightingLog;
  readonly #log: Log;
  readonly #onChange: (sighting: Sighting) => void;
  /** Visits that have a row, by their key. */
  readonly #written = new Map<string, Written>();
  readonly #clocks = new Map<string, CameraClock>();
  /** Ends of visits that could not be saved yet. */
  readonly #unsavedEnds: (() => Sighting)[] = [];
  /** Why the last change could not be saved; empty when it could. */
  alarm = "";

  constructor(sightings: SightingLog, log: Log, onChange: (sighting: Sighting) => void) {
    this.#sightings = sightings;
    this.#log = log;
    this.#onChange = onChange;
  }

  /** Sightings of a camera that a stop interrupted, last seen since `sinceMs`. */
  interrupted(camera: string, sinceMs: number): Sighting[] {
    try {
      return this.#sightings.interrupted(camera, sinceMs);
    } catch (error) {
      this.#log.warn("what was there before the restart cannot be read", { camera, error });
      return [];
    }
  }

  /** A visit goes on in a row that there is already. */
  adopt(key: string, { id, camera, name }: Sighting): void {
    this.#written.set(key, { id, camera, name, touchedAtMs: Number.NEGATIVE_INFINITY });
  }

  /**
   * @param key one for each visit
   * @param frame the frame that brought the change
   * @returns whether the frame has become the sighting's photo
   */
  async write(
    key: string,
    kind: VisitChange["kind"],
    visit: Visit,
    frame: FrameMessage,
    owner: VisitOwner,
  ): Promise<boolean> {
    const clock = {
      trackMs: frame.mediaMs ?? frame.capturedMs,
      wallMs: frame.capturedMs,
      hasMedia: frame.mediaMs !== undefined,
    };
    this.#clocks.set(owner.camera, clock);
    const isPhoto =
      (kind === "better" || !this.#written.has(key)) && kind !== "closed" && frame.jpeg.length > 0;
    const closeUp = isPhoto ? await closeUpOf(frame.jpeg, visit.box) : undefined;
    this.#save(owner.camera, () =>
      this.#apply(key, kind, visit, isPhoto ? frame : undefined, closeUp, owner, frame),
    );
    if (kind === "closed") this.#written.delete(key);
    return isPhoto && this.#written.has(key);
  }

  /** Ends a visit without a frame. @param inView the object was still there */
  end(key: string, visit: Visit, inView: boolean): void {
    const written = this.#written.get(key);
    this.#written.delete(key);
    if (written === undefined) return;
    const { id, camera } = written;
    const { lastSeenMs, lastMediaMs } = this.#times(visit, camera);
    this.#save(
      camera,
      () => this.#sightings.touch(id, { lastSeenMs, lastMediaMs, path: visit.path, closed: true, inView }),
      true,
    );
  }

  /** Puts a photo from the camera's larger stream in place of the one from the stream that is watched. */
  async enlarge(
    key: string,
    watched: { readonly width: number; readonly height: number },
    large: { readonly width: number; readonly height: number; readonly jpeg: Uint8Array },
  ): Promise<void> {
    const written = this.#written.get(key);
    const row = written && this.#sightings.get(written.id);
    if (written === undefined || row === undefined) return;
    const [x, y] = [large.width / watched.width, large.height / watched.height];
    const box: Box = [row.box[0] * x, row.box[1] * y, row.box[2] * x, row.box[3] * y];
    const closeUp = await closeUpOf(large.jpeg, box);
    this.#save(written.camera, () => this.#sightings.improve(row.id, { ...row, box }, large.jpeg, closeUp));
  }

  /** @param isEnd of a visit: there is no later frame to try it again with, so it is tried before the next save */
  #save(camera: string, work: () => Sighting | undefined, isEnd = false): void {
    try {
      for (let end = this.#unsavedEnds[0]; end !== undefined; end = this.#unsavedEnds[0]) {
        this.#onChange(end());
        this.#unsavedEnds.shift();
      }
      const changed = work();
      if (changed !== undefined) this.#onChange(changed);
      if (this.alarm !== "") this.#log.info("sightings are saved again");
      this.alarm = "";
    } catch (error) {
      if (this.alarm === "") this.#log.error("A SIGHTING COULD NOT BE SAVED", { camera, error });
      this.alarm = errorLine(error);
      if (isEnd && this.#unsavedEnds.length < UNSAVED_ENDS_MAX)
        this.#unsavedEnds.push(work as () => Sighting);
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
    const written = this.#written.get(key);
    const now = performance.now();
    if (written === undefined) {
      if (photo === undefined) return undefined;
      const zone = visit.zone === "" ? undefined : visit.zone;
      const row: NewSighting = {
        ...owner,
        ...times,
        score,
        box,
        path,
        zone,
        clockAheadMs: cameraClockAheadMs,
      };
      const sighting = this.#sightings.open(row, photo.jpeg, closeUp);
      this.#written.set(key, { id: sighting.id, camera: owner.camera, touchedAtMs: now, name: owner.name });
      return sighting;
    }
    if (owner.name !== undefined && owner.name !== written.name) {
      this.#sightings.setName(written.id, owner.name);
      written.name = owner.name;
      written.touchedAtMs = Number.NEGATIVE_INFINITY; // told at once, below
    }
    if (kind === "better" && photo !== undefined) {
      written.touchedAtMs = now;
      return this.#sightings.improve(written.id, { ...times, score, box }, photo.jpeg, closeUp);
    }
    const lastedMs = visit.lastSeenMs - visit.firstSeenMs;
    const everyMs = Math.min(TOUCH_EVERY_MAX_MS, Math.max(TOUCH_EVERY_MS, TOUCH_EVERY_SHARE * lastedMs));
    if (kind === "continued" && now - written.touchedAtMs < everyMs) return undefined;
    written.touchedAtMs = now;
    return this.#sightings.touch(written.id, { ...times, path, closed: kind === "closed" });
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
