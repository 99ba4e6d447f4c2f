import { existsSync } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { AppError } from "../../shared/base/errors.ts";
import { countText } from "../../shared/base/text.ts";
import { readingPhoto } from "../../shared/store/reading-photo.ts";
import type { Sighting } from "../../shared/store/sighting.ts";
import { csvHeader, csvLine, PLAIN_CSV, spreadsheetCsv } from "../../shared/store/sighting-csv.ts";
import { SightingLog, type SightingQuery } from "../../shared/store/sightings.ts";
import { COMMON_FLAGS, type Command, type Flags, isSet, neededText, textOf } from "../shell.ts";
import { sightingJson, sightingText } from "../sighting-lines.ts";

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
      until: {
        type: "string",
        valueHint: "TIME",
        description: "Until then, in the same forms; a day counts to its end.",
      },
      class: { type: "string", valueHint: "NAME", description: "Only this class." },
      camera: { type: "string", valueHint: "NAME", description: "Only this camera." },
      json: { type: "boolean", description: "One JSON object a line." },
      csv: { type: "boolean", description: "Comma-separated values with a header (RFC 4180, UTF-8)." },
      excel: {
        type: "boolean",
        description: "The same as a spreadsheet of this country opens it by a double click.",
      },
      photos: {
        type: "string",
        valueHint: "DIR",
        description:
          "Also copy the photos to this folder; --csv and --excel then name them as they are there.",
      },
      remove: {
        type: "boolean",
        description: "Remove the sightings that are listed, with their photos; open ones stay.",
      },
      yes: { type: "boolean", description: "Even when that is more than half of the log." },
      ...COMMON_FLAGS,
    },
  },
  async run(flags, { print, log }) {
    const dataDir = neededText(flags, "data");
    const line = lineWriter(flags, dataDir);
    const now = Date.now();
    const query: SightingQuery = {
      sinceMs: timeFlag("since", textOf(flags, "since"), now),
      untilMs: timeFlag("until", textOf(flags, "until"), now),
      className: textOf(flags, "class"),
      camera: textOf(flags, "camera"),
    };
    using sightings = openExistingLog(dataDir);
    if (isSet(flags, "remove")) refuseTooMany(sightings, query, isSet(flags, "yes"));
    if (line.header !== undefined) print(line.header);
    const photos = textOf(flags, "photos");
    if (photos !== undefined) await mkdir(photos, { recursive: true });
    const listed: number[] = [];
    for (const sighting of sightings.each(query)) {
      print(line.of(photos === undefined ? sighting : await copyPhoto(sightings, sighting, photos)));
      listed.push(sighting.id);
    }
    if (listed.length === 0) log.info(noneFits(sightings));
    if (isSet(flags, "remove")) sightings.remove(listed);
  },
};

/** What there is to ask for, where nothing was found. */
function noneFits(sightings: SightingLog): string {
  if (sightings.count === 0) return "the log has no sighting yet";
  const [cameras, classes] = [new Set<string>(), new Set<string>()];
  for (const { camera, className } of sightings.each({})) {
    cameras.add(camera);
    classes.add(className);
  }
  const [ofCameras, ofClasses] = [cameras, classes].map((names) => [...names].sort().join(", "));
  return `no sighting fits; the log has ${ofClasses} at ${ofCameras}`;
}

interface LineWriter {
  readonly header?: string;
  readonly of: (sighting: Sighting) => string;
}

function lineWriter(flags: Flags, dataDir: string): LineWriter {
  const forms = ["json", "csv", "excel"].filter((name) => isSet(flags, name));
  if (forms.length > 1) throw new AppError("usage", `--${forms.join(" or --")}, not both`);
  if (forms[0] === "json") return { of: (sighting) => sightingJson(sighting, dataDir) };
  if (forms[0] === undefined) return { of: sightingText };
  const form = forms[0] === "excel" ? spreadsheetCsv() : PLAIN_CSV;
  // A table that is taken along with its photos must not name this machine's folders.
  const isTaken = textOf(flags, "photos") !== undefined;
  const place = (name: string) => (isTaken ? nameAlone(name) : resolve(dataDir, name));
  return {
    header: csvHeader(form),
    of: (sighting) => {
      const { photo, closeUp } = sighting;
      return csvLine({ ...sighting, photo: place(photo), closeUp: closeUp && place(closeUp) }, form);
    },
  };
}

function refuseTooMany(sightings: SightingLog, query: SightingQuery, isSure: boolean): void {
  const all = sightings.count;
  let due = 0;
  for (const _ of sightings.each(query)) due++;
  if (due <= all / 2 || isSure) return;
  throw new AppError("usage", `that would remove ${due} of ${countText(all, "sighting")}`, {
    hint: "look at the list without --remove; to remove them all the same, add --yes",
  });
}

/** Copies a sighting's photo and close-up, as far as they are there. Returns its row, which names these. */
async function copyPhoto(sightings: SightingLog, listed: Sighting, folder: string): Promise<Sighting> {
  const copied = await readingPhoto(sightings, listed.id, async (row) => {
    for (const name of [row.photo, row.closeUp].filter((one) => one !== undefined)) {
      await copyFile(sightings.photos.pathOf(name), join(folder, nameAlone(name))).catch((error) => {
        const isLost = error.code === "ENOENT" && sightings.get(row.id)?.photo === row.photo;
        if (!isLost) throw error;
      });
    }
    return row;
  });
  return copied ?? listed;
}

/** photos/2026-11-21/gate-143005-123-a1b2c3d4.jpg becomes 2026-11-21-gate-143005-123-a1b2c3d4.jpg. */
function nameAlone(photo: string): string {
  return `${photo.split("/").at(-2)}-${basename(photo)}`;
}

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

/** A moment, or a time before now; `until` a day means its end. Throws `usage`. */
export function timeFlag(
  flag: "since" | "until",
  text: string | undefined,
  nowMs: number,
): number | undefined {
  if (text === undefined) return undefined;
  const ago = /^(\d+(?:\.\d+)?)([mhd])$/.exec(text);
  if (ago !== null) return nowMs - Number(ago[1]) * UNIT_MS[ago[2]!]!;
  // A date alone is local midnight, as people mean it; JavaScript would take it for UTC.
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const moment = new Date(isDay ? `${text}T00:00` : text);
  if (isDay && flag === "until") moment.setDate(moment.getDate() + 1);
  if (Number.isNaN(moment.getTime())) {
    throw new AppError("usage", `--${flag} ${text} is no time`, {
      hint: "write 2026-11-21, 2026-11-21T14:30 or 12h",
    });
  }
  return moment.getTime();
}
