import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { KeptModels, sha256Of } from "../../../roles/tester/kept-models.ts";
import { silentLog } from "../../../shared/base/log.ts";
import { decodePictureFile } from "../../../shared/image/codec.ts";
import { SightingLog } from "../../../shared/store/sightings.ts";
import { JobClient } from "../../../shared/training/submit.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { startTester, startVideo, testSite } from "../../support/site-roles.ts";
import { tempFolder } from "../../support/temp.ts";
import { untilStatus } from "../../support/until-status.ts";
import { untrainedModel } from "../../support/untrained-model.ts";
import { ended, TrainingSite, tinyDataset } from "../training-site.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

test("what a camera shows is tracked, and saved with a whole photo and the times of the scene", async () => {
  using folder = tempFolder();
  const stop = new AbortController();
  const site = testSite();
  const video = await startVideo(site, [{ name: "gate", source: "synthetic:1" }], stop.signal);
  const tester = await startTester(site, folder.path, [video.address], stop.signal);
  const status = await untilStatus(site, tester.address, ({ cameras }) => (cameras[0]?.open ?? 0) > 0);
  expect(status.cameras[0]?.status).toMatchObject({ name: "gate", state: "live", delivery: "newest" });
  stop.abort();
  await Promise.all([video.ended, tester.ended]);

  using log = new SightingLog(join(folder.path, "data"));
  const [sighting] = log.list();
  expect(sighting).toMatchObject({ camera: "gate", closed: true, model: "untrained", modelVersion: 1 });
  const inScene = sighting!.lastMediaMs! - sighting!.firstMediaMs!;
  const byClock = sighting!.lastSeenMs - sighting!.firstSeenMs;
  // The scene's frames are whole steps apart; the clock says when each was drawn.
  expect(Math.abs(inScene - byClock)).toBeLessThan(150);
  const photo = await decodePictureFile(log.photos.pathOf(sighting!.photo));
  expect([photo.width, photo.height]).toEqual([640, 360]);
  expect(log.check({ mend: false })).toMatchObject({ rowsWithoutPhoto: [], photosWithoutRow: [] });
});

test("a tester that has no model yet takes no camera away from one that has", async () => {
  using folder = tempFolder();
  const [waiting, watching] = [join(folder.path, "waiting"), join(folder.path, "watching")];
  for (const path of [waiting, watching]) mkdirSync(path);
  const stop = new AbortController();
  const site = testSite();
  const cameras = ["gate", "yard"].map((name, i) => ({ name, source: `synthetic:${i + 1}` }));
  const video = await startVideo(site, cameras, stop.signal);
  const nobody = { host: "127.0.0.1", port: 1 };
  const without = { model: { name: "things" }, trainer: nobody };
  const first = await startTester(site, waiting, [video.address], stop.signal, without);
  const second = await startTester(site, watching, [video.address], stop.signal);
  await untilStatus(site, second.address, ({ cameras: watched }) => {
    return watched.length === 2 && watched.every(({ testedPerSecond }) => testedPerSecond > 0);
  });
  stop.abort();
  await Promise.all([video.ended, first.ended, second.ended]);
});

test("sightings that a killed tester left open are closed, and orphans swept, at the next start", async () => {
  using folder = tempFolder();
  const dataDir = join(folder.path, "data");
  mkdirSync(dataDir, { recursive: true });
  {
    using log = new SightingLog(dataDir);
    const times = { firstSeenMs: 1e12, lastSeenMs: 1e12, firstMediaMs: undefined, lastMediaMs: undefined };
    const who = { camera: "gate", className: "cat", model: "old", modelVersion: 1 };
    log.open({ ...who, ...times, score: 0.9, box: [0, 0, 10, 10] }, Uint8Array.of(1, 2, 3));
    await Bun.write(log.photos.pathOf("photos/2001-09-09/orphan.jpg"), "x");
  }
  const stop = new AbortController();
  const tester = await startTester(testSite(), folder.path, [], stop.signal);
  stop.abort();
  await tester.ended;
  using log = new SightingLog(dataDir);
  expect(log.list().map(({ closed }) => closed)).toEqual([true]);
  expect(log.check({ mend: false }).photosWithoutRow).toEqual([]);
});

test("a tester fetches the trainer's newest model, and takes up a newer one while it watches", async () => {
  using folder = tempFolder();
  await using training = new TrainingSite(folder.path);
  await training.startTrainer();
  const dataset = await tinyDataset(join(folder.path, "pictures"));
  training.startWorker("w", 0);
  await using link = await training.client();
  const client = new JobClient(link, silentLog);
  await ended(client, await training.submit(client, "things", dataset, 6));

  const stop = new AbortController();
  const video = await startVideo(training.site, [{ name: "gate", source: "synthetic:1" }], stop.signal);
  const more = { model: { name: "things" }, trainer: training.address };
  const tester = await startTester(training.site, folder.path, [video.address], stop.signal, more);
  const first = await untilStatus(training.site, tester.address, ({ cameras, model }) => {
    return model === "things" && (cameras[0]?.testedPerSecond ?? 0) > 0;
  });
  expect(first).toMatchObject({ modelVersion: 1, classes: ["cat", "dog"] });

  await using again = await training.client();
  const second = new JobClient(again, silentLog);
  await ended(second, await training.submit(second, "things", dataset, 6));
  const switched = await untilStatus(training.site, tester.address, ({ modelVersion }) => modelVersion === 2);
  expect(switched.cameras.map(({ status }) => status.state)).toEqual(["live"]);
  stop.abort();
  await Promise.all([video.ended, tester.ended]);
}, 60_000);

test("a tester starts without the trainer, with the model that it had last", async () => {
  using folder = tempFolder();
  const file = untrainedModel(["cat", "dog"], { threshold: 0.5 });
  const id = { name: "untrained", version: 1, sha256: sha256Of(file) };
  new KeptModels(join(folder.path, "data")).keep("things", id, file);
  const stop = new AbortController();
  const site = testSite();
  // Nobody listens there.
  const more = { model: { name: "things" }, trainer: { host: "127.0.0.1", port: 9 } };
  const tester = await startTester(site, folder.path, [], stop.signal, more);
  const status = await untilStatus(site, tester.address, ({ model }) => model !== "");
  expect(status).toMatchObject({ model: "untrained", classes: ["cat", "dog"] });
  stop.abort();
  await tester.ended;
});
