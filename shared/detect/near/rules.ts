import type { GroundMark } from "./distance.ts";
import type { Point } from "./geometry.ts";

/** A part of the picture where things count. */
export interface Zone {
  readonly name: string;
  readonly polygon: readonly Point[];
  /** Classes that count here; all when absent. */
  readonly classes?: readonly string[];
  /** Least height of a thing, as a share of the picture's; the camera's own when absent. */
  readonly heightMin?: number;
  /** It must have been here for so long. */
  readonly dwellMs?: number;
}

/** A line on the ground that things cross. */
export interface Line {
  readonly name: string;
  readonly from: Point;
  readonly to: Point;
  /** Only crossings from the left of the line to its right (looking from `from` to `to`), or the other way. */
  readonly direction: "left-to-right" | "right-to-left" | "both";
  readonly classes?: readonly string[];
}

/** What counts as near at one camera, and what is looked at at all. */
export interface CameraRules {
  /** Least height of a thing, as a share of the picture's. */
  readonly heightMin?: number;
  /** With zones or lines, a thing is near in one of the zones, or once it crossed one of the lines. */
  readonly zones?: readonly Zone[];
  readonly lines?: readonly Line[];
  /** A thing whose feet are farther away than `nearMeters` is not near. */
  readonly distance?: { readonly marks: readonly [GroundMark, GroundMark]; readonly nearMeters: number };
  /** Parts of the picture where nothing is looked for: neither motion nor things that stand there. */
  readonly masks?: readonly (readonly Point[])[];
  /** Least score by class, in place of the model's own. */
  readonly thresholds?: Readonly<Record<string, number>>;
}

/** The rules of all cameras. */
export interface NearRules {
  readonly all: CameraRules;
  readonly cameras: Readonly<Record<string, CameraRules>>;
}

export const NO_RULES: NearRules = { all: {}, cameras: {} };

/** The rules of one camera: its own, and for what it does not say those of all cameras. */
export function rulesFor({ all, cameras }: NearRules, camera: string): CameraRules {
  const own = Object.hasOwn(cameras, camera) ? cameras[camera]! : {};
  return { ...all, ...own, thresholds: { ...all.thresholds, ...own.thresholds } };
}

/** The least score that rules ask of a class; `undefined` where they say nothing of it. */
export function thresholdFor({ thresholds = {} }: CameraRules, className: string): number | undefined {
  if (Object.hasOwn(thresholds, className)) return thresholds[className];
  return Object.entries(thresholds).find(([name]) => isSameClass(name, className))?.[1];
}

/** Whether a name in the rules means a class: people write them by hand, so the case of letters says nothing. */
export function isSameClass(written: string, className: string): boolean {
  return written === className || keyOf(written) === keyOf(className);
}

function keyOf(name: string): string {
  return name.normalize("NFC").toLowerCase();
}
