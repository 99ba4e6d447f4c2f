import { Database } from "bun:sqlite";
import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { searchAll, searchEach } from "../../../roles/watcher/log-search.ts";
import { EVERYTHING, TesterFeed } from "../../../roles/watcher/tester-feed.ts";
import { connect } from "../../../shared/net/connect.ts";
import { SightingLog } from "../../../shared/store/sightings.ts";
import { cpuMsOf } from "../../support/cpu-time.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { startTester, testSite } from "../../support/site-roles.ts";
import { tempFolder } from "../../support/temp.ts";
import { visitOf } from "../../support/visits.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const ROWS = 20_000;

/** A log of so many sightings, a minute apart; one photo serves for all, as nothing here looks at it. */
function writeLongLog(dataDir: string): void {
  {
    using log = new SightingLog(dataDir);
    const { id } = log.open(visitOf(), Uint8Array.of(0xff, 0xd8, 0xff, 0xd9));
    log.touch(id, { lastSeenMs: visitOf().lastSeenMs, lastMediaMs: undefined, path: [], closed: true });
  }
  using database = new Database(join(dataDir, "sightings.sqlite"));
  database.run(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS - 1})
     INSERT INTO sighting (camera, class, score, first_seen_ms, last_seen_ms, x1, y1, x2, y2, photo, closed, model,
                           model_version, revision)
     SELECT camera, iif(i % 1000 = 0, 'bus', class), score, first_seen_ms - 60000 * i, last_seen_ms - 60000 * i,
            x1, y1, x2, y2, photo || i, 1, model, model_version, 10 + i FROM sighting, n`,
  );
}

test("20 000 sightings: pages come quickly from the tester, and the watcher keeps none of them", async () => {
  using folder = tempFolder();
  writeLongLog(join(folder.path, "data"));
  const site = testSite();
  const stop = new AbortController();
  const tester = await startTester(site, folder.path, [], stop.signal);
  const ready = Promise.withResolvers<void>();
  let told = 0;
  const feed = new TesterFeed(0, {
    onConnected: () => ready.resolve(),
    onSightings: (_, rows) => {
      told += rows.length;
    },
    onStatus() {},
    onJobs() {},
  });
  const link = await connect({
    site,
    role: "watcher",
    address: tester.address,
    expect: ["tester"],
    signal: stop.signal,
  });
  const following = feed.follow(link);
  await ready.promise;

  const page = await searchAll([feed], EVERYTHING, 121);
  expect(page).toHaveLength(121);
  // Both ends are in this process.
  const tookMs = await cpuMsOf(async () => {
    for (let i = 0; i < 5; i++) await searchAll([feed], { ...EVERYTHING, text: "nothing at all" }, 121);
  });
  expect(tookMs / 5).toBeLessThan(100);

  const buses = await searchAll([feed], { ...EVERYTHING, className: "bus" }, 500);
  expect(buses.map(({ row }) => row.className)).toEqual(Array.from({ length: 19 }, () => "bus"));
  const seen = new Set<number>();
  for await (const found of searchEach([feed], EVERYTHING)) for (const { row } of found) seen.add(row.id);
  expect(seen.size).toBe(ROWS);
  expect(told).toBe(0);
  stop.abort();
  await Promise.all([following.catch(() => {}), tester.ended]);
});
