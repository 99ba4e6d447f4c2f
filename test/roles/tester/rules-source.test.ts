import { expect, test } from "bun:test";
import {
  chmodSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
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

const ZONE = {
  name: "door",
  polygon: [
    [0, 0],
    [1, 0],
    [1, 1],
  ],
};

test("rules that are saved stand in the file beside those of other cameras, and are in force", () => {
  using folder = tempFolder();
  const path = join(folder.path, "rules.json");
  writeFileSync(
    path,
    '{ "all": { "minHeightPercent": 4 }, "cameras": { "yard": { "minHeightPercent": 9 } } }',
  );
  const source = new RulesSource({ path, mayBeAbsent: true }, silentLog);
  const { revision } = source.written("gate");
  const saved = source.save({ camera: "gate", revision, rules: { zones: [ZONE] } });
  expect(saved).toMatchObject({ outcome: "saved", revision: source.written("gate").revision });
  expect(source.refresh()).toBe(true);
  expect(source.rules.cameras.yard).toEqual({ heightMin: 0.09 });
  expect(source.rules.cameras.gate?.zones).toMatchObject([{ name: "door" }]);
  expect(readFileSync(path, "utf8")).toContain("[1, 0],\n"); // a corner to a line, as people write
  expect(readdirSync(folder.path)).toEqual(["rules.json"]);

  expect(source.save({ camera: "gate", revision, rules: {} })).toMatchObject({ outcome: "outdated" });
  // A change of another camera is no reason to refuse.
  expect(source.save({ camera: "yard", revision: source.written("yard").revision, rules: {} }).outcome).toBe(
    "saved",
  );
  expect(source.save({ camera: "gate", revision: saved.revision, rules: {} }).outcome).toBe("saved");
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({ all: { minHeightPercent: 4 }, cameras: {} });
});

test("the first rules that are saved make the file", () => {
  using folder = tempFolder();
  const path = join(folder.path, "data/rules.json");
  const source = new RulesSource({ path, mayBeAbsent: true }, silentLog);
  const { revision } = source.written("gate");
  expect(source.save({ camera: "gate", revision, rules: { minHeightPercent: 7 } }).outcome).toBe("saved");
  expect(source.refresh()).toBe(true);
  expect(source.rules.cameras.gate).toEqual({ heightMin: 0.07 });
});

test("rules with a mistake, and a file with one, are refused with the reason, and the file stays", () => {
  using folder = tempFolder();
  const path = join(folder.path, "rules.json");
  writeFileSync(path, rulesText(10));
  const source = new RulesSource({ path, mayBeAbsent: true }, silentLog);
  const { revision } = source.written("gate");
  const bad = source.save({ camera: "gate", revision, rules: { zones: [{ ...ZONE, dwellSeconds: -1 }] } });
  expect(bad.outcome).toBe("refused");
  expect(bad.reason).toContain(
    "cameras.gate.zones[0].dwellSeconds is -1 (expected: a number from 0 to 86400)",
  );
  expect(readFileSync(path, "utf8")).toBe(rulesText(10));
  writeFileSync(path, "{");
  expect(source.written("gate").problem).toContain("is no JSON");
  expect(source.save({ camera: "gate", revision, rules: {} }).outcome).toBe("refused");
  expect(readFileSync(path, "utf8")).toBe("{");
  const without = new RulesSource(undefined, silentLog);
  expect(without.save({ camera: "gate", revision, rules: {} }).reason).toContain("--rules FILE.json");
});

test.skipIf(process.platform === "win32")("a linked file stays linked, and as readable as it was", () => {
  using folder = tempFolder();
  const [path, link] = [join(folder.path, "site-rules.json"), join(folder.path, "rules.json")];
  writeFileSync(path, rulesText(10));
  chmodSync(path, 0o604);
  symlinkSync(path, link);
  const source = new RulesSource({ path: link, mayBeAbsent: false }, silentLog);
  const { revision } = source.written("gate");
  expect(source.save({ camera: "gate", revision, rules: { zones: [ZONE] } }).outcome).toBe("saved");
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(path, "utf8")).toContain("door");
  expect(statSync(path).mode & 0o777).toBe(0o604);
});
