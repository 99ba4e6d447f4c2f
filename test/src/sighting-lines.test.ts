import { expect, test } from "bun:test";
import { resolve } from "node:path";
import type { Sighting } from "../../shared/store/sighting.ts";
import { sinceFlag } from "../../src/commands/sightings.ts";
import { CSV_HEADER, sightingCsv, sightingJson, sightingText } from "../../src/sighting-lines.ts";

const SIGHTING: Sighting = {
  id: 4,
  camera: "gate",
  className: "parrot",
  score: 0.87654,
  firstSeenMs: Date.UTC(2026, 10, 21, 14, 30, 5, 123),
  lastSeenMs: Date.UTC(2026, 10, 21, 14, 30, 6, 5),
  firstMediaMs: 1500,
  lastMediaMs: 2382,
  box: [1.04, 2, 30.55, 40],
  photo: "photos/2026-11-21/gate.jpg",
  closed: true,
  model: "garden",
  modelVersion: 3,
  revision: 9,
};

test("JSON has the fields that scripts rely on", () => {
  expect(JSON.parse(sightingJson(SIGHTING, "data"))).toEqual({
    id: 4,
    camera: "gate",
    class: "parrot",
    score: 0.8765,
    firstSeen: "2026-11-21T14:30:05.123Z",
    lastSeen: "2026-11-21T14:30:06.005Z",
    firstSeenSeconds: 1.5,
    lastSeenSeconds: 2.382,
    box: [1, 2, 30.6, 40],
    photo: resolve("data/photos/2026-11-21/gate.jpg"),
    model: "garden",
    modelVersion: 3,
  });
});

test("CSV quotes what must be quoted, and no class becomes a formula", () => {
  const odd = { ...SIGHTING, camera: 'the "old", gate', className: "=HYPERLINK(1)" };
  const line = sightingCsv(odd, "/data");
  expect(line.split(",").length).toBeGreaterThan(CSV_HEADER.split(",").length);
  expect(line).toStartWith('4,"the ""old"", gate",\'=HYPERLINK(1),0.8765,2026-11-21T14:30:05.123Z');
});

test("--since takes a day, a moment or a time ago", () => {
  const now = Date.UTC(2026, 10, 21, 12);
  expect(sinceFlag("90m", now)).toBe(now - 90 * 60_000);
  expect(sinceFlag("1.5d", now)).toBe(now - 36 * 3_600_000);
  expect(sinceFlag("2026-11-20", now)).toBe(new Date(2026, 10, 20).getTime());
  expect(sinceFlag("2026-11-21T10:00:00Z", now)).toBe(now - 2 * 3_600_000);
  expect(() => sinceFlag("yesterday", now)).toThrow("is no time");
});

test("who it is stands beside what it is, where it is known, and nowhere else", () => {
  const maria = { ...SIGHTING, className: "person", name: "Maria" };
  expect(JSON.parse(sightingJson(maria, "data"))).toMatchObject({ class: "person", name: "Maria" });
  expect(JSON.parse(sightingJson(SIGHTING, "data"))).not.toHaveProperty("name");
  expect(sightingText(maria)).toContain(" person Maria ");
  expect(CSV_HEADER.split(",").at(-1)).toBe("name");
  expect(sightingCsv(maria, "data").split(",").at(-1)).toBe("Maria");
});
