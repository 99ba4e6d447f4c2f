import { expect, setDefaultTimeout, test } from "bun:test";
import { rmSync } from "node:fs";
import { interruptedSightings } from "../../../roles/tester/interrupted.ts";
import { SyntheticMovie } from "../../../shared/dataset/synthetic/movie.ts";
import type { Box } from "../../../shared/detect/types.ts";
import { encodeJpeg } from "../../../shared/image/codec.ts";
import type { Picture } from "../../../shared/image/types.ts";
import { SightingLog } from "../../../shared/store/sightings.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { syntheticJpeg } from "../../support/synthetic-jpeg.ts";
import { tempFolder } from "../../support/temp.ts";
import { visitOf } from "../../support/visits.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const HOUR_MS = 3600_000;
const GONE_MS = Date.UTC(2026, 10, 21, 20);
const SIZE = { width: 640, height: 360 };

test("a sighting with a large photo is looked for at its place on the small frames that are watched", async () => {
  using folder = tempFolder();
  using log = new SightingLog(folder.path);
  const { lastSeenMs } = log.open(visitOf({ box: [160, 120, 320, 240] }), await syntheticJpeg(1));
  log.closeAll();
  const boxes = async (width: number, height: number): Promise<readonly Box[]> => {
    const frame = { width, height, capturedMs: lastSeenMs + 1000, jpeg: new Uint8Array() };
    return (await interruptedSightings(log, "gate", frame)).map(({ box }) => box);
  };
  expect(await boxes(160, 120)).toEqual([[80, 60, 160, 120]]);
  expect(await boxes(320, 240)).toEqual([[160, 120, 320, 240]]);
});

/** Something that stands before a camera, the scene without it, and another thing of its class at its place. */
async function parked(): Promise<Record<"there" | "empty" | "other", Picture> & { readonly box: Box }> {
  const movie = new SyntheticMovie(2, { classes: 8, ...SIZE });
  const things = await Promise.all(
    [3000, 35_000].map(async (ms) => {
      const { picture, objects } = await movie.frameAt(ms);
      const [largest] = [...objects].sort((a, b) => b.box[2] - b.box[0] - a.box[2] + a.box[0]);
      return { picture, box: largest!.box };
    }),
  );
  const [there, another] = things as [(typeof things)[0], (typeof things)[0]];
  const { picture: empty } = await movie.frameAt(0);
  return { there: there.picture, empty, other: pasted(another, there), box: there.box };
}

/** The thing of one picture in place of that of another, as large. */
function pasted(thing: { picture: Picture; box: Box }, onto: { picture: Picture; box: Box }): Picture {
  const data = onto.picture.data.slice();
  const [left, top, right, bottom] = onto.box.map(Math.round) as [number, number, number, number];
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const fromX = thing.box[0] + ((x - left) / (right - left)) * (thing.box[2] - thing.box[0]);
      const fromY = thing.box[1] + ((y - top) / (bottom - top)) * (thing.box[3] - thing.box[1]);
      const from = 3 * (Math.floor(fromY) * SIZE.width + Math.floor(fromX));
      data.set(thing.picture.data.subarray(from, from + 3), 3 * (y * SIZE.width + x));
    }
  }
  return { ...SIZE, data };
}

/** The picture in the light of another hour. */
function dimmed({ data }: Picture): Picture {
  return { ...SIZE, data: data.map((level) => 0.7 * level + 12) };
}

const sharesOf = ([x1, y1, x2, y2]: Box): Box => [
  x1 / SIZE.width,
  y1 / SIZE.height,
  x2 / SIZE.width,
  y2 / SIZE.height,
];

test("hours later only what looks as on its photo may go on: in other light too, but no other thing, nor an empty place", async () => {
  const { there, empty, other, box } = await parked();
  for (const [now, afterMs, goesOn] of [
    [there, 8 * HOUR_MS, true],
    [dimmed(there), 8 * HOUR_MS, true],
    [empty, 8 * HOUR_MS, false],
    [other, 8 * HOUR_MS, false],
    [there, 30 * HOUR_MS, false],
    [other, 5 * 60_000, true], // within minutes, the class and the place are enough
  ] as const) {
    using folder = tempFolder();
    using log = new SightingLog(folder.path);
    const path = [{ atMs: 0, box: sharesOf(box) }];
    log.open(visitOf({ box, path, lastSeenMs: GONE_MS }), await encodeJpeg(there, 90));
    log.closeAll();
    const frame = { ...SIZE, capturedMs: GONE_MS + afterMs, jpeg: await encodeJpeg(now, 90) };
    expect((await interruptedSightings(log, "gate", frame)).length === 1).toBe(goesOn);
  }
});

test("hours later a photo that shows the thing at another place, or is lost, proves nothing", async () => {
  const { there, box } = await parked();
  const jpeg = await encodeJpeg(there, 90);
  for (const [shift, isLost] of [
    [0.4, false],
    [0, true],
  ] as const) {
    using folder = tempFolder();
    using log = new SightingLog(folder.path);
    const [x1, y1, x2, y2] = sharesOf(box);
    const path = [{ atMs: 0, box: [x1 + shift, y1, x2 + shift, y2] as const }];
    const { photo } = log.open(visitOf({ box, path, lastSeenMs: GONE_MS }), jpeg);
    log.closeAll();
    if (isLost) rmSync(log.photos.pathOf(photo));
    const frame = { ...SIZE, capturedMs: GONE_MS + 8 * HOUR_MS, jpeg };
    expect(await interruptedSightings(log, "gate", frame)).toEqual([]);
  }
});
