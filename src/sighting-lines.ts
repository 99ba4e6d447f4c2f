import { resolve } from "node:path";
import { type Sighting, thingText } from "../shared/store/sighting.ts";

/** A sighting as `--json` prints it. `photo` is an absolute path. */
export function sightingJson(sighting: Sighting, dataDir: string): string {
  const seconds = (ms: number | undefined): number | undefined =>
    ms === undefined ? undefined : Math.round(ms) / 1000;
  return JSON.stringify({
    id: sighting.id,
    camera: sighting.camera,
    class: sighting.className,
    name: sighting.name,
    score: round(sighting.score, 4),
    firstSeen: new Date(sighting.firstSeenMs).toISOString(),
    lastSeen: new Date(sighting.lastSeenMs).toISOString(),
    firstSeenSeconds: seconds(sighting.firstMediaMs),
    lastSeenSeconds: seconds(sighting.lastMediaMs),
    box: sighting.box.map((side) => round(side, 1)),
    photo: resolve(dataDir, sighting.photo),
    model: sighting.model,
    modelVersion: sighting.modelVersion,
  });
}

/** A sighting for people: when, where, what. Times are local; for files, seconds into the file. */
export function sightingText(sighting: Sighting): string {
  const when =
    sighting.firstMediaMs === undefined
      ? new Date(sighting.firstSeenMs).toLocaleString("sv")
      : `${(sighting.firstMediaMs / 1000).toFixed(1)} s`;
  const lasted = (sighting.lastSeenMs - sighting.firstSeenMs) / 1000;
  const percent = `${Math.round(100 * sighting.score)}%`;
  return `${when}  ${sighting.camera.padEnd(12)} ${thingText(sighting).padEnd(14)} ${percent.padStart(4)}  ${lasted.toFixed(1)} s  ${sighting.photo}`;
}

export const CSV_HEADER = "id,camera,class,score,firstSeen,lastSeen,x1,y1,x2,y2,photo,name";

/** A sighting as a line of CSV (RFC 4180). */
export function sightingCsv(sighting: Sighting, dataDir: string): string {
  return [
    sighting.id,
    sighting.camera,
    sighting.className,
    round(sighting.score, 4),
    new Date(sighting.firstSeenMs).toISOString(),
    new Date(sighting.lastSeenMs).toISOString(),
    ...sighting.box.map((side) => round(side, 1)),
    resolve(dataDir, sighting.photo),
    sighting.name ?? "",
  ]
    .map((field) => csvField(String(field)))
    .join(",");
}

/** Quotes where RFC 4180 asks for it; a leading `=`, `+`, `-` or `@` in text must not become a spreadsheet's formula. */
function csvField(text: string): string {
  const safe = /^[=+\-@]/.test(text) && !/^-?\d/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
