/** What went wrong, on the page in its reader's language: a camera that cannot be reached, a training that failed. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { KeptModels, sha256Of } from "../../../roles/tester/kept-models.ts";
import { silentLog } from "../../../shared/base/log.ts";
import { JobClient } from "../../../shared/training/submit.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { tempFolder } from "../../support/temp.ts";
import { untrainedModel } from "../../support/untrained-model.ts";
import { CHROMIUM, startWatchedPage } from "../../support/watcher-page.ts";
import { TrainingSite, tinyDataset } from "../training-site.ts";

setDefaultTimeout(2 * BUSY_MACHINE_MS);

/** Nobody listens there. Its name is as long as names may be. */
const AWAY = {
  name: "puerta_trasera_del_almacén_de_la_segunda_planta_junto_al_muelle3",
  source: "rtsp://127.0.0.1:9/x",
};

const TOLD: [locale: string, camera: string, job: string][] = [
  [
    "es-ES",
    "sin señal: nada responde en 127.0.0.1:9. Comprueba que la cámara esté encendida y su dirección",
    "fallido · motivo: ninguna imagen para entrenar tiene etiqueta: etiqueta algunas y envíalas de nuevo",
  ],
  [
    "en-GB",
    "gone: nothing listens at 127.0.0.1:9. See that the camera is on and its address right",
    "failed · why: no picture to train on has a label: label some, and submit again",
  ],
];

/** Submits pictures without labels, which the trainer refuses. */
async function failedJob(training: TrainingSite, folder: string): Promise<void> {
  const { splits, ...dataset } = await tinyDataset(folder);
  const train = splits.train!.map((sample) => ({ ...sample, labels: [] }));
  await using link = await training.client();
  const submitted = training.submit(
    new JobClient(link, silentLog),
    "cats",
    { ...dataset, splits: { train } },
    1,
  );
  await expect(submitted).rejects.toThrow("has a label");
}

describe.skipIf(CHROMIUM === null)("the watcher's page in Chromium", () => {
  test("says in English and in Spanish what is wrong with a camera, and why a training failed", async () => {
    using folder = tempFolder();
    await using training = new TrainingSite(folder.path);
    await training.startTrainer();
    await failedJob(training, join(folder.path, "pictures"));
    const model = untrainedModel(["cat", "dog"], { threshold: 0.5 });
    const id = { name: "untrained", version: 1, sha256: sha256Of(model) };
    new KeptModels(join(folder.path, "data")).keep("things", id, model);
    await using watched = await startWatchedPage(folder.path, {
      site: training.site,
      cameras: [AWAY],
      tester: { model: { name: "things" }, trainer: training.address },
    });
    for (const [locale, camera, job] of TOLD) {
      const page = await watched.open({ locale });
      await page.locator(".camera small", { hasText: camera }).waitFor();
      for (const width of [1200, 390]) {
        await page.setViewportSize({ width, height: 800 });
        const hidden = await page.locator(".camera").evaluate((card) => card.scrollWidth - card.clientWidth);
        expect(hidden).toBe(0); // nothing of it is cut off
      }
      await page.locator(".job p", { hasText: job }).waitFor();
      await page.context().close();
    }
  });
});
