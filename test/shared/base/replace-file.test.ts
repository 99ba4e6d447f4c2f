import { expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { tempFolder } from "../../support/temp.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const REPLACE_FILE = join(import.meta.dir, "../../../shared/base/replace-file.ts");
const SIZE_BYTES = 2 * 1024 * 1024;

/** A program that replaces a file by one of `a`s, of `b`s, ... of the alphabet's first letters. */
function replacing(path: string, times: number): string {
  return `
    const { replaceFile } = await import(${JSON.stringify(REPLACE_FILE)});
    for (let i = 0; i < ${times}; i++)
      replaceFile(${JSON.stringify(path)}, Buffer.alloc(${SIZE_BYTES}, 97 + (i % 26)));
  `;
}

test("whoever reads a file while another process replaces it gets the old or the new one, all of it", async () => {
  using folder = tempFolder();
  const path = join(folder.path, "rules.json");
  writeFileSync(path, Buffer.alloc(SIZE_BYTES, 97));
  const writer = Bun.spawn([process.execPath, "-e", replacing(path, 26)]);
  const letters = new Set<number>();
  while (writer.exitCode === null) {
    const bytes = readFileSync(path);
    expect(bytes.equals(Buffer.alloc(SIZE_BYTES, bytes[0]))).toBe(true);
    letters.add(bytes[0]!);
    await new Promise(setImmediate); // lets the writer's end be heard of
  }
  expect(await writer.exited).toBe(0);
  expect(letters.size).toBeGreaterThan(3);
  expect(readdirSync(folder.path)).toEqual(["rules.json"]);
});

test.skipIf(process.platform === "win32")(
  "what is cut off in the middle leaves the old file as it was",
  () => {
    using folder = tempFolder();
    const path = join(folder.path, "rules.json");
    writeFileSync(path, "old");
    // The system lets this process write no file of more than half of that.
    const limited = `ulimit -f ${SIZE_BYTES / 2 / 512}; exec "$0" -e "$1"`;
    const { success } = Bun.spawnSync(["sh", "-c", limited, process.execPath, replacing(path, 1)]);
    expect(success).toBe(false);
    expect(readFileSync(path, "utf8")).toBe("old");
  },
);
