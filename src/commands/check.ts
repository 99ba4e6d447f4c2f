import { AppError } from "../../shared/base/errors.ts";
import { COMMON_FLAGS, type Command, isSet, neededText } from "../shell.ts";
import { openExistingLog } from "./sightings.ts";

export const command: Command = {
  definition: {
    meta: { name: "check", description: "Check a log of sightings, and mend it." },
    args: {
      data: { type: "string", required: true, valueHint: "DIR", description: "The tester's data directory." },
      "dry-run": { type: "boolean", description: "Only say what is wrong." },
      json: { type: "boolean", description: "The report as one JSON object." },
      ...COMMON_FLAGS,
    },
  },
  async run(flags, { print }) {
    using sightings = openExistingLog(neededText(flags, "data"));
    const mend = !isSet(flags, "dry-run");
    const report = sightings.check({ mend });
    if (isSet(flags, "json")) print(JSON.stringify({ ...report, mended: mend }));
    else {
      print(`${report.rows} sightings`);
      for (const id of report.rowsWithoutPhoto) print(`sighting ${id} has lost its photo`);
      const verb = mend ? "removed" : "found";
      for (const name of report.photosWithoutRow) print(`${verb} a photo without a sighting: ${name}`);
      for (const name of report.unfinished) print(`${verb} an unfinished photo: ${name}`);
      for (const line of report.databaseErrors) print(`database: ${line}`);
    }
    if (report.rowsWithoutPhoto.length > 0 || report.databaseErrors.length > 0) {
      throw new AppError("data-loss", "the log is not whole", {
        hint: "rows are kept as they are; put the missing photos or the database back from a copy",
      });
    }
    if (!isSet(flags, "json")) print("the log is whole");
  },
};
