import { resolve } from "node:path";
import { type Sighting, thingText } from "../shared/store/sighting.ts";

/** A sighting as `--json` prints it. `photo` is an absolute path; `path` holds [ms, x1, y1, x2, y2] in shares. */
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
    closeUp: sighting.closeUp === undefined ? undefined : resolve(dataDir, sighting.closeUp),
    zone: sighting.zone,
    closed: sighting.closed,
    clockAheadMs: sighting.clockAheadMs,
    path: sighting.path?.map(({ atMs, box }) => [Math.round(atMs), ...box.map((side) => round(side, 4))]),
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

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
