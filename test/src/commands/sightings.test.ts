import { expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { SightingLog } from "../../../shared/store/sightings.ts";
import { command } from "../../../src/commands/sightings.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { runCommand } from "../../support/run-command.ts";
import { tempFolder } from "../../support/temp.ts";
import { MAIN } from "../../support/vigia.ts";
import { visitOf } from "../../support/visits.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const JPEG = Uint8Array.of(0xff, 0xd8, 1, 0xff, 0xd9);
const DAY_MS = 86_400_000;

/** A closed sighting a day, the newest now; the second is a bus in the yard. */
function fill(folder: string, days: number): void {
  using log = new SightingLog(folder);
  for (let i = 0; i < days; i++) {
    const seenMs = Date.now() - (days - 1 - i) * DAY_MS;
    const other = i === 1 ? { className: "bus", camera: "yard" } : {};
    const { id } = log.open(visitOf({ firstSeenMs: seenMs, lastSeenMs: seenMs, ...other }), JPEG, JPEG);
    log.touch(id, { lastSeenMs: seenMs, lastMediaMs: undefined, path: [], closed: true });
  }
}

test("lists by time, class and camera", async () => {
  using folder = tempFolder();
  fill(folder.path, 5);
  const ids = async (flags: Record<string, string>): Promise<number[]> => {
    const { lines } = await runCommand(command, { data: folder.path, json: true, ...flags });
    return lines.map((line) => (JSON.parse(line) as { id: number }).id);
  };
  expect(await ids({})).toEqual([1, 2, 3, 4, 5]);
  expect(await ids({ since: "60h", until: "12h" })).toEqual([3, 4]);
  expect(await ids({ class: "bus" })).toEqual([2]);
  expect(await ids({ camera: "gate", until: "2.5d" })).toEqual([1]);
});

test("where nothing fits, it says what there is to ask for", async () => {
  using folder = tempFolder();
  fill(folder.path, 3);
  const { lines, logged } = await runCommand(command, { data: folder.path, class: "zebra" });
  expect(lines).toEqual([]);
  expect(logged.join("\n")).toContain("no sighting fits; the log has bus, parrot at gate, yard");
});

test("copies the photos of what it lists, and a table names them as they are there", async () => {
  using folder = tempFolder();
  fill(folder.path, 3);
  const out = join(folder.path, "out");
  const { lines } = await runCommand(command, { data: folder.path, class: "bus", photos: out, csv: true });
  const names = readdirSync(out).sort();
  expect(names).toHaveLength(2);
  expect(names[0]).toMatch(/^\d{4}-\d{2}-\d{2}-yard-\d{6}-\d{3}-[0-9a-f]{8}\.jpg$/);
  for (const name of names) expect(lines[1]!.split(",")).toContain(name);
});

test.skipIf(process.platform === "win32")(
  "a reader of the list that has gone ends it without a word",
  async () => {
    using folder = tempFolder();
    fill(folder.path, 3);
    const line = '"$0" "$1" sightings --data "$2" --csv --photos "$2/out" | true';
    const child = Bun.spawn(["sh", "-c", line, process.execPath, MAIN, folder.path], {
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    expect([out, err]).toEqual(["", ""]);
  },
);

test("removes what it lists; more than half of the log only when it is told twice", async () => {
  using folder = tempFolder();
  fill(folder.path, 4);
  await runCommand(command, { data: folder.path, class: "bus", remove: true });
  const refused = await runCommand(command, { data: folder.path, since: "60h", remove: true });
  expect(refused.failure).toBe("that would remove 2 of 3 sightings");
  using log = new SightingLog(folder.path);
  expect(log.list().map(({ id }) => id)).toEqual([1, 3, 4]);
  await runCommand(command, { data: folder.path, remove: true, yes: true });
  expect(log.count).toBe(0);
  expect(log.photos.list()).toEqual({ photos: [], closeUps: [], unfinished: [] });
});
