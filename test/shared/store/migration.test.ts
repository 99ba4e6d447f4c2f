import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { SightingLog } from "../../../shared/store/sightings.ts";
import { tempFolder } from "../../support/temp.ts";
import { visitOf } from "../../support/visits.ts";

/** The schema of version 0.1.0, as it was released. */
const FIRST_SCHEMA = `
  CREATE TABLE log_identity (id TEXT NOT NULL) STRICT;
  INSERT INTO log_identity VALUES ('0123456789abcdef0123456789abcdef');
  CREATE TABLE sighting (
    id INTEGER PRIMARY KEY AUTOINCREMENT, camera TEXT NOT NULL, class TEXT NOT NULL, score REAL NOT NULL,
    first_seen_ms REAL NOT NULL, last_seen_ms REAL NOT NULL, first_media_ms REAL, last_media_ms REAL,
    x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL,
    photo TEXT NOT NULL UNIQUE, closed INTEGER NOT NULL DEFAULT 0, model TEXT NOT NULL,
    model_version INTEGER NOT NULL, revision INTEGER NOT NULL UNIQUE
  ) STRICT;
  CREATE INDEX sighting_first_seen ON sighting (first_seen_ms);
  INSERT INTO sighting VALUES (7, 'gate', 'cat', 0.9, 1000, 2000, NULL, NULL, 1, 2, 3, 4, 'photos/a.jpg', 1, 'm', 3, 11);
  PRAGMA user_version = 1;
`;

test("a log of the first version opens with every row and its identity, and takes new ones", () => {
  using folder = tempFolder();
  mkdirSync(join(folder.path, "photos"));
  const old = new Database(join(folder.path, "sightings.sqlite"), { create: true });
  old.run(FIRST_SCHEMA);
  old.close();
  using log = new SightingLog(folder.path);
  expect(log.databaseId).toBe("0123456789abcdef0123456789abcdef");
  expect(log.list()).toEqual([
    {
      id: 7,
      camera: "gate",
      className: "cat",
      score: 0.9,
      firstSeenMs: 1000,
      lastSeenMs: 2000,
      firstMediaMs: undefined,
      lastMediaMs: undefined,
      box: [1, 2, 3, 4],
      photo: "photos/a.jpg",
      closed: true,
      model: "m",
      modelVersion: 3,
      revision: 11,
    },
  ]);
  const path = [{ atMs: 40, box: [0.25, 0.5, 0.75, 1] as const }];
  const saved = log.open(
    visitOf({ path, zone: "door", clockAheadMs: -250 }),
    Uint8Array.of(1),
    Uint8Array.of(2),
  );
  expect(saved).toMatchObject({ id: 8, revision: 12, path, zone: "door", clockAheadMs: -250 });
  expect(log.get(8)).toEqual(saved);
});

test("what a stop interrupted is found by its camera until too long ago, and no more once it goes on", () => {
  using folder = tempFolder();
  using log = new SightingLog(folder.path);
  const jpeg = Uint8Array.of(1);
  const parked = log.open(visitOf({ lastSeenMs: 5000 }), jpeg);
  log.open(visitOf({ camera: "yard", lastSeenMs: 5000 }), jpeg);
  const left = log.open(visitOf({ lastSeenMs: 5000 }), jpeg);
  const last = { lastSeenMs: 5000, lastMediaMs: undefined };
  log.touch(left.id, { ...last, closed: true });
  expect(log.interrupted("gate", 0)).toEqual([]);
  log.closeAll();
  expect(log.interrupted("gate", 4000).map(({ id, closed }) => [id, closed])).toEqual([[parked.id, true]]);
  expect(log.interrupted("gate", 6000)).toEqual([]);
  log.touch(parked.id, { ...last, lastSeenMs: 9000, closed: false });
  expect(log.interrupted("gate", 0)).toEqual([]);
  expect(log.get(parked.id)).toMatchObject({ closed: false, lastSeenMs: 9000 });
});
