import { expect, test } from "bun:test";
import { renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RulesSource } from "../../../roles/tester/rules-source.ts";
import { silentLog } from "../../../shared/base/log.ts";
import { tempFolder } from "../../support/temp.ts";

const rulesText = (minHeightPercent: number): string => JSON.stringify({ all: { minHeightPercent } });

test("rules whose file is gone for a moment, as while an editor replaces it, stay in force", () => {
  using folder = tempFolder();
  const path = join(folder.path, "rules.json");
  writeFileSync(path, rulesText(10));
  const source = new RulesSource({ path, mayBeAbsent: true }, silentLog);
  renameSync(path, `${path}~`);
  expect(source.refresh()).toBe(false);
  expect(source.rules.all).toEqual({ heightMin: 0.1 });
  writeFileSync(path, rulesText(20));
  expect(source.refresh()).toBe(true);
  expect(source.rules.all).toEqual({ heightMin: 0.2 });
  rmSync(path);
  expect([source.refresh(), source.refresh()]).toEqual([false, true]);
  expect(source.rules.all).toEqual({});
});

test.skipIf(process.platform === "win32")(
  "a path that cannot be looked at leaves the rules as they were",
  () => {
    using folder = tempFolder();
    const path = join(folder.path, "rules.json");
    writeFileSync(path, rulesText(10));
    const source = new RulesSource({ path, mayBeAbsent: true }, silentLog);
    rmSync(path);
    symlinkSync(path, path); // a link to itself: ELOOP
    expect([source.refresh(), source.refresh()]).toEqual([false, false]);
    expect(source.rules.all).toEqual({ heightMin: 0.1 });
    rmSync(path);
    writeFileSync(path, rulesText(20));
    expect(source.refresh()).toBe(true);
    expect(source.rules.all).toEqual({ heightMin: 0.2 });
  },
);
