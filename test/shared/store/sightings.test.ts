import { Database } from "bun:sqlite";
import { expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { AppError } from "../../../shared/base/errors.ts";
import { SightingLog } from "../../../shared/store/sightings.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { tempFolder } from "../../support/temp.ts";
import { visitOf } from "../../support/visits.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const JPEG = Uint8Array.of(0xff, 0xd8, 1, 2, 3, 0xff, 0xd9);
const BETTER = Uint8Array.of(0xff, 0xd8, 9, 9, 0xff, 0xd9);

test("a sighting and its photo are there after the log is opened again", async () => {
  using folder = tempFolder();
  using first = new SightingLog(folder.path);
  const saved = first.open(visitOf(), JPEG);
  first[Symbol.dispose]();
  using log = new SightingLog(folder.path);
  expect(log.get(saved.id)).toEqual(saved);
  expect(await Bun.file(log.photos.pathOf(saved.photo)).bytes()).toEqual(JPEG);
  expect(saved.photo).toMatch(/^photos\/2026-11-21\/gate-143005-123-[0-9a-f]{8}\.jpg$/);
});

test("a better photo takes the place of the old one, and only one file is left", async () => {
  using folder = tempFolder();
  using log = new SightingLog(folder.path);
  const { id } = log.open(visitOf(), JPEG);
  const better = log.improve(
    id,
    { score: 0.95, box: [5, 6, 70, 80], lastSeenMs: visitOf().lastSeenMs + 500, lastMediaMs: undefined },
    BETTER,
  );
  expect(better!.score).toBe(0.95);
  expect(await Bun.file(log.photos.pathOf(better!.photo)).bytes()).toEqual(BETTER);
  expect(log.photos.list().photos).toEqual([better!.photo]);
});

test("followers see every change by its revision, each row as it is now", () => {
  using folder = tempFolder();
  using log = new SightingLog(folder.path);
  const a = log.open(visitOf(), JPEG);
  const b = log.open(visitOf({ camera: "yard" }), JPEG);
  const cursor = log.revision;
  const closed = log.touch(a.id, { lastSeenMs: a.lastSeenMs + 900, lastMediaMs: undefined, closed: true });
  expect(log.changedAfter(0, 10).map(({ id }) => id)).toEqual([b.id, a.id]);
  expect(log.changedAfter(cursor, 10)).toEqual([closed!]);
});

test("pages follow one another from the newest on, each sighting once, also where several began at one moment", () => {
  using folder = tempFolder();
  using log = new SightingLog(folder.path);
  for (let i = 0; i < 9; i++) {
    const firstSeenMs = visitOf().firstSeenMs + Math.floor(i / 3);
    log.open(visitOf({ firstSeenMs, className: i === 4 ? "Bus" : "parrot" }), JPEG);
  }
  const seen: number[] = [];
  for (let page = log.newest({}, 2); page.length > 0; page = log.newest({}, 2, page.at(-1))) {
    seen.push(...page.map(({ id }) => id));
  }
  expect(seen).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1]);
  expect([...log.each()].map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(log.newest({ text: "bu" }, 5).map(({ id }) => id)).toEqual([5]);
  expect(log.newest({ text: "GATE", className: "Bus" }, 5)).toHaveLength(1);
});

test("photos are left alone when it is the rows that are lost", () => {
  using folder = tempFolder();
  using log = new SightingLog(folder.path);
  const { photo } = log.open(visitOf(), JPEG);
  const day = dirname(log.photos.pathOf(photo));
  for (let i = 0; i < 251; i++) writeFileSync(join(day, `gate-${i}.jpg`), "");
  expect(log.check({ mend: true })).toMatchObject({ rows: 1, tooManyPhotos: true });
  expect(log.photos.list().photos).toHaveLength(252);
});

test("a photo that cannot be written leaves no row behind", () => {
  using folder = tempFolder();
  using log = new SightingLog(folder.path);
  // A file where the day's folder should be: the photo cannot be saved, whoever asks.
  writeFileSync(join(folder.path, "photos", "2026-11-21"), "");
  expect(() => log.open(visitOf(), JPEG)).toThrow(AppError);
  expect(log.list()).toEqual([]);
  rmSync(join(folder.path, "photos", "2026-11-21"));
  expect(log.open(visitOf(), JPEG).id).toBeGreaterThan(0);
});

test("a row that cannot be committed leaves no photo behind, neither of a new sighting nor a better one", () => {
  using folder = tempFolder();
  using log = new SightingLog(folder.path);
  const kept = log.open(visitOf(), JPEG, JPEG);
  // What a full disk does: everything goes well until the transaction is to be kept.
  {
    using other = new Database(join(folder.path, "sightings.sqlite"));
    other.run("CREATE TABLE broken (id INTEGER REFERENCES sighting (id) DEFERRABLE INITIALLY DEFERRED)");
    for (const change of ["INSERT", "UPDATE"]) {
      other.run(
        `CREATE TRIGGER ${change}_broken AFTER ${change} ON sighting BEGIN INSERT INTO broken VALUES (-1); END`,
      );
    }
  }
  expect(() => log.open(visitOf({ camera: "yard" }), JPEG, JPEG)).toThrow("could not be saved");
  const better = {
    score: 0.95,
    box: visitOf().box,
    lastSeenMs: visitOf().lastSeenMs,
    lastMediaMs: undefined,
  };
  expect(() => log.improve(kept.id, better, BETTER, BETTER)).toThrow("could not be saved");
  expect(log.list()).toEqual([kept]);
  expect(log.photos.list()).toEqual({ photos: [kept.photo], closeUps: [kept.closeUp!], unfinished: [] });
});

