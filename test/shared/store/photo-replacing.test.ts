/** A photo that is replaced while others read: always the old or the new one, all of it, and the one of its row. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { closeUpOf } from "../../../shared/store/photos.ts";
import { SightingLog } from "../../../shared/store/sightings.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { numberedPhoto, numberedSighting, numberOf } from "../../support/numbered-photos.ts";
import { tempFolder } from "../../support/temp.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const REPLACEMENTS = 40;

function bytesOf(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

test("another process replaces a photo again and again: a reader never sees half of one, or none, or another row's", async () => {
  using folder = tempFolder();
  using log = new SightingLog(folder.path);
  const { id } = log.open(numberedSighting(0), numberedPhoto(0), numberedPhoto(0));
  const script = join(import.meta.dir, "../../support/replace-photos.ts");
  const writer = Bun.spawn([process.execPath, script, folder.path, `${id}`, `${REPLACEMENTS}`]);
  const seen = new Set<number>();
  const faults: string[] = [];
  while (writer.exitCode === null) {
    const { photo, box } = log.get(id)!;
    for (const name of [photo, closeUpOf(photo)]) {
      const bytes = bytesOf(log.photos.pathOf(name));
      // Gone is only what another one has replaced: then the row names that one.
      if (bytes === undefined && log.get(id)!.photo === photo) faults.push(`${box[2]}: none`);
      if (bytes !== undefined && numberOf(bytes) !== box[2]) faults.push(`${box[2]}: ${bytes.length} B`);
      if (bytes !== undefined) seen.add(box[2]);
    }
    const { photos, closeUps } = log.photos.list();
    for (const name of [...photos, ...closeUps]) {
      const bytes = bytesOf(log.photos.pathOf(name));
      if (bytes !== undefined && numberOf(bytes) === undefined) faults.push(`${name}: ${bytes.length} B`);
    }
    await new Promise(setImmediate); // lets the writer's end be heard of
  }
  expect(await writer.exited).toBe(0);
  expect(faults).toEqual([]);
  expect(seen.size).toBeGreaterThan(REPLACEMENTS / 10);
  const { photo, box } = log.get(id)!;
  expect(box[2]).toBe(REPLACEMENTS);
  expect(log.photos.list()).toEqual({ photos: [photo], closeUps: [closeUpOf(photo)], unfinished: [] });
});
