import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { silentLog } from "../../../shared/base/log.ts";
import { decodeModelFile } from "../../../shared/nn/model-file.ts";
import { JobClient } from "../../../shared/training/submit.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { tempFolder } from "../../support/temp.ts";
import { ended, TrainingSite, tinyDataset, untilSamples } from "../training-site.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const SAMPLES_A_ROUND = 12;
const TIMEOUT_MS = 60_000;

const network = { network: "detector", sizePx: 64, variant: "small" } as const;

/** Epochs of so many rounds, of the pictures that are not kept aside. */
function epochsOf(rounds: number, learnable: number): number {
  return (rounds * SAMPLES_A_ROUND) / (learnable - Math.max(8, Math.round(learnable / 10)));
}

/** Trains on `pictures`, ends early after so many rounds where that is said; the thresholds are of that progress. */
async function measuredAt(pictures: number, rounds: number, endAfter?: number): Promise<number> {
  using folder = tempFolder();
  await using site = new TrainingSite(folder.path);
  await site.startTrainer();
  const dataset = await tinyDataset(join(folder.path, "data"), pictures);
  site.startWorker("w", 1);
  await using link = await site.client();
  const client = new JobClient(link, silentLog);
  const epochs = epochsOf(rounds, dataset.splits.train!.length);
  const options = { ...network, epochs, chunkSize: 2, chunksPerRound: 6, seed: 3 };
  const jobId = await client.submit({ name: "toy", dataset, options });
  if (endAfter !== undefined) {
    await untilSamples(client, jobId, endAfter * SAMPLES_A_ROUND);
    await client.cancel(jobId, { keepBest: true });
  }
  expect((await ended(client, jobId)).status.state).toBe("done");
  return decodeModelFile(await site.model("toy")).info.thresholds[0]!;
}

test(
  "thresholds and scores come from the last weights that had not learnt from the pictures kept aside",
  async () => {
    expect(await measuredAt(48, 40)).toBeWithin(0.7, 0.76);
  },
  TIMEOUT_MS,
);

test(
  "a training that ends before then is measured at its end",
  async () => {
    const progress = await measuredAt(48, 4000, 5);
    expect(progress).toBeGreaterThan(0);
    expect(progress).toBeLessThan(0.7);
  },
  TIMEOUT_MS,
);

test(
  "the last scores are not lost when the trainer stops, or the worker goes, while they are made",
  async () => {
    using folder = tempFolder();
    await using site = new TrainingSite(folder.path);
    await site.startTrainer();
    const { port } = site.address;
    const dataset = await tinyDataset(join(folder.path, "data"), 48);
    const epochs = epochsOf(40, dataset.splits.train!.length);
    const options = { ...network, epochs, chunkSize: 2, chunksPerRound: 6, seed: 3 };
    const first = site.startWorker("first", 1, { scoreMs: 5000 });
    let jobId: number;
    {
      await using link = await site.client();
      jobId = await new JobClient(link, silentLog).submit({ name: "toy", dataset, options });
      await first.scoring;
    }
    await site.stopTrainer();
    first.process.kill("SIGKILL");
    await site.startTrainer(port);
    const second = site.startWorker("second", 1, { scoreMs: 5000 });
    // It has had no round before.
    expect(await second.scoring).toBe(0);
    second.process.kill("SIGKILL");
    site.startWorker("third", 1);
    await using link = await site.client();
    expect((await ended(new JobClient(link, silentLog), jobId)).status.state).toBe("done");
    const { thresholds } = decodeModelFile(await site.model("toy")).info;
    expect(thresholds[0]!).toBe(0);
  },
  TIMEOUT_MS,
);
