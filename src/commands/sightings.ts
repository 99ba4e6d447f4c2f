import { existsSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../shared/base/errors.ts";
import { SightingLog } from "../../shared/store/sightings.ts";
import { COMMON_FLAGS, type Command, isSet, neededText, textOf } from "../shell.ts";
import { CSV_HEADER, sightingCsv, sightingJson, sightingText } from "../sighting-lines.ts";

export const command: Command = {
  definition: {
    meta: { name: "sightings", description: "List what was seen, the oldest first." },
    args: {
      data: { type: "string", required: true, valueHint: "DIR", description: "The tester's data directory." },
      since: {
        type: "string",
        valueHint: "TIME",
        description: "From then on: 2026-11-21, 2026-11-21T14:30, or 90m, 12h, 7d ago.",
      },
      class: { type: "string", valueHint: "NAME", description: "Only this class." },
      camera: { type: "string", valueHint: "NAME", description: "Only this camera." },
      json: { type: "boolean", description: "One JSON object a line." },
      csv: { type: "boolean", description: "Comma-separated values with a header." },
      ...COMMON_FLAGS,
    },
  },
  async run(flags, { print }) {
    const dataDir = neededText(flags, "data");
    if (isSet(flags, "csv") && isSet(flags, "json")) throw new AppError("usage", "--csv or --json, not both");
    using sightings = openExistingLog(dataDir);
    const found = sightings.list({
      sinceMs: sinceFlag(textOf(flags, "since"), Date.now()),
      className: textOf(flags, "class"),
      camera: textOf(flags, "camera"),
    });
    if (isSet(flags, "csv")) print(CSV_HEADER);
    for (const sighting of found) {
      if (isSet(flags, "json")) print(sightingJson(sighting, dataDir));
      else if (isSet(flags, "csv")) print(sightingCsv(sighting, dataDir));
      else print(sightingText(sighting));
    }
  },
};

/** The log of a data directory that must be there already: a mistyped path must not make a new one. */
export function openExistingLog(dataDir: string): SightingLog {
  if (!existsSync(join(dataDir, "sightings.sqlite"))) {
    throw new AppError("usage", `there is no log of sightings in ${dataDir}`, {
      hint: "name the directory that the tester was given with --data",
    });
  }
  return new SightingLog(dataDir);
}

const UNIT_MS: Readonly<Record<string, number>> = { m: 60e3, h: 3600e3, d: 86_400e3 };

/** A moment, or a time before now. Throws `usage`. */
export function sinceFlag(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  const ago = /^(\d+(?:\.\d+)?)([mhd])$/.exec(text);
  if (ago !== null) return nowMs - Number(ago[1]) * UNIT_MS[ago[2]!]!;
  // A date alone is local midnight, as people mean it; JavaScript would take it for UTC.
  const moment = Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00` : text);
  if (Number.isNaN(moment)) {
    throw new AppError("usage", `--since ${text} is no time`, {
      hint: "write 2026-11-21, 2026-11-21T14:30 or 12h",
    });
  }
  return moment;
}
