import { join } from "node:path";
import { AppError, errorKind } from "../../shared/base/errors.ts";
import { Progress } from "../../shared/base/progress.ts";
import { throwIfAborted } from "../../shared/base/wait.ts";
import type { CheckReport, SightingLog } from "../../shared/store/sightings.ts";
import { mendPhoto, type PhotoFault, photoFaults } from "../check-photos.ts";
import { COMMON_FLAGS, type Command, isSet, neededText } from "../shell.ts";
import { openExistingLog } from "./sightings.ts";

export const command: Command = {
  definition: {
    meta: {
      name: "check",
      description: "Check a log of sightings and all its photos. Changes nothing unless told to --mend.",
    },
    args: {
      data: { type: "string", required: true, valueHint: "DIR", description: "The tester's data directory." },
      mend: { type: "boolean", description: "Put right what is wrong; the tester may run meanwhile." },
      json: { type: "boolean", description: "The report as one JSON object." },
      ...COMMON_FLAGS,
    },
  },
  async run(flags, { print, signal }) {
    const dataDir = neededText(flags, "data");
    const mend = isSet(flags, "mend");
    using sightings = open(dataDir);
    const report = sightings.check({ mend });
    const faults: PhotoFault[] = [];
    using progress = new Progress();
    let looked = 0;
    for await (const fault of photoFaults(sightings)) {
      throwIfAborted(signal, "the check was stopped");
      if (fault !== undefined) faults.push(fault);
      progress.show({ stage: "looking at photos", share: ++looked / Math.max(1, report.rows) });
    }
    const mended = mend ? await mendAll(sightings, faults) : new Set<PhotoFault>();

    if (isSet(flags, "json")) print(JSON.stringify({ ...report, photos: faults, mended: mend }));
    else for (const line of lines(report, faults, mend, mended)) print(line);

    if (report.databaseErrors.length > 0) throw damagedDatabase(dataDir);
    if (report.tooManyPhotos) {
      throw new AppError("data-loss", "most photos have no sighting, so they were left alone", {
        hint: `the database may have been moved away or replaced: put ${join(dataDir, "sightings.sqlite")} back from a copy`,
      });
    }
    const found = report.photosWithoutRow.length + report.unfinished.length + faults.length;
    const left = mend ? faults.length - mended.size : found;
    if (left > 0) {
      throw new AppError("data-loss", `the log has ${left === 1 ? "a fault" : `${left} faults`}`, {
        hint: mend
          ? "check again; a tester may be writing"
          : "to put it right: vigia check --mend, with the same --data",
      });
    }
    if (!isSet(flags, "json")) print("the log is whole");
  },
};

function open(dataDir: string): SightingLog {
  try {
    return openExistingLog(dataDir);
  } catch (error) {
    if (errorKind(error) !== "data-loss") throw error;
    throw damagedDatabase(dataDir, error);
  }
}

/** Returns those that were mended; the others have another photo by now. */
async function mendAll(sightings: SightingLog, faults: readonly PhotoFault[]): Promise<Set<PhotoFault>> {
  const mended = new Set<PhotoFault>();
  for (const fault of faults) if (await mendPhoto(sightings, fault)) mended.add(fault);
  return mended;
}

function lines(
  report: CheckReport,
  faults: readonly PhotoFault[],
  mend: boolean,
  mended: ReadonlySet<PhotoFault>,
): string[] {
  const verb = mend && !report.tooManyPhotos ? "removed" : "found";
  const cure = {
    lost: "a grey stand-in is in its place",
    damaged: "the file is in damaged/, a grey stand-in is in its place",
    "close-up": "it was cut anew",
  };
  return [
    `${report.rows} sightings`,
    ...report.photosWithoutRow.map((name) => `${verb} a photo without a sighting: ${name}`),
    ...report.unfinished.map((name) => `${mend ? "removed" : "found"} an unfinished photo: ${name}`),
    ...faults.map((fault) => {
      const what = fault.fault === "close-up" ? "close-up is lost or damaged" : `photo is ${fault.fault}`;
      const done = mended.has(fault) ? `; ${cure[fault.fault]}` : "";
      return `sighting ${fault.id}: its ${what}: ${fault.photo}${done}`;
    }),
    ...report.databaseErrors.map((line) => `database: ${line}`),
  ];
}

function damagedDatabase(dataDir: string, cause?: unknown): AppError {
  const path = join(dataDir, "sightings.sqlite");
  return new AppError("data-loss", `the database ${path} is damaged; no photo was touched`, {
    cause,
    hint: `stop the tester and put back a copy of the file; without one, "sqlite3 ${path} .recover | sqlite3 new.sqlite" saves the rows that can still be read: put new.sqlite in its place (and remove the -wal and -shm files beside it)`,
  });
}
