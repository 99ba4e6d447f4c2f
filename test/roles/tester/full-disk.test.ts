import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { SightingLog } from "../../../shared/store/sightings.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { startTester, startVideo, testSite } from "../../support/site-roles.ts";
import { drawSlideShow } from "../../support/slide-show.ts";
import { tempFolder } from "../../support/temp.ts";
import { untilStatus } from "../../support/until-status.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

/** Tries it: a container may hold root and still not let it mount. */
function canMount(): boolean {
  using folder = tempFolder();
  const mounted = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder.path]).success;
  if (mounted) Bun.spawnSync(["umount", folder.path]);
  return mounted;
}

/** Takes all the room that is left. */
function fill(path: string): void {
  const file = openSync(path, "w");
  try {
    for (const size of [65_536, 4096]) {
      const bytes = new Uint8Array(size);
      for (let room = true; room; ) {
        try {
          room = writeSync(file, bytes) === size;
        } catch {
          room = false;
        }
      }
    }
  } finally {
    closeSync(file);
  }
}

describe.skipIf(process.platform !== "linux" || !canMount())("a full disk (a small tmpfs)", () => {
  test("stops the writing with an alarm, loses nothing, and saves again when there is room", async () => {
    using folder = tempFolder();
    const disk = join(folder.path, "data");
    mkdirSync(disk);
    expect(Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk]).success).toBe(true);
    const stop = new AbortController();
    try {
      const site = testSite();
      await drawSlideShow(join(folder.path, "pictures"), 1, 6);
      const source = `${join(folder.path, "pictures")}?seconds=0.6&fps=10&loop=1`;
      const video = await startVideo(site, [{ name: "gate", source }], stop.signal);
      const tester = await startTester(site, folder.path, [video.address], stop.signal);
      await untilStatus(site, tester.address, ({ cameras }) => (cameras[0]?.open ?? 0) > 0);
      fill(join(disk, "filler"));
      const full = await untilStatus(site, tester.address, ({ alarm }) => alarm !== undefined);
      expect(full.alarm).toMatchObject({
        kind: "disk-full",
        text: expect.stringContaining("the disk is full"),
      });
      expect(full.cameras[0]!.status.state).toBe("live");
      rmSync(join(disk, "filler"));
      await untilStatus(site, tester.address, ({ alarm }) => alarm === undefined);
      stop.abort();
      await Promise.all([video.ended, tester.ended]);
      using log = new SightingLog(disk);
      expect(log.check({ mend: false })).toMatchObject({ rowsWithoutPhoto: [], databaseErrors: [] });
      expect(log.list().map(({ closed }) => closed)).not.toContain(false);
      expect(log.count).toBeGreaterThan(0);
    } finally {
      stop.abort();
      Bun.spawnSync(["umount", "-l", disk]);
    }
  }, 60_000);
});
