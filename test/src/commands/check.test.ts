import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { closeUpOf } from "../../../shared/store/photos.ts";
import { SightingLog } from "../../../shared/store/sightings.ts";
import { command } from "../../../src/commands/check.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { type CommandOutcome, runCommand } from "../../support/run-command.ts";
import { syntheticJpeg } from "../../support/synthetic-jpeg.ts";
import { tempFolder } from "../../support/temp.ts";
import { visitOf } from "../../support/visits.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const check = (data: string, flags: Record<string, boolean> = {}): Promise<CommandOutcome> =>
  runCommand(command, { data, ...flags });

test("finds every kind of fault, changes nothing, and mends them when told to", async () => {
  using folder = tempFolder();
  const jpeg = await syntheticJpeg(1);
  const log = new SightingLog(folder.path);
  const [whole, lost, cut, bare] = ["a", "b", "c", "d"].map((camera) =>
    log.open(visitOf({ camera, box: [20, 30, 200, 180] }), jpeg, jpeg),
  );
  rmSync(log.photos.pathOf(lost!.photo));
  truncateSync(log.photos.pathOf(cut!.photo), 2000);
  writeFileSync(log.photos.pathOf(closeUpOf(bare!.photo)), "no picture");
  writeFileSync(log.photos.pathOf("photos/2026-11-21/orphan.jpg"), jpeg);
  writeFileSync(log.photos.pathOf("photos/2026-11-21/half.jpg.1234abcd.part"), jpeg);

  const dry = await check(folder.path, { json: true });
  expect(JSON.parse(dry.lines[0]!)).toMatchObject({
    rows: 4,
    photosWithoutRow: ["photos/2026-11-21/orphan.jpg"],
    unfinished: ["photos/2026-11-21/half.jpg.1234abcd.part"],
    photos: [
      { id: lost!.id, fault: "lost" },
      { id: cut!.id, fault: "damaged" },
      { id: bare!.id, fault: "close-up" },
    ],
    mended: false,
  });
  expect(dry.failure).toBe("the log has 5 faults");
  expect((await check(folder.path)).failure).toBe("the log has 5 faults");

  const mended = await check(folder.path, { mend: true });
  expect(mended.failure).toBe("");
  expect(mended.lines).toContain("removed a photo without a sighting: photos/2026-11-21/orphan.jpg");
  expect(mended.lines.at(-1)).toBe("the log is whole");
  expect(await check(folder.path)).toMatchObject({ lines: ["4 sightings", "the log is whole"], failure: "" });
  // Nothing that was there is gone: the cut photo lies aside, the whole one is as it was, and so are the records.
  expect(readFileSync(join(folder.path, "damaged", cut!.photo.split("/").at(-1)!))).toHaveLength(2000);
  expect(readFileSync(log.photos.pathOf(whole!.photo))).toEqual(Buffer.from(jpeg));
  expect(log.list().map(({ camera }) => camera)).toEqual(["a", "b", "c", "d"]);
  log[Symbol.dispose]();
});

test("says what to do about a damaged database, and touches no photo", async () => {
  using folder = tempFolder();
  {
    using log = new SightingLog(folder.path);
    log.open(visitOf(), await syntheticJpeg(1));
  }
  const path = join(folder.path, "sightings.sqlite");
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.fill(0xa5, 100, bytes.length));
  rmSync(`${path}-wal`, { force: true });
  const { failure } = await check(folder.path, { mend: true });
  expect(failure).toBe(`the database ${path} is damaged; no photo was touched`);
});

test("a lost database does not cost the photos: they are left alone", async () => {
  using folder = tempFolder();
  const jpeg = await syntheticJpeg(1);
  using log = new SightingLog(folder.path);
  const { photo } = log.open(visitOf(), jpeg);
  for (let i = 0; i < 9; i++) writeFileSync(log.photos.pathOf(photo.replace(".jpg", `${i}.jpg`)), jpeg);
  log.touch(1, { lastSeenMs: 0, lastMediaMs: undefined, path: [], closed: true });
  rmSync(log.photos.pathOf(photo));
  log.remove([1]);
  expect((await check(folder.path, { mend: true })).failure).toContain("they were left alone");
  expect(log.photos.list().photos).toHaveLength(9);
});
