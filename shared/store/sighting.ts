import type { Box } from "../detect/types.ts";

/** Where an object was at a moment of its visit. */
export interface PathPoint {
  /** Milliseconds since the visit's `firstSeenMs`. */
  readonly atMs: number;
  /** In shares of the picture's width and height, 0 to 1. */
  readonly box: Box;
}

/** For people: what was seen, and who it is where that is known. */
export function thingText({ className, name }: Pick<Sighting, "className" | "name">): string {
  return name === undefined ? className : `${className} ${name}`;
}

/** One visit of one object to one camera: a row of the log. */
export interface Sighting {
  /** Grows by one from 1; never used twice. */
  readonly id: number;
  readonly camera: string;
  /** Name of the class. */
  readonly className: string;
  /** Who it is, where a face model could say. */
  readonly name?: string | undefined;
  /** Of the photo, 0 to 1. */
  readonly score: number;
  /** Milliseconds since 1970, by the clock of the machine that read the camera. */
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  /** Milliseconds into the file or scene, for sources that have such a time. */
  readonly firstMediaMs: number | undefined;
  readonly lastMediaMs: number | undefined;
  /** Where the object is on the photo, in its pixels. */
  readonly box: Box;
  /** Path of the photo below the data directory, with forward slashes. */
  readonly photo: string;
  /** The same for the close-up: the object with a margin around it. Rows of older versions have none. */
  readonly closeUp?: string | undefined;
  /** Where it went, in order; at most `PATH_POINTS_MAX` places. */
  readonly path?: readonly PathPoint[] | undefined;
  /** The camera's clock minus that of the machine that reads it, in ms, where the camera tells its time. */
  readonly clockAheadMs?: number | undefined;
  /** The zone or line by which it counted as near, where some are drawn. */
  readonly zone?: string | undefined;
  /** False while the object is still there. */
  readonly closed: boolean;
  readonly model: string;
  readonly modelVersion: number;
  /** Grows by one with every change of any row: the cursor that watchers follow. */
  readonly revision: number;
}
