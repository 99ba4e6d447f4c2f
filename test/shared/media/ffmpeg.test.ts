import { expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { search } from "../../../shared/media/ffmpeg.ts";
import { tempFolder } from "../../support/temp.ts";

/** A program that says it is ffmpeg of a version. */
function fake(folder: string, name: string, version: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\necho "ffmpeg version ${version} Copyright"\n`);
  chmodSync(path, 0o755);
  return path;
}
const none = async () => undefined;

test.skipIf(process.platform === "win32")(
  "ffmpeg is looked for in its order, and what does not run is passed over",
  async () => {
    using folder = tempFolder();
    const named = fake(folder.path, "named", "7.1");
    const embedded = fake(folder.path, "embedded", "6.0");
    const packaged = fake(folder.path, "packaged", "5.0.1");
    const onPath = fake(folder.path, "ffmpeg", "N-118193-g5f38c8");
    const broken = join(folder.path, "broken");
    writeFileSync(broken, "not a program");
    const places = { fromPackage: async () => packaged, pathVariable: folder.path };
    const found = async (...search: Promise<{ path: string }>[]) => (await search[0]!).path;
    expect(await found(search(named, async () => embedded, places))).toBe(named);
    expect(await found(search(undefined, async () => embedded, places))).toBe(embedded);
    expect(await found(search("", async () => broken, places))).toBe(packaged);
    expect(await found(search(undefined, none, { ...places, fromPackage: none }))).toBe(onPath);
  },
);

test("FFMPEG_PATH that does not run is an error, and nothing else is tried", async () => {
  await expect(search("/no/such/ffmpeg", none)).rejects.toMatchObject({
    kind: "usage",
    message: "FFMPEG_PATH names /no/such/ffmpeg, which does not run",
  });
});

test("without an ffmpeg the error names what to install", async () => {
  const nowhere = { fromPackage: none, pathVariable: "" };
  const error = await search(undefined, none, nowhere).catch((reason) => reason);
  expect(error).toMatchObject({ kind: "unavailable" });
  expect(error.hint).toMatch(/apt install ffmpeg|brew install ffmpeg|winget install ffmpeg|ffmpeg\.org/);
});

test.skipIf(process.platform === "win32")(
  "the option that keeps times is the one that the version knows",
  async () => {
    using folder = tempFolder();
    const times = {
      "4.4.2": "-vsync",
      "5.0": "-vsync",
      "5.1.9-0+deb12u1": "-fps_mode",
      n7: "-fps_mode",
      "N-1-g2": "-fps_mode",
    };
    for (const [version, option] of Object.entries(times)) {
      const found = await search(fake(folder.path, "one", version), none);
      expect([version, found.keepTimes[0]!]).toEqual([version, option]);
    }
  },
);
