import { readFileSync } from "node:fs";
import { AppError } from "../../base/errors.ts";
import { CAMERA_COUNT_MAX } from "../../base/limits.ts";
import type { GroundMark } from "./distance.ts";
import type { Point } from "./geometry.ts";
import type { CameraRules, Line, NearRules, Zone } from "./rules.ts";

const FILE_BYTES_MAX = 1024 * 1024;
const SHAPES_MAX = 64;
const CORNERS_MAX = 64;
const NAME_LENGTH_MAX = 100;

/**
 * Reads a file of near rules (README.md in this folder has an example).
 *
 * @throws {AppError} `usage` that names the file, the place in it and what belongs there
 */
export function readRulesFile(path: string): NearRules {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new AppError("usage", `the rules ${path} cannot be read`, {
      cause,
      hint: "give a file that you wrote, or that the watcher's page saved: rules.json in a tester's data folder",
    });
  }
  return parseRules(text, path);
}

/**
 * @param where what to call the text in errors
 * @throws {AppError} `usage`, as `readRulesFile`
 */
export function parseRules(text: string, where: string): NearRules {
  if (text.length > FILE_BYTES_MAX)
    throw new AppError("usage", `${where} is longer than ${FILE_BYTES_MAX} B`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AppError("usage", `${where} is no JSON`, {
      cause,
      hint: "a comma too many or a quote that is missing is the usual reason",
    });
  }
  const root = fieldsOf(new Place(where, "", value), ["all", "cameras"]);
  const cameras = root.cameras?.entries() ?? [];
  if (cameras.length > CAMERA_COUNT_MAX) throw root.cameras!.wrong(`at most ${CAMERA_COUNT_MAX} cameras`);
  return {
    all: root.all === undefined ? {} : cameraRules(root.all),
    cameras: Object.fromEntries(cameras.map(([name, place]) => [name, cameraRules(place)])),
  };
}

function cameraRules(place: Place): CameraRules {
  const names = ["minHeightPercent", "zones", "lines", "distance", "masks", "thresholds"] as const;
  const { minHeightPercent, zones, lines, distance, masks, thresholds } = fieldsOf(place, names);
  return {
    ...(minHeightPercent && { heightMin: minHeightPercent.number(0, 100) / 100 }),
    ...(zones && { zones: zones.list(SHAPES_MAX).map(zone) }),
    ...(lines && { lines: lines.list(SHAPES_MAX).map(line) }),
    ...(distance && { distance: distanceOf(distance) }),
    ...(masks && { masks: masks.list(SHAPES_MAX).map(polygon) }),
    ...(thresholds && {
      thresholds: Object.fromEntries(thresholds.entries().map(([name, score]) => [name, score.number(0, 1)])),
    }),
  };
}

function zone(place: Place): Zone {
  const names = ["name", "polygon", "classes", "minHeightPercent", "dwellSeconds"] as const;
  const fields = fieldsOf(place, names, ["name", "polygon"]);
  return {
    name: fields.name!.text(),
    polygon: polygon(fields.polygon!),
    ...(fields.classes && { classes: fields.classes.list(1000).map((one) => one.text()) }),
    ...(fields.minHeightPercent && { heightMin: fields.minHeightPercent.number(0, 100) / 100 }),
    ...(fields.dwellSeconds && { dwellMs: 1000 * fields.dwellSeconds.number(0, 86_400) }),
  };
}

function line(place: Place): Line {
  const names = ["name", "from", "to", "direction", "classes"] as const;
  const fields = fieldsOf(place, names, ["name", "from", "to"]);
  const [from, to] = [point(fields.from!), point(fields.to!)];
  if (from[0] === to[0] && from[1] === to[1]) throw place.wrong("a line with two different ends");
  const directions = ["left-to-right", "right-to-left", "both"] as const;
  return {
    name: fields.name!.text(),
    from,
    to,
    direction: fields.direction?.oneOf(directions) ?? "both",
    ...(fields.classes && { classes: fields.classes.list(1000).map((one) => one.text()) }),
  };
}

