import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { TesterFeed } from "../../../roles/watcher/tester-feed.ts";
import { connect } from "../../../shared/net/connect.ts";
import { SightingLog } from "../../../shared/store/sightings.ts";
import { command } from "../../../src/commands/sightings.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { numberedPhoto, numberedSighting, numberOf } from "../../support/numbered-photos.ts";
import { runCommand } from "../../support/run-command.ts";
import { startTester, testSite } from "../../support/site-roles.ts";
import { tempFolder } from "../../support/temp.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

/** A log of one sighting, whose photo another process replaces by better ones as fast as it can. */
function replacing(dataDir: string, count: number): { readonly id: number; readonly writer: Subprocess } {
  using log = new SightingLog(dataDir);
  const { id } = log.open(numberedSighting(0), numberedPhoto(0), numberedPhoto(0));
  const script = join(import.meta.dir, "../../support/replace-photos.ts");
  return { id, writer: Bun.spawn([process.execPath, script, dataDir, `${id}`, `${count}`]) };
}

test("who asks for a photo while better ones come gets a whole one each time", async () => {
  using folder = tempFolder();
  const site = testSite();
  const stop = new AbortController();
  const tester = await startTester(site, folder.path, [], stop.signal);
  const { id, writer } = replacing(join(folder.path, "data"), 40);
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
  while (writer.exitCode === null) {
    const photos = await Promise.all([false, true, false].map((crop) => feed.photo(id, crop)));
    numbers.push(...photos.map((photo) => photo && numberOf(photo)));
  }
  expect(numbers).not.toContain(undefined);
  expect(new Set(numbers).size).toBeGreaterThan(5);
  stop.abort();
  await Promise.all([following.catch(() => {}), tester.ended]);
});

test("`vigia sightings --photos` takes along the photo that its line names, also while better ones come", async () => {
  using folder = tempFolder();
  const [data, taken] = [join(folder.path, "data"), join(folder.path, "taken")];
  await mkdir(data);
  const { writer } = replacing(data, 40);
  let listed = 0;
  while (writer.exitCode === null) {
    const { lines, failure } = await runCommand(command, { data, photos: taken, csv: true });
    expect(failure).toBe("");
    const [columns, values] = lines.map((line) => line.split(","));
    const valueIn = (name: string) => values![columns!.indexOf(name)]!;
    for (const column of ["photo", "closeUp"]) {
      const photo = readFileSync(join(taken, valueIn(column)));
      expect(numberOf(photo)).toBe(Number(valueIn("x2")));
    }
    listed++;
  }
  expect(listed).toBeGreaterThan(2);
});
