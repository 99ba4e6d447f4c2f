import { stat } from "node:fs/promises";
import { closeUpOf } from "./photos.ts";
import { REMOVED_AT_ONCE, type SightingLog } from "./sightings.ts";

/** How long, and how much, a log may keep. An absent limit is none. */
export interface RetentionRules {
  readonly keepMs: number | undefined;
  /** Of all photos and close-ups together. */
  readonly keepBytes: number | undefined;
}

/** What a round of removal did. */
export interface RetentionReport {
  readonly rows: number;
  /** Sightings over a limit. */
  readonly due: number;
  readonly removed: number;
  /** Sightings too old that were left alone, as they are more than half of the log: only people remove so many. */
  readonly refused: number;
}

/** Files measured side by side. */
const BATCH_FILES = 64;

/**
 * Removes the oldest closed sightings, with their photos, that are over a limit; never more than half of the log at
 * once. Where more are too old, none goes for its age: a clock that jumped looks just like that, and what is gone stays
 * gone. Where more are too much, the oldest half goes, and the rest in later rounds: else a disk would fill up.
 *
 * @throws `data-loss` when the database cannot be written
 */
export async function applyRetention(
  log: SightingLog,
  { keepMs, keepBytes }: RetentionRules,
  nowMs: number,
): Promise<RetentionReport> {
  const rows = log.count;
  let excess = keepBytes === undefined ? 0 : (await photoBytes(log)) - keepBytes;
  // Both are the oldest so many of `due`.
  let [tooOld, tooMuch] = [0, 0];
  const due: number[] = [];
  for (const { id, firstSeenMs, photo, closed } of log.each()) {
    const isOld = keepMs !== undefined && firstSeenMs < nowMs - keepMs;
    if (!isOld && excess <= 0) break;
    if (!closed) continue;
    due.push(id);
    if (isOld) tooOld = due.length;
    if (excess <= 0) continue;
    tooMuch = due.length;
    excess -= await bytesOf(log, [photo, closeUpOf(photo)]);
  }
  const half = Math.floor(rows / 2);
  const refused = tooOld > half ? tooOld : 0;
  const going = due.slice(0, Math.max(tooOld - refused, Math.min(tooMuch, half)));
  let removed = 0;
  for (let at = 0; at < going.length; at += REMOVED_AT_ONCE) {
    removed += log.remove(going.slice(at, at + REMOVED_AT_ONCE));
    await new Promise(setImmediate); // frames are waiting
  }
  return { rows, due: due.length, removed, refused };
}

/** Bytes of all photos and close-ups, unfinished ones too. */
async function photoBytes(log: SightingLog): Promise<number> {
  const { photos, closeUps, unfinished } = log.photos.list();
  const names = [...photos, ...closeUps, ...unfinished];
  let sum = 0;
  for (let at = 0; at < names.length; at += BATCH_FILES) {
    sum += await bytesOf(log, names.slice(at, at + BATCH_FILES));
  }
  return sum;
}

async function bytesOf(log: SightingLog, names: readonly string[]): Promise<number> {
  const sizes = await Promise.all(names.map((name) => fileBytes(log.photos.pathOf(name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** 0 for a file that is gone meanwhile. */
async function fileBytes(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}
