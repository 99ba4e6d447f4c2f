/** Writes sightings until it is done or killed: FOLDER CAMERA COUNT. A line for each row that is safe. */
import { SightingLog } from "../../shared/store/sightings.ts";

const [folder = "", camera = "", count = "0"] = process.argv.slice(2);
using log = new SightingLog(folder);
const jpeg = new Uint8Array(20_000).fill(7);
for (let i = 0; i < Number(count); i++) {
  const now = Date.now();
  const { id } = log.open(
    {
      camera,
      className: "car",
      score: 0.5,
      firstSeenMs: now,
      lastSeenMs: now,
      firstMediaMs: undefined,
      lastMediaMs: undefined,
      box: [0, 0, 10, 10],
      model: "cars",
      modelVersion: 1,
    },
    jpeg,
  );
  if (i % 3 === 1) {
    log.improve(id, { score: 0.9, box: [0, 0, 20, 20], lastSeenMs: now, lastMediaMs: undefined }, jpeg);
  }
  process.stdout.write(`${id}\n`);
}
