import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { silentLog } from "../../../shared/base/log.ts";
import { openModel } from "../../../shared/detect/model.ts";
import { decodePictureFile } from "../../../shared/image/codec.ts";
import { JobClient } from "../../../shared/training/submit.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { tempFolder } from "../../support/temp.ts";
import { ended, TrainingSite, tinyDataset, untilSamples } from "../training-site.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const TIMEOUT_MS = 60_000;
const THREADS = 1;
/** Epochs of a job that is over only when the test ends it. */
const ENDLESS = 100_000;

test(
  "two workers learn a detector together, one is killed with -9, and there is still a model that detects",
  async () => {
    using folder = tempFolder();
    await using site = new TrainingSite(folder.path);
    await site.startTrainer();
    const dataset = await tinyDataset(join(folder.path, "data"));
    const victim = site.startRealWorker();
    site.startRealWorker();
    await using link = await site.client();
    const client = new JobClient(link, silentLog);
    const options = { network: "detector", sizePx: 64, epochs: ENDLESS, chunkSize: 4, seed: 1 } as const;
    const jobId = await client.submit({ name: "things", dataset, options });
    await site.untilRound(({ workers }) => workers === 2);
    victim.kill("SIGKILL");
    await site.untilRound(({ workers }) => workers === 1);
    await client.cancel(jobId, { keepBest: true });
    const { status } = await ended(client, jobId);
    expect(status).toMatchObject({ state: "done", map50: expect.any(Number) });
    expect(status.workers).toHaveLength(1);

    await using model = await openModel(
      await site.model("things"),
      { device: "cpu", threads: THREADS },
      silentLog,
    );
    expect(model.info).toMatchObject({ name: "things", version: 1, classes: ["cat", "dog"] });
    expect(model.info.lineage).toMatchObject({ samples: status.samples, seed: 1 });
    const picture = await decodePictureFile(dataset.splits.train![0]!.path);
    expect(await model.detect([picture])).toHaveLength(1);
  },
  TIMEOUT_MS,
);

test(
  "a job starts from the model of another, also with other classes, and says so",
  async () => {
    using folder = tempFolder();
    await using site = new TrainingSite(folder.path);
    await site.startTrainer();
    const dataset = await tinyDataset(join(folder.path, "data"));
    site.startWorker("w", 0);
    await using link = await site.client();
    const client = new JobClient(link, silentLog);
    await ended(client, await site.submit(client, "first", dataset, 10));
    const initPath = join(folder.path, "first.onnx");
    await Bun.write(initPath, await site.model("first"));
    const options = { network: "mlp", epochs: 2 } as const;
    const second = await client.submit({ name: "second", dataset, options, initPath });
    await untilSamples(client, second, 1);
    expect((await ended(client, second)).status.state).toBe("done");
    await using model = await openModel(
      await site.model("second"),
      { device: "cpu", threads: THREADS },
      silentLog,
    );
    expect(model.info.lineage.parent).toBe("first v1");

    const renamed = { ...dataset, classes: ["owl", "dog", "cat"] };
    const relearnt = await client.submit({ name: "renamed", dataset: renamed, options, initPath });
    expect((await ended(client, relearnt)).status.state).toBe("done");

    const other = { network: "detector", sizePx: 64, epochs: 1 } as const;
    const third = await client.submit({ name: "third", dataset, options: other, initPath });
    expect((await ended(client, third)).status).toMatchObject({
      state: "failed",
      note: {
        kind: "failed",
        failure: { kind: "another-network", text: expect.stringContaining("another network") },
      },
    });
  },
  TIMEOUT_MS,
);
