import type { Box } from "../detect/types.ts";
import type { PathPoint, Sighting } from "./sighting.ts";

/** A row as SQLite gives it. */
export interface SightingRow {
  readonly id: number;
  readonly camera: string;
  readonly class: string;
  readonly score: number;
  readonly first_seen_ms: number;
  readonly last_seen_ms: number;
  readonly first_media_ms: number | null;
  readonly last_media_ms: number | null;
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
  readonly photo: string;
  readonly close_up: string | null;
  /** `PathPoint`s as JSON: `[[atMs, x1, y1, x2, y2], ...]`. */
  readonly path: string | null;
  readonly clock_ahead_ms: number | null;
  readonly zone: string | null;
  readonly name: string | null;
  readonly closed: number;
  readonly model: string;
  readonly model_version: number;
  readonly revision: number;
}

export function fromRow(row: SightingRow): Sighting {
  const box: Box = [row.x1, row.y1, row.x2, row.y2];
  return {
    id: row.id,
    camera: row.camera,
    className: row.class,
    score: row.score,
    firstSeenMs: row.first_seen_ms,
    lastSeenMs: row.last_seen_ms,
    firstMediaMs: row.first_media_ms ?? undefined,
    lastMediaMs: row.last_media_ms ?? undefined,
    box,
    photo: row.photo,
    closeUp: row.close_up ?? undefined,
    path: row.path === null ? undefined : pathFromText(row.path),
    clockAheadMs: row.clock_ahead_ms ?? undefined,
    zone: row.zone ?? undefined,
    name: row.name ?? undefined,
    closed: row.closed === 1,
    model: row.model,
    modelVersion: row.model_version,
    revision: row.revision,
  };
}

/** A path as it is kept in a row. */
export function pathText(path: readonly PathPoint[]): string {
  const short = (share: number): number => Math.round(share * 1e4) / 1e4;
  return JSON.stringify(path.map(({ atMs, box }) => [Math.round(atMs), ...box.map(short)]));
}

function pathFromText(text: string): PathPoint[] {
  const points = JSON.parse(text) as readonly (readonly [number, number, number, number, number])[];
  return points.map(([atMs, x1, y1, x2, y2]) => ({ atMs, box: [x1, y1, x2, y2] }));
}
