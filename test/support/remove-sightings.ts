/** Removes sightings, the oldest first and 5 at once, until all are gone or it is killed: FOLDER. A line each time. */
import { SightingLog } from "../../shared/store/sightings.ts";

using log = new SightingLog(process.argv[2] ?? "");
const ids = log.list().map(({ id }) => id);
for (let at = 0; at < ids.length; at += 5) {
  log.remove(ids.slice(at, at + 5));
  process.stdout.write(`${at}\n`);
}
