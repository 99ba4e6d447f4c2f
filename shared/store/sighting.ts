import type { Box } from "../detect/types.ts";

/** One visit of one object to one camera: a row of the log. */
export interface Sighting {
  /** Grows by one from 1; never used twice. */
  readonly id: number;
  readonly camera: string;
  /** Name of the class. */
  readonly className: string;
  /** Best score so far, 0 to 1: the one of the photo. */
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
  /** False while the object is still there. */
  readonly closed: boolean;
  readonly model: string;
  readonly modelVersion: number;
  /** Grows by one with every change of any row: the cursor that watchers follow. */
  readonly revision: number;
}
