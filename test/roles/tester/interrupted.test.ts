import { expect, test } from "bun:test";
import { SightingWriter } from "../../../roles/tester/sighting-writer.ts";
import { silentLog } from "../../../shared/base/log.ts";
import { SightingLog } from "../../../shared/store/sightings.ts";
import { syntheticJpeg } from "../../support/synthetic-jpeg.ts";
import { tempFolder } from "../../support/temp.ts";
import { visitOf } from "../../support/visits.ts";

test("a sighting with a large photo is looked for at its place on the small frames that are watched", async () => {
  using folder = tempFolder();
  using log = new SightingLog(folder.path);
  log.open(visitOf({ box: [160, 120, 320, 240] }), await syntheticJpeg(1));
  log.closeAll();
  const writer = new SightingWriter(log, silentLog, () => {});
  const boxes = (width: number, height: number) =>
    writer.interrupted("gate", 0, { width, height }).map(({ box }) => box);
  expect(boxes(160, 120)).toEqual([[80, 60, 160, 120]]);
  expect(boxes(320, 240)).toEqual([[160, 120, 320, 240]]);
});
