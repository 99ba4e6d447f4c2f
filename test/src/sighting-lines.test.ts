import { expect, test } from "bun:test";
import { resolve } from "node:path";
import type { Sighting } from "../../shared/store/sighting.ts";
import { csvHeader, csvLine, PLAIN_CSV, spreadsheetCsv } from "../../shared/store/sighting-csv.ts";
import { timeFlag } from "../../src/commands/sightings.ts";
import { sightingJson, sightingText } from "../../src/sighting-lines.ts";

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
    closed: true,
    model: "garden",
    modelVersion: 3,
  });
});

test("CSV quotes what must be quoted, and no class becomes a formula", () => {
  const odd = {
    ...SIGHTING,
    camera: 'the "old", gate',
    className: "=HYPERLINK(1)",
    name: "-1+cmd|' /C calc'!A0",
  };
  const line = csvLine(odd, PLAIN_CSV);
  expect(line.split(",").length).toBeGreaterThan(csvHeader(PLAIN_CSV).split(",").length);
  expect(line).toStartWith('4,"the ""old"", gate",\'=HYPERLINK(1),0.8765,2026-11-21T14:30:05.123Z');
  expect(line).toContain(",'-1+cmd|' /C calc'!A0,");
});

test("a spreadsheet gets its country's form: semicolons and decimal commas in Spain, neither in Mexico", () => {
  const when = new Date(SIGHTING.firstSeenMs).toLocaleString("sv");
  expect(csvLine(SIGHTING, spreadsheetCsv("es-ES"))).toStartWith(`4;gate;parrot;0,8765;${when};`);
  expect(csvLine(SIGHTING, spreadsheetCsv("es-MX"))).toStartWith(`4,gate,parrot,0.8765,${when},`);
  expect(csvHeader(spreadsheetCsv("es-ES"))).toStartWith("\ufeffid;cámara;clase;");
  expect(csvHeader(spreadsheetCsv("no such tag"))).toStartWith("\ufeffid");
});

test("--since and --until take a day, a moment or a time ago", () => {
  const now = Date.UTC(2026, 10, 21, 12);
  expect(timeFlag("since", "90m", now)).toBe(now - 90 * 60_000);
  expect(timeFlag("since", "1.5d", now)).toBe(now - 36 * 3_600_000);
  expect(timeFlag("since", "2026-11-20", now)).toBe(new Date(2026, 10, 20).getTime());
  expect(timeFlag("since", "2026-11-21T10:00:00Z", now)).toBe(now - 2 * 3_600_000);
  expect(timeFlag("until", "2026-11-20", now)).toBe(new Date(2026, 10, 21).getTime());
  expect(() => timeFlag("since", "yesterday", now)).toThrow("is no time");
});

test("who it is stands beside what it is, where it is known, and nowhere else", () => {
  const maria = { ...SIGHTING, className: "person", name: "Maria" };
  expect(JSON.parse(sightingJson(maria, "data"))).toMatchObject({ class: "person", name: "Maria" });
  expect(JSON.parse(sightingJson(SIGHTING, "data"))).not.toHaveProperty("name");
  expect(sightingText(maria)).toContain(" person Maria ");
  const place = csvHeader(PLAIN_CSV).split(",").indexOf("name");
  expect(csvLine(maria, PLAIN_CSV).split(",")[place]).toBe("Maria");
});
