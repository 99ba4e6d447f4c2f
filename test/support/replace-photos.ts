/** Puts one better photo after another in the place of a sighting's: FOLDER SIGHTING COUNT. */
import { SightingLog } from "../../shared/store/sightings.ts";
import { numberedPhoto, numberedSighting } from "./numbered-photos.ts";

const [folder = "", id = "", count = "0"] = process.argv.slice(2);
using log = new SightingLog(folder);
for (let number = 1; number <= Number(count); number++) {
  log.improve(Number(id), numberedSighting(number), numberedPhoto(number), numberedPhoto(number));
}