function distanceOf(place: Place): NonNullable<CameraRules["distance"]> {
  const { marks, nearMeters } = fieldsOf(place, ["marks", "nearMeters"], ["marks", "nearMeters"]);
  const measured = marks!.list(2).map((mark): GroundMark => {
    const { y, meters } = fieldsOf(mark, ["y", "meters"], ["y", "meters"]);
    return { y: y!.number(0, 1), meters: meters!.number(0.01, 10_000) };
  });
  const [near, far] = measured.sort((a, b) => a.meters - b.meters);
  if (near === undefined || far === undefined || near.meters === far.meters || near.y <= far.y) {
    throw marks!.wrong("two marks at different distances, the farther one higher on the picture (smaller y)");
  }
  return { marks: [near, far], nearMeters: nearMeters!.number(0, 10_000) };
}

function polygon(place: Place): Point[] {
  const corners = place.list(CORNERS_MAX).map(point);
  if (corners.length < 3) throw place.wrong("at least three corners");
  return corners;
}

function point(place: Place): Point {
  const pair = place.list(2);
  if (pair.length !== 2) throw place.wrong("two numbers [x, y]");
  return [pair[0]!.number(0, 1), pair[1]!.number(0, 1)];
}

/** A value of the file and where it stands, so that an error can say so. */
class Place {
  readonly #file: string;
  readonly #path: string;
  readonly #value: unknown;

  constructor(file: string, path: string, value: unknown) {
    this.#file = file;
    this.#path = path;
    this.#value = value;
  }

  wrong(expected: string): AppError {
    const shown = JSON.stringify(this.#value) ?? "nothing";
    const found = shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
    return new AppError("usage", `${this.#file}: ${this.#path || "the file"} is ${found}`, {
      hint: `expected: ${expected}`,
    });
  }

  number(least: number, most: number): number {
    const value = this.#value;
    if (typeof value !== "number" || !(value >= least && value <= most)) {
      throw this.wrong(`a number from ${least} to ${most}`);
    }
    return value;
  }

  text(): string {
    const value = this.#value;
    if (typeof value !== "string" || value === "" || value.length > NAME_LENGTH_MAX)
      throw this.wrong("a name");
    return value;
  }

  oneOf<const T extends string>(choices: readonly T[]): T {
    const found = choices.find((choice) => choice === this.#value);
    if (found === undefined) throw this.wrong(`one of ${choices.join(", ")}`);
    return found;
  }

  list(countMax: number): Place[] {
    const value = this.#value;
    if (!Array.isArray(value) || value.length > countMax) throw this.wrong(`a list of at most ${countMax}`);
    return value.map((item, i) => new Place(this.#file, `${this.#path}[${i}]`, item));
  }

  entries(): [string, Place][] {
    const value = this.#value;
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw this.wrong("an object { }");
    const at = (name: string): string => (this.#path === "" ? name : `${this.#path}.${name}`);
    return Object.entries(value).map(([name, item]) => [name, new Place(this.#file, at(name), item)]);
  }
}

/** An object's fields; names that are none of `known` are refused, since they are spelling mistakes. */
function fieldsOf<const K extends string>(
  place: Place,
  known: readonly K[],
  needed: readonly K[] = [],
): Partial<Record<K, Place>> {
  const found: Partial<Record<K, Place>> = {};
  for (const [name, item] of place.entries()) {
    const key = known.find((one) => one === name);
    if (key === undefined) throw item.wrong(`another name: one of ${known.join(", ")}`);
    found[key] = item;
  }
  const missing = needed.find((name) => found[name] === undefined);
  if (missing !== undefined)
    throw place.wrong(`an object with ${needed.join(" and ")}; ${missing} is missing`);
  return found;
}
