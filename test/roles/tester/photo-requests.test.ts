import { expect, setDefaultTimeout, spyOn, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { TesterFeed } from "../../../roles/watcher/tester-feed.ts";
import { connect } from "../../../shared/net/connect.ts";
import { PhotoFolder } from "../../../shared/store/photos.ts";
import { SightingLog } from "../../../shared/store/sightings.ts";
import { command } from "../../../src/commands/sightings.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { numberedPhoto, numberedSighting, numberOf } from "../../support/numbered-photos.ts";
import { runCommand } from "../../support/run-command.ts";
import { startTester, testSite } from "../../support/site-roles.ts";
import { tempFolder } from "../../support/temp.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

/** A log of one sighting, whose photo another process replaces by better ones as fast as it can, until it is killed. */
function replacing(dataDir: string): { readonly id: number; readonly writer: Subprocess } {
  using log = new SightingLog(dataDir);
  const { id } = log.open(numberedSighting(0), numberedPhoto(0), numberedPhoto(0));
  const script = join(import.meta.dir, "../../support/replace-photos.ts");
  return { id, writer: Bun.spawn([process.execPath, script, dataDir, `${id}`, "1000000"]) };
}

test("who asks for a photo while better ones come gets a whole one each time", async () => {
  using folder = tempFolder();
  const site = testSite();
  const stop = new AbortController();
  const tester = await startTester(site, folder.path, [], stop.signal);
  const { id, writer } = replacing(join(folder.path, "data"));
  const ready = Promise.withResolvers<void>();
  const feed = new TesterFeed(0, {
    onConnected: () => ready.resolve(),
    onSightings() {},
    onStatus() {},
    onJobs() {},
  });
  const to = { address: tester.address, expect: ["tester"], signal: stop.signal } as const;
  const following = feed.follow(await connect({ site, role: "watcher", ...to }));
  await ready.promise;
  const numbers: (number | undefined)[] = [];
  while (new Set(numbers).size <= 5 && writer.exitCode === null) {
    const photos = await Promise.all([false, true, false].map((crop) => feed.photo(id, crop)));
    numbers.push(...photos.map((photo) => photo && numberOf(photo)));
  }
  writer.kill("SIGKILL");
  expect(numbers).not.toContain(undefined);
  expect(new Set(numbers).size).toBeGreaterThan(5);
  stop.abort();
  await Promise.all([following.catch(() => {}), tester.ended]);
});

test.each(["before it is read", "before its photo is copied", "before its close-up is copied"] as const)(
  "`vigia sightings --photos` takes along the photo that its line names, though a better one comes %s",
  async (moment) => {
    using folder = tempFolder();
    const [data, taken] = [join(folder.path, "data"), join(folder.path, "taken")];
    using log = new SightingLog(data);
    log.open(numberedSighting(1), numberedPhoto(1), numberedPhoto(1));
    const { id, photo, closeUp } = log.open(numberedSighting(2), numberedPhoto(2), numberedPhoto(2));
    let isReplaced = false;
    const replace = (): void => {
      if (isReplaced) return;
      isReplaced = true;
      log.improve(id, numberedSighting(3), numberedPhoto(3), numberedPhoto(3));
    };
    const { pathOf } = PhotoFolder.prototype;
    using _meddle = spyOn(PhotoFolder.prototype, "pathOf").mockImplementation(function (
      this: PhotoFolder,
      name,
    ) {
      if (name === photo && moment === "before its photo is copied") replace();
      if (name === closeUp && moment === "before its close-up is copied") replace();
      return pathOf.call(this, name);
    });
    const { lines, failure } = await runCommand(command, { data, photos: taken, csv: true }, (line) => {
      // The list is read; the first of its lines is printed.
      if (line.startsWith("1,") && moment === "before it is read") replace();
    });
    expect([failure, isReplaced]).toEqual(["", true]);
    const [columns, ...rows] = lines.map((line) => line.split(","));
    for (const [i, row] of rows.entries()) {
      const valueIn = (name: string): string => row[columns!.indexOf(name)]!;
      expect(valueIn("x2")).toBe(["1", "3"][i]!);
      for (const column of ["photo", "closeUp"]) {
        expect(numberOf(readFileSync(join(taken, valueIn(column))))).toBe(Number(valueIn("x2")));
      }
    }
  },
);
