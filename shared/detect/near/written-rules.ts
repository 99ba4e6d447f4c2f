import { AppError } from "../../base/errors.ts";
import type { Point } from "./geometry.ts";
import type { Line } from "./rules.ts";
import { parseRules } from "./rules-file.ts";

/** Rules as they stand in the file (README.md in this folder): what people read and write, and the page draws. */

export interface WrittenZone {
  readonly name: string;
  readonly polygon: readonly Point[];
  readonly classes?: readonly string[];
  readonly minHeightPercent?: number;
  readonly dwellSeconds?: number;
}

export interface WrittenLine {
  readonly name: string;
  readonly from: Point;
  readonly to: Point;
  readonly direction?: Line["direction"];
  readonly classes?: readonly string[];
}

export interface WrittenDistance {
  readonly marks: readonly { readonly y: number; readonly meters: number }[];
  readonly nearMeters: number;
}

/** What is said of one camera, or of all. */
export interface WrittenRules {
  readonly minHeightPercent?: number;
  readonly zones?: readonly WrittenZone[];
  readonly lines?: readonly WrittenLine[];
  readonly distance?: WrittenDistance;
  readonly masks?: readonly (readonly Point[])[];
  readonly thresholds?: Readonly<Record<string, number>>;
}

interface WrittenFile {
  readonly all?: WrittenRules;
  readonly cameras?: Readonly<Record<string, WrittenRules>>;
}

/**
 * What a file says of a camera, and of all.
 *
 * @param text of the file; of none when empty
 * @throws {AppError} `usage` for a file with a mistake
 */
export function writtenFor(
  text: string,
  camera: string,
  where: string,
): { readonly own: WrittenRules; readonly all: WrittenRules } {
  const { all = {}, cameras = {} } = readWritten(text, where);
  return { own: Object.hasOwn(cameras, camera) ? cameras[camera]! : {}, all };
}

/**
 * The file's text with other rules for one camera; what it says of others stays. Rules that say nothing take the camera
 * out of it.
 *
 * @param own of a form that nobody has checked
 * @throws {AppError} `usage` for rules with a mistake, or a file that has one already
 */
export function writeFor(text: string, camera: string, own: object, where: string): string {
  const file = readWritten(text, where);
  const others = Object.entries(file.cameras ?? {}).filter(([name]) => name !== camera);
  const mine: [string, WrittenRules][] = Object.keys(own).length === 0 ? [] : [[camera, own]];
  const cameras = Object.fromEntries([...others, ...mine]);
  // Two numbers of a point stay on one line, as people write them.
  const written = JSON.stringify({ ...file, cameras }, null, 2).replaceAll(
    /\[\s+(-?[\d.e-]+),\s+(-?[\d.e-]+)\s+\]/g,
    "[$1, $2]",
  );
  parseRules(written, where);
  return `${written}\n`;
}

function readWritten(text: string, where: string): WrittenFile {
  if (text.trim() === "") return {};
  try {
    parseRules(text, where);
  } catch (cause) {
    throw new AppError("usage", "the rules file has a mistake; mend it before", { cause });
  }
  return JSON.parse(text) as WrittenFile;
}
