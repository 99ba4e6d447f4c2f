import { stat } from "node:fs/promises";
import type { SightingLog } from "./sightings.ts";

/** How long, and how much, a log may keep. An absent limit is none. */
export interface RetentionRules {
  readonly keepMs: number | undefined;
  /** Of all photos together. */
  readonly keepBytes: number | undefined;
}

/** What one removal did. */
export interface RetentionReport {
  readonly rows: number;
  /** Sightings over a limit. */
  readonly due: number;
  /** Of those, how many are gone: all, or none where they were too many to be removed unasked. */
  readonly removed: number;
}

/** Sightings removed in one transaction: others may write between two. */
const BATCH_ROWS = 100;
/** Files measured side by side. */
const BATCH_FILES = 64;

/**
 * Removes the oldest closed sightings, with their photos, that are over a limit. More than half of the log is never
 * removed at once: a clock that jumped or a mistyped limit looks just like that, and what is gone stays gone. The
 * report then says how many were due, and nothing has changed.
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
  const due: number[] = [];
  for (const { id, firstSeenMs, photo, closed } of log.each()) {
    const isOld = keepMs !== undefined && firstSeenMs < nowMs - keepMs;
    if (!isOld && excess <= 0) break;
    if (!closed) continue;
    if (excess > 0) excess -= await fileBytes(log.photos.pathOf(photo));
    due.push(id);
  }
  if (due.length > rows / 2) return { rows, due: due.length, removed: 0 };
  let removed = 0;
  for (let at = 0; at < due.length; at += BATCH_ROWS) {
    removed += log.remove(due.slice(at, at + BATCH_ROWS));
    await new Promise(setImmediate); // frames are waiting
  }
  return { rows, due: due.length, removed };
}

/** Bytes of all photos, unfinished ones too. */
async function photoBytes(log: SightingLog): Promise<number> {
  const { photos, unfinished } = log.photos.list();
  const names = [...photos, ...unfinished];
  let sum = 0;
  for (let at = 0; at < names.length; at += BATCH_FILES) {
    const sizes = names.slice(at, at + BATCH_FILES).map((name) => fileBytes(log.photos.pathOf(name)));
    for (const size of await Promise.all(sizes)) sum += size;
  }
  return sum;
}

/** 0 for a file that is gone meanwhile. */
async function fileBytes(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}
