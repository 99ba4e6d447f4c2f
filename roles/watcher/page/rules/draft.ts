import type { Point } from "../../../../shared/detect/near/geometry.ts";
import type { WrittenRules } from "../../../../shared/detect/near/written-rules.ts";
import type { RulesView } from "../../view.ts";

/** A camera's rules while they are being drawn. Places are shares of the picture. */
export interface Draft {
  minHeightPercent: number;
  shapes: Shape[];
  distance: DraftDistance | undefined;
}

/** What is drawn on the picture: corners of a polygon, or the two ends of a line. */
export interface Shape {
  readonly kind: ShapeKind;
  /** Masks have none. */
  name: string;
  corners: Point[];
  /** All count when empty. */
  classes: string[];
  /** Zones only. */
  minHeightPercent: number | undefined;
  dwellSeconds: number;
  /** Lines only: from the left of the line to its right as seen from its first end, or both ways. */
  direction: "left-to-right" | "both";
}

export type ShapeKind = "zone" | "line" | "mask";

export interface DraftDistance {
  near: { y: number; meters: number };
  far: { y: number; meters: number };
  nearMeters: number;
}

/** Corners that a shape must have, and may. */
export const CORNERS = { zone: [3, 64], mask: [3, 64], line: [2, 2] } as const;

const NEW_DISTANCE: DraftDistance = {
  near: { y: 0.9, meters: 3 },
  far: { y: 0.5, meters: 12 },
  nearMeters: 8,
};

export function newShape(kind: ShapeKind, name: string, corners: Point[]): Shape {
  return {
    kind,
    name,
    corners,
    classes: [],
    minHeightPercent: undefined,
    dwellSeconds: 0,
    direction: "left-to-right",
  };
}

export function newDistance(): DraftDistance {
  return structuredClone(NEW_DISTANCE);
}

/** The rules that are in force at a camera, to be changed. */
export function draftOf({ own, all, minHeightPercent }: RulesView): Draft {
  const rules: WrittenRules = { ...all, ...own };
  const marks = rules.distance?.marks.toSorted((a, b) => a.meters - b.meters);
  return {
    minHeightPercent: rules.minHeightPercent ?? minHeightPercent,
    shapes: [
      ...(rules.zones ?? []).map((zone) => ({
        ...newShape("zone", zone.name, [...zone.polygon]),
        classes: [...(zone.classes ?? [])],
        minHeightPercent: zone.minHeightPercent,
        dwellSeconds: zone.dwellSeconds ?? 0,
      })),
      ...(rules.lines ?? []).map(({ name, from, to, direction = "both", classes = [] }) => ({
        // The arrow points from left to right: a line that counts the other way is the same one, turned round.
        ...newShape("line", name, direction === "right-to-left" ? [to, from] : [from, to]),
        classes: [...classes],
        direction: direction === "both" ? direction : ("left-to-right" as const),
      })),
      ...(rules.masks ?? []).map((mask) => newShape("mask", "", [...mask])),
    ],
    distance: rules.distance && {
      near: { ...marks![0]! },
      far: { ...marks![1]! },
      nearMeters: rules.distance.nearMeters,
    },
  };
}

/** What is to be written for the camera: only what the rules for all cameras do not say anyway. */
export function rulesOf(draft: Draft, { own, all, minHeightPercent }: RulesView): WrittenRules {
  const of = (kind: ShapeKind): Shape[] => draft.shapes.filter((shape) => shape.kind === kind);
  const wanted: WrittenRules = {
    minHeightPercent: draft.minHeightPercent,
    zones: of("zone").map(({ name, corners, classes, minHeightPercent: least, dwellSeconds }) => ({
      name,
      polygon: corners,
      ...(classes.length > 0 && { classes }),
      ...(least !== undefined && { minHeightPercent: least }),
      ...(dwellSeconds > 0 && { dwellSeconds }),
    })),
    lines: of("line").map(({ name, corners, classes, direction }) => ({
      name,
      from: corners[0]!,
      to: corners[1]!,
      ...(direction !== "both" && { direction }),
      ...(classes.length > 0 && { classes }),
    })),
    masks: of("mask").map(({ corners }) => corners),
    ...(draft.distance && {
      distance: {
        marks: [draft.distance.near, draft.distance.far],
        nearMeters: draft.distance.nearMeters,
      },
    }),
  };
  const without: WrittenRules = { minHeightPercent, zones: [], lines: [], masks: [], ...all };
  const said = Object.entries(wanted).filter(
    ([field, value]) => JSON.stringify(value) !== JSON.stringify(without[field as keyof WrittenRules]),
  );
  return { ...Object.fromEntries(said), ...(own.thresholds && { thresholds: own.thresholds }) };
}

/** A place inside the picture, to a hundredth of a percent. */
export function inside([x, y]: Point): Point {
  return [rounded(Math.min(1, Math.max(0, x))), rounded(Math.min(1, Math.max(0, y)))];
}

function rounded(share: number): number {
  return Math.round(10_000 * share) / 10_000;
}

/** All corners by the same way, as far as they stay inside the picture. */
export function moved(corners: readonly Point[], [dx, dy]: Point): Point[] {
  const xs = corners.map(([x]) => x);
  const ys = corners.map(([, y]) => y);
  const right = Math.min(1 - Math.max(...xs), Math.max(-Math.min(...xs), dx));
  const down = Math.min(1 - Math.max(...ys), Math.max(-Math.min(...ys), dy));
  return corners.map(([x, y]) => inside([x + right, y + down]));
}

/** The first of "Zone 1", "Zone 2", ... that is free. */
export function freeName(shapes: readonly Shape[], word: string): string {
  for (let n = 1; ; n++) {
    const name = `${word} ${n}`;
    if (shapes.every((shape) => shape.name !== name)) return name;
  }
}
