import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  utimesSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { AppError } from "../../../shared/base/errors.ts";
import { memoryFile } from "../../../shared/native/memory-file.ts";
import { type EmbeddedSet, extract, storeRoots, withExtracted } from "../../../shared/native/store.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { tempFolder } from "../../support/temp.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const REPOSITORY = resolve(import.meta.dir, "../../..");

/** Any two files will do: the store does not look into them. */
const set: EmbeddedSet = {
  key: "sample-0123456789abcdef",
  files: [
    { source: join(REPOSITORY, "package.json"), name: "library.so" },
    { source: join(REPOSITORY, "LICENSE"), name: "tool", isProgram: true },
  ],
};

const whole = (folder: string) =>
  set.files.every(({ source, name }) => readFileSync(join(folder, name)).equals(readFileSync(source)));

describe("the store of native files", () => {
  test("writes a set out once, and leaves nothing else", () => {
    using root = tempFolder();
    const folder = extract(join(root.path, "store"), set);
    expect(whole(folder)).toBe(true);
    expect(extract(join(root.path, "store"), set)).toBe(folder);
    expect(readdirSync(join(root.path, "store"))).toEqual([set.key]);
  });

  test("replaces what is cut, missing, or no folder", () => {
    using root = tempFolder();
    const folder = extract(root.path, set);
    truncateSync(join(folder, "library.so"), 10);
    expect(whole(extract(root.path, set))).toBe(true);

    using other = tempFolder();
    Bun.spawnSync(["touch", join(other.path, set.key)]);
    expect(whole(extract(other.path, set))).toBe(true);
    expect(readdirSync(other.path)).toEqual([set.key]);
  });

  test("is right after many first starts at once", async () => {
    using root = tempFolder();
    const script = `
      import { extract } from ${JSON.stringify(join(REPOSITORY, "shared/native/store.ts"))};
      process.stdout.write(extract(${JSON.stringify(root.path)}, ${JSON.stringify(set)}));`;
    const starts = Array.from({ length: 8 }, () =>
      Bun.spawn([process.execPath, "-e", script], { stderr: "inherit" }),
    );
    const folders = await Promise.all(starts.map((start) => new Response(start.stdout).text()));
    expect(new Set(folders)).toEqual(new Set([join(root.path, set.key)]));
    expect(whole(folders[0]!)).toBe(true);
    expect(readdirSync(root.path)).toEqual([set.key]);
  });

  test("does not load from a folder that others may write to, nor through a link", () => {
    using root = tempFolder();
    const open = join(root.path, "open");
    mkdirSync(open);
    chmodSync(open, 0o777);
    const link = join(root.path, "link");
    symlinkSync(root.path, link);
    expect(() => extract(open, set)).toThrow("other users");
    expect(() => extract(link, set)).toThrow("not a folder");
    expect(existsSync(join(root.path, set.key))).toBe(false);
  });

  test("goes on to the next root, then to memory, and tells all that failed", () => {
    using root = tempFolder();
    const roots = ["/proc/nowhere", join(root.path, "noexec"), join(root.path, "good")];
    const use = (folder: string) => {
      if (folder.includes("noexec")) throw new Error("failed to map segment");
      return folder;
    };
    expect(withExtracted(set, use, { roots })).toBe(join(root.path, "good", set.key));
    expect(withExtracted(set, use, { roots: roots.slice(0, 2), inMemory: () => "memory" })).toBe("memory");
    const attempt = () => withExtracted(set, use, { roots: roots.slice(0, 2) });
    expect(attempt).toThrow(AppError);
    expect(attempt).toThrow(/proc.*failed to map segment/);
  });

  test("forgets a version that no start has used for a month, and keeps the others", () => {
    using root = tempFolder();
    const long = new Date(Date.now() - 40 * 24 * 3600 * 1000);
    for (const name of ["sample-old", "sample-recent", "other-old", ".new-sample-broken"]) {
      mkdirSync(join(root.path, name));
      if (!name.endsWith("recent")) utimesSync(join(root.path, name), long, long);
    }
    withExtracted(set, () => {}, { roots: [root.path] });
    expect(readdirSync(root.path).sort()).toEqual(["other-old", set.key, "sample-recent"].sort());
  });

  test("asks VIGIA_CACHE_DIR first", () => {
    expect(storeRoots({ VIGIA_CACHE_DIR: "/somewhere" })[0]).toBe("/somewhere");
  });
});

test.skipIf(process.platform !== "linux")("a file in memory has the bytes, and is made once", () => {
  const file = set.files[0]!;
  const path = memoryFile(file);
  expect(readFileSync(path).equals(readFileSync(file.source))).toBe(true);
  expect(memoryFile(file)).toBe(path);
});
