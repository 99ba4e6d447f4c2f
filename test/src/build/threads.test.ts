import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { parseTarget } from "../../../src/build/target.ts";
import { THREAD_URL, threadFiles } from "../../../src/build/threads.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const ROOT = resolve(import.meta.dir, "../../..");

test("every thread is started in the one form that also works in the executable", async () => {
  const started = new Set<string>();
  for (const path of new Bun.Glob("{src,roles,shared}/**/*.ts").scanSync({ cwd: ROOT })) {
    if (path.startsWith("src/build/")) continue;
    const source = readFileSync(join(ROOT, path), "utf8");
    for (const [, thread] of source.matchAll(THREAD_URL)) started.add(join(dirname(path), thread!));
    const workers = source.match(/new Worker\(/g)?.length ?? 0;
    expect({ path, inForm: [...source.matchAll(THREAD_URL)].length }).toEqual({ path, inForm: workers });
  }
  const files = (await threadFiles(ROOT)).map((path) => relative(ROOT, path));
  expect([...started].sort()).toEqual(files);
});

test("a target is named as Bun names it", () => {
  expect(parseTarget("bun-linux-arm64-musl")).toMatchObject({ os: "linux", cpu: "arm64", isMusl: true });
  expect(parseTarget("bun-windows-x64")).toMatchObject({ os: "win32", cpu: "x64", isMusl: false });
  expect(parseTarget().cpu).toBe(process.arch as "x64" | "arm64");
  expect(() => parseTarget("bun-amiga-m68k")).toThrow("no target bun-amiga-m68k");
});
