import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { applyRetention } from "../../../shared/store/retention.ts";
import type { Sighting } from "../../../shared/store/sighting.ts";
import { SightingLog } from "../../../shared/store/sightings.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { tempFolder } from "../../support/temp.ts";
import { visitOf } from "../../support/visits.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 10, 21, 12);
const PHOTO = new Uint8Array(1000).fill(7);

/** A log with a sighting for each age in days, the oldest first; all closed but those named. */
function logOf(folder: string, agesDays: readonly number[], open: readonly number[] = []): SightingLog {
  const log = new SightingLog(folder);
  for (const age of agesDays) {
    const seenMs = NOW - age * DAY_MS;
    const { id } = log.open(visitOf({ firstSeenMs: seenMs, lastSeenMs: seenMs }), PHOTO);
    if (!open.includes(age)) log.touch(id, { lastSeenMs: seenMs, lastMediaMs: undefined, closed: true });
  }
  return log;
}

const agesOf = (rows: readonly Sighting[]): number[] =>
  rows.map(({ firstSeenMs }) => (NOW - firstSeenMs) / DAY_MS);

test("what is older than allowed goes with its photo; what is open stays however old it is", async () => {
  using folder = tempFolder();
  using log = logOf(folder.path, [50, 40, 31, 29, 3, 2, 1], [40]);
  const gone = log.list().filter(({ closed }) => closed);
  expect(await applyRetention(log, { keepMs: 30 * DAY_MS, keepBytes: undefined }, NOW)).toEqual({
    rows: 7,
    due: 2,
    removed: 2,
    refused: 0,
  });
  expect(agesOf(log.list())).toEqual([40, 29, 3, 2, 1]);
  expect(existsSync(log.photos.pathOf(gone[0]!.photo))).toBe(false);
  expect(log.check({ mend: false })).toMatchObject({ rows: 5, rowsWithoutPhoto: [], photosWithoutRow: [] });
});

test("what is more than allowed goes, the oldest first", async () => {
  using folder = tempFolder();
  using log = logOf(folder.path, [6, 5, 4, 3, 2, 1]);
  const report = await applyRetention(log, { keepMs: undefined, keepBytes: 4500 }, NOW);
  expect(report).toEqual({ rows: 6, due: 2, removed: 2, refused: 0 });
  expect(agesOf(log.list())).toEqual([4, 3, 2, 1]);
});

test("more than half of a log never goes for its age, as when a clock jumps by a year", async () => {
  using folder = tempFolder();
  using log = logOf(folder.path, [3, 2, 1, 0]);
  const rules = { keepMs: 30 * DAY_MS, keepBytes: undefined };
  const report = await applyRetention(log, rules, NOW + 365 * DAY_MS);
  expect(report).toEqual({ rows: 4, due: 4, removed: 0, refused: 4 });
  expect(log.count).toBe(4);
});

test("close-ups count, too", async () => {
  using folder = tempFolder();
  using log = new SightingLog(folder.path);
  for (let i = 0; i < 4; i++) log.open(visitOf({ firstSeenMs: NOW + i }), PHOTO, PHOTO);
  log.closeAll();
  const report = await applyRetention(log, { keepMs: undefined, keepBytes: 7000 }, NOW);
  expect(report).toEqual({ rows: 4, due: 1, removed: 1, refused: 0 });
});

test("a log that is far too large comes within its limit by halves", async () => {
  using folder = tempFolder();
  using log = logOf(folder.path, [8, 7, 6, 5, 4, 3, 2, 1]);
  const rules = { keepMs: undefined, keepBytes: 1000 };
  const left: number[][] = [];
  for (let round = 0; round < 4; round++) {
    await applyRetention(log, rules, NOW);
    left.push(agesOf(log.list()));
  }
  expect(left).toEqual([[4, 3, 2, 1], [2, 1], [1], [1]]);
});

test("followers miss nothing when the newest sightings are removed", async () => {
  using folder = tempFolder();
  using log = logOf(folder.path, [2, 1]);
  const cursor = log.revision;
  log.remove(log.list().map(({ id }) => id));
  expect(log.revision).toBe(cursor);
  const next = log.open(visitOf(), PHOTO);
  expect(log.changedAfter(cursor, 10)).toEqual([next]);
});

test("killed with -9 while it removes, 3 times: rows and photos still belong together", async () => {
  using folder = tempFolder();
  const ages = Array.from({ length: 60 }, (_, i) => 60 - i);
  logOf(folder.path, ages)[Symbol.dispose]();
  const script = join(import.meta.dir, "../../support/remove-sightings.ts");
  let rows = ages.length;
  for (let round = 0; round < 3; round++) {
    const remover = Bun.spawn([process.execPath, script, folder.path], { stdout: "pipe" });
    await remover.stdout.getReader().read();
    await Bun.sleep(3 * round); // not a wait for anything: another moment of the work each time
    remover.kill("SIGKILL");
    await remover.exited;
    using log = new SightingLog(folder.path);
    const report = log.check({ mend: true });
    expect(report.rowsWithoutPhoto).toEqual([]);
    expect(report.rows).toBeLessThan(rows);
    rows = report.rows;
    expect(log.photos.list().photos).toHaveLength(rows);
  }
});