test("check names rows without photo and removes photos without row", () => {
  using folder = tempFolder();
  using log = new SightingLog(folder.path);
  const kept = log.open(visitOf(), JPEG);
  const bare = log.open(visitOf({ camera: "yard" }), JPEG);
  log.photos.remove(bare.photo);
  writeFileSync(log.photos.pathOf("photos/2026-11-21/orphan.jpg"), JPEG);
  writeFileSync(log.photos.pathOf("photos/2026-11-21/half.jpg.1234abcd.part"), JPEG);
  const dry = log.check({ mend: false });
  expect(dry).toMatchObject({
    rows: 2,
    rowsWithoutPhoto: [bare.id],
    photosWithoutRow: ["photos/2026-11-21/orphan.jpg"],
    unfinished: ["photos/2026-11-21/half.jpg.1234abcd.part"],
    databaseErrors: [],
  });
  expect(log.check({ mend: true })).toEqual(dry);
  expect(log.photos.list()).toEqual({ photos: [kept.photo], closeUps: [], unfinished: [] });
  expect(log.list()).toHaveLength(2);
});

test("several processes write at once: no row is lost and no photo is taken for an orphan", async () => {
  using folder = tempFolder();
  using log = new SightingLog(folder.path);
  const script = join(import.meta.dir, "../../support/write-sightings.ts");
  const writers = Array.from({ length: 3 }, (_, i) =>
    Bun.spawn([process.execPath, script, folder.path, `camera-${i}`, "40"], { stderr: "pipe" }),
  );
  const sweeping = (async () => {
    while (writers.some(({ exitCode }) => exitCode === null)) {
      log.check({ mend: true });
      await Bun.sleep(1);
    }
  })();
  expect(await Promise.all(writers.map(({ exited }) => exited))).toEqual([0, 0, 0]);
  await sweeping;
  const report = log.check({ mend: false });
  expect(report).toMatchObject({ rows: 120, rowsWithoutPhoto: [], databaseErrors: [] });
  expect(log.photos.list().photos).toHaveLength(120);
});

test("killed with -9 while writing, 12 times: every row has its photo, and the sweep removes the rest", async () => {
  using folder = tempFolder();
  const script = join(import.meta.dir, "../../support/write-sightings.ts");
  let rows = 0;
  for (let round = 0; round < 12; round++) {
    const writer = Bun.spawn([process.execPath, script, folder.path, `camera-${round}`, "100000"], {
      stdout: "pipe",
    });
    const reader = writer.stdout.getReader();
    // Killed somewhere after its first rows: each round at another moment of the work.
    for (let seen = 0; seen <= round; seen++) await reader.read();
    writer.kill("SIGKILL");
    await writer.exited;
    using log = new SightingLog(folder.path);
    const report = log.check({ mend: true });
    expect(report.rowsWithoutPhoto).toEqual([]);
    expect(report.rows).toBeGreaterThan(rows);
    rows = report.rows;
  }
  const left = readdirSync(join(folder.path, "photos"), { recursive: true }).filter((name) =>
    String(name).includes(".jpg"),
  );
  expect(left).toHaveLength(rows);
});

test("a tester saves sightings while a check reads rows and photos, and none of them counts as a fault", () => {
  using folder = tempFolder();
  using tester = new SightingLog(folder.path);
  using log = new SightingLog(folder.path);
  const replaced = tester.open(visitOf(), JPEG);
  const list = log.photos.list.bind(log.photos);
  log.photos.list = () => {
    tester.open(visitOf({ camera: "yard" }), JPEG);
    const files = list();
    tester.open(visitOf({ camera: "street" }), JPEG, JPEG);
    tester.improve(replaced.id, visitOf(), BETTER);
    return files;
  };
  expect(log.check({ mend: true })).toEqual({
    rows: 3,
    rowsWithoutPhoto: [],
    photosWithoutRow: [],
    unfinished: [],
    databaseErrors: [],
    tooManyPhotos: false,
  });
});

test("a removal that is cut short leaves few photos without a sighting, however many it was to remove", () => {
  using folder = tempFolder();
  using log = new SightingLog(folder.path);
  const ids = Array.from({ length: 110 }, (_, i) => {
    const { id } = log.open(visitOf({ camera: `c${i}` }), JPEG);
    return id;
  });
  log.closeAll();
  // As when the process is killed before the first photo is removed.
  log.photos.remove = () => {
    throw new Error("killed");
  };
  expect(() => log.remove(ids)).toThrow("killed");
  expect(log.count).toBe(10);
});

test("a word is found in whatever case, in every script, and stands for itself", () => {
  using folder = tempFolder();
  using log = new SightingLog(folder.path);
  for (const className of ["Árbol", "ПОПУГАЙ", "50% [new] *"]) log.open(visitOf({ className }), JPEG);
  const found = (text: string): number[] => log.newest({ text }, 5).map(({ id }) => id);
  expect(found("árbol")).toEqual([1]);
  expect(found("ÁRBOL")).toEqual([1]);
  expect(found("попугай GATE")).toEqual([2]);
  expect(found("[NEW] *")).toEqual([3]);
  expect(found("[ne]")).toEqual([]);
  expect(found("?")).toEqual([]);
});
