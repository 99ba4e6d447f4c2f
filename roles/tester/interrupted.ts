import { readFile } from "node:fs/promises";
import { looksAlike } from "../../shared/detect/look-alike.ts";
import { type Box, boxIou, type FrameSize } from "../../shared/detect/types.ts";
import { SAME_PLACE_AFTER_RESTART_IOU } from "../../shared/detect/visits.ts";
import type { Sighting } from "../../shared/store/sighting.ts";
import type { SightingLog } from "../../shared/store/sightings.ts";

/** What a stop interrupted may go on when the same thing stands at the same place within so long... */
const RESUME_WITHIN_MS = 10 * 60_000;
/** ... and within so long where it also looks as on its photo: for a car that is parked over night. */
const RESUME_ALIKE_WITHIN_MS = 24 * 3600_000;
/** More than this do not stand before a camera; those seen last count. */
const INTERRUPTED_MAX = 32;

/** The first frame after a stop. */
export interface FirstFrame extends FrameSize {
  readonly capturedMs: number;
  readonly jpeg: Uint8Array;
}

/**
 * Sightings of a camera that a stop interrupted and that may go on now, the last seen first. After more than ten minutes
 * only those whose photo shows the thing where it stood last, and whose place looks the same on the first frame.
 *
 * @returns their boxes are in pixels of `frame`, also where the photo is from a larger stream
 * @throws {AppError} `data-loss` where the log cannot be read
 */
export async function interruptedSightings(
  sightings: SightingLog,
  camera: string,
  frame: FirstFrame,
): Promise<Sighting[]> {
  const found = sightings
    .interrupted(camera, frame.capturedMs - RESUME_ALIKE_WITHIN_MS)
    .sort((a, b) => b.lastSeenMs - a.lastSeenMs)
    .slice(0, INTERRUPTED_MAX);
  const going: Sighting[] = [];
  for (const row of found) {
    const box = scaled(row.box, sightings.photos.sizeOf(row.photo) ?? frame, frame);
    const isRecent = frame.capturedMs - row.lastSeenMs <= RESUME_WITHIN_MS;
    if (isRecent || (await stillShows(sightings, row, box, frame))) going.push({ ...row, box });
  }
  return going;
}

/** @param box of the row's photo, in pixels of the frame */
async function stillShows(
  { photos }: SightingLog,
  row: Sighting,
  box: Box,
  frame: FirstFrame,
): Promise<boolean> {
  const last = row.path?.at(-1)?.box;
  if (
    last === undefined ||
    boxIou(scaled(last, { width: 1, height: 1 }, frame), box) < SAME_PLACE_AFTER_RESTART_IOU
  )
    return false; // it was photographed elsewhere: nothing tells how it looks here
  try {
    const jpeg = await readFile(photos.pathOf(row.photo));
    return await looksAlike({ jpeg, box: row.box }, { jpeg: frame.jpeg, box });
  } catch {
    return false; // a photo that is lost or damaged proves nothing
  }
}

/** A box of one picture on another of the same view. */
export function scaled([x1, y1, x2, y2]: Box, from: FrameSize, to: FrameSize): Box {
  const [x, y] = [to.width / from.width, to.height / from.height];
  return [x1 * x, y1 * y, x2 * x, y2 * y];
}
