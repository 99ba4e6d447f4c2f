/** What stands before a camera: through restarts of the tester, by rules that change, at next to no cost. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Log } from "../../../shared/base/log.ts";
import { SyntheticMovie } from "../../../shared/dataset/synthetic/movie.ts";
import { encodeJpeg } from "../../../shared/image/codec.ts";
import type { Address } from "../../../shared/net/connection.ts";
import type { Site } from "../../../shared/net/site.ts";
import type { Sighting } from "../../../shared/store/sighting.ts";
import { SightingLog } from "../../../shared/store/sightings.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { startTester, startVideo, testSite } from "../../support/site-roles.ts";
import { tempFolder } from "../../support/temp.ts";
import { untrainedModel } from "../../support/untrained-model.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

/** A model that sees something in each of the pictures below. */
function modelIn(folder: string): { readonly file: string } {
  const file = join(folder, "sees-things.onnx");
  writeFileSync(file, untrainedModel(["cat", "dog"], { threshold: 1.38e-4 }));
  return { file };
}

/** A camera that shows one picture all the time. */
async function stillCamera(site: Site, folder: string, signal: AbortSignal): Promise<Address> {
  const pictures = join(folder, "pictures");
  mkdirSync(pictures);
  const { picture } = await new SyntheticMovie(2, { classes: 8 }).frameAt(3000);
  writeFileSync(join(pictures, "street.jpg"), await encodeJpeg(picture, 90));
  const source = `${pictures}?seconds=1000&paced=1`;
  return (await startVideo(site, [{ name: "gate", source }], signal)).address;
}

/** Runs a tester until its log is as is waited for; gives the log's rows at that time and after the tester's end. */
async function watchUntil(
  site: Site,
  folder: string,
  video: Address,
  isIt: (rows: readonly Sighting[]) => boolean,
): Promise<Sighting[]> {
  const stop = new AbortController();
  const changed = Promise.withResolvers<void>();
  const timer = setTimeout(() => changed.reject(new Error("the log never came to be so")), 25_000);
  const rows = new Map<number, Sighting>();
  const tester = await startTester(site, folder, [video], stop.signal, {
    model: modelIn(folder),
    onSighting(row) {
      rows.set(row.id, row);
      if (isIt([...rows.values()])) changed.resolve();
    },
  });
  await changed.promise;
  clearTimeout(timer);
  stop.abort();
  await tester.ended;
  using log = new SightingLog(join(folder, "data"));
  return log.list();
}

const someOpen = (rows: readonly Sighting[]): boolean => rows.some(({ closed }) => !closed);

test("what stands before a camera when the tester stops goes on in the same rows after its next start", async () => {
  using folder = tempFolder();
  const site = testSite();
  const stop = new AbortController();
  const video = await stillCamera(site, folder.path, stop.signal);
  const first = await watchUntil(site, folder.path, video, someOpen);
  expect(
    first.every(({ closed, path, closeUp }) => closed && path?.length !== 0 && closeUp !== undefined),
  ).toBe(true);
  const later = first.at(-1)!.lastSeenMs + 500;
  const second = await watchUntil(site, folder.path, video, (rows) =>
    rows.some(({ closed, lastSeenMs }) => !closed && lastSeenMs > later),
  );
  stop.abort();
  const continued = second.filter(({ id }) => first.some((row) => row.id === id));
  expect(continued.map(({ id, firstSeenMs, photo }) => [id, firstSeenMs, photo])).toEqual(
    first.map(({ id, firstSeenMs, photo }) => [id, firstSeenMs, photo]),
  );
  expect(continued.some(({ lastSeenMs }) => lastSeenMs > later)).toBe(true);
  using log = new SightingLog(join(folder.path, "data"));
  expect(log.check({ mend: false })).toMatchObject({ photosWithoutRow: [], rowsWithoutPhoto: [] });
}, 60_000);

test("rules are read again when their file changes; a mistake in it leaves those before in force", async () => {
  using folder = tempFolder();
  const site = testSite();
  const stop = new AbortController();
  const video = await stillCamera(site, folder.path, stop.signal);
  const file = join(folder.path, "data", "rules.json");
  mkdirSync(join(folder.path, "data"));
  // Nothing is near: every sighting comes after the change.
  const far = {
    distance: {
      marks: [
        { y: 0.9, meters: 3 },
        { y: 0.5, meters: 15 },
      ],
      nearMeters: 0,
    },
  };
  writeFileSync(file, JSON.stringify({ all: far }));
  const everywhere = {
    name: "all of it",
    polygon: [
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 1],
    ],
  };
  const stopTester = new AbortController();
  const seen = Promise.withResolvers<Sighting>();
  const mistaken = Promise.withResolvers<void>();
  const log = new Log("tester", [
    (line) => {
      if (line.includes("the near rules have a mistake")) mistaken.resolve();
    },
  ]);
  const options = {
    model: modelIn(folder.path),
    rulesFile: { path: file, mayBeAbsent: true },
    onSighting: (row: Sighting) => seen.resolve(row),
  };
  const tester = await startTester(site, folder.path, [video], stopTester.signal, options, log);
  writeFileSync(file, "{ oh");
  await mistaken.promise;
  writeFileSync(file, JSON.stringify({ cameras: { gate: { zones: [everywhere] } } }));
  expect((await seen.promise).zone).toBe("all of it");
  stopTester.abort();
  stop.abort();
  await tester.ended;
}, 60_000);

test("a slide show's next picture is another scene: what was on the one before has left", async () => {
  using folder = tempFolder();
  const site = testSite();
  const stop = new AbortController();
  const pictures = join(folder.path, "pictures");
  mkdirSync(pictures);
  for (const [i, seed] of [2, 1].entries()) {
    const { picture } = await new SyntheticMovie(seed, { classes: 8 }).frameAt(3000);
    writeFileSync(join(pictures, `${i}.jpg`), await encodeJpeg(picture, 90));
  }
  const source = `${pictures}?seconds=2&paced=0`;
  const video = await startVideo(site, [{ name: "slides", source }], stop.signal);
  const tester = await startTester(site, folder.path, [video.address], stop.signal, {
    model: modelIn(folder.path),
    endWithCameras: true,
  });
  await tester.ended;
  stop.abort();
  using log = new SightingLog(join(folder.path, "data"));
  const rows = log.list();
  expect(rows.length).toBeGreaterThan(0);
  const across = rows.filter(({ firstMediaMs, lastMediaMs }) => firstMediaMs! < 2000 && lastMediaMs! >= 2000);
  expect(across).toEqual([]);
}, 60_000);
