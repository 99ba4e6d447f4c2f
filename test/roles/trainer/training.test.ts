import { expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { silentLog } from "../../../shared/base/log.ts";
import { decodeModelFile } from "../../../shared/nn/model-file.ts";
import { ModelClient } from "../../../shared/training/fetch-model.ts";
import { JobClient } from "../../../shared/training/submit.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { tempFolder } from "../../support/temp.ts";
import { ended, TrainingSite, tinyDataset, untilSamples } from "../training-site.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const SAMPLES_A_ROUND = 12;
const TIMEOUT_MS = 60_000;
/** Of a job that lasts until the last of its workers is ready, on a busy machine too. */
const ROUNDS = 80;
/** Of a job that is over only when the test ends it. */
const ENDLESS_ROUNDS = 10_000;

/** Trains in a folder of its own with a toy worker for each time that a chunk takes; the final weights, and what was seen. */
async function trainedBy(...chunkMs: readonly number[]) {
  using folder = tempFolder();
  await using site = new TrainingSite(folder.path);
  await site.startTrainer();
  const dataset = await tinyDataset(join(folder.path, "data"));
  for (const [i, ms] of chunkMs.entries()) site.startWorker(`w${i}`, ms);
  await site.untilConnected(chunkMs.length);
  await using link = await site.client();
  const client = new JobClient(link, silentLog);
  // Numbers as they are, and after each step, however slow this machine is now.
  const options = { network: "mlp", hidden: 8, chunkSize: 2, chunksPerRound: 6, wire: "float32" } as const;
  const jobId = await client.submit({ name: "toy", dataset, options: { ...options, epochs: ROUNDS } });
  const { status } = await ended(client, jobId);
  const { weights } = decodeModelFile(await site.model("toy"));
  return { status, weights, checksums: site.checksums(), rounds: site.rounds };
}

/** The fewest samples that the news of a job tell once it trains again. Ends it when it has gone on from there. */
async function leastOnTheWay(client: JobClient, jobId: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  let last: string | undefined;
  for await (const { status } of client.follow(jobId)) {
    last = status.state;
    if (status.state !== "training" || status.note !== undefined || status.samples === 0) continue;
    if (status.samples > least) await client.cancel(jobId, { keepBest: true });
    least = Math.min(least, status.samples);
  }
  expect(last).toBe("done");
  expect(least).toBeFinite();
  return least;
}

test(
  "three workers hold the same weights bit for bit at every round, and end with those of one",
  async () => {
    const one = await trainedBy(0);
    const three = await trainedBy(3, 3, 3);
    expect(one.status).toMatchObject({ state: "done", samples: ROUNDS * SAMPLES_A_ROUND });
    expect(three.status).toMatchObject({ state: "done", samples: ROUNDS * SAMPLES_A_ROUND });
    expect(three.rounds.filter(({ workers }) => workers === 3).length).toBeGreaterThan(10);
    for (const seen of three.checksums.values()) expect(seen.size).toBe(1);
    let furthest = 0;
    three.weights.forEach((value, i) => {
      furthest = Math.max(furthest, Math.abs(value - one.weights[i]!));
    });
    expect(furthest).toBeLessThan(1e-4);
  },
  TIMEOUT_MS,
);

test(
  "one worker is killed with -9 and another joins late: the job ends, with one truth for every round",
  async () => {
    using folder = tempFolder();
    await using site = new TrainingSite(folder.path);
    await site.startTrainer();
    const dataset = await tinyDataset(join(folder.path, "data"));
    const victim = site.startWorker("victim", 3);
    const survivor = site.startWorker("survivor", 3);
    await using link = await site.client();
    const client = new JobClient(link, silentLog);
    const jobId = await site.submit(client, "toy", dataset, ENDLESS_ROUNDS);
    await victim.inRounds(12);
    victim.process.kill("SIGKILL");
    await survivor.inRounds(20);
    const late = site.startWorker("late", 3);
    await late.inRounds(10);
    await client.cancel(jobId, { keepBest: true });
    expect((await ended(client, jobId)).status.state).toBe("done");
    for (const seen of site.checksums().values()) expect(seen.size).toBe(1);
  },
  TIMEOUT_MS,
);

test(
  "a trainer that stops in the middle goes on from its checkpoint, and keeps its models",
  async () => {
    using folder = tempFolder();
    await using site = new TrainingSite(folder.path);
    await site.startTrainer();
    const { port } = site.address;
    const dataset = await tinyDataset(join(folder.path, "data"));
    site.startWorker("w", 2);
    let jobId: number;
    {
      await using link = await site.client();
      const client = new JobClient(link, silentLog);
      await ended(client, await site.submit(client, "first", dataset, 3));
      jobId = await site.submit(client, "second", dataset, ENDLESS_ROUNDS);
      await untilSamples(client, jobId, 100 * SAMPLES_A_ROUND);
    }
    await site.stopTrainer();
    await site.startTrainer(port);
    await using link = await site.client();
    const client = new JobClient(link, silentLog);
    expect(await leastOnTheWay(client, jobId)).toBeGreaterThanOrEqual(10 * SAMPLES_A_ROUND);
    await using other = await site.client();
    const models = await new ModelClient(other).list();
    expect(models.map(({ name, version }) => `${name} v${version}`)).toEqual(["second v1", "first v1"]);
  },
  TIMEOUT_MS,
);

test(
  "a trainer started again without any checkpoint goes on from what its workers hold: nothing is lost",
  async () => {
    using folder = tempFolder();
    await using site = new TrainingSite(folder.path, { checkpointEveryMs: 600_000 });
    await site.startTrainer();
    const { port } = site.address;
    const dataset = await tinyDataset(join(folder.path, "data"));
    const worker = site.startWorker("a", 2);
    site.startWorker("b", 2);
    let jobId: number;
    {
      await using link = await site.client();
      const client = new JobClient(link, silentLog);
      jobId = await site.submit(client, "toy", dataset, ENDLESS_ROUNDS);
      await untilSamples(client, jobId, 20 * SAMPLES_A_ROUND);
    }
    await site.stopTrainer();
    const before = worker.begun.length;
    await site.startTrainer(port);
    await worker.inRounds(worker.rounds.size + 10);
    expect(Math.min(...worker.begun.slice(before))).toBeGreaterThanOrEqual(20);
    await using link = await site.client();
    const client = new JobClient(link, silentLog);
    await client.cancel(jobId, { keepBest: true });
    expect((await ended(client, jobId)).status.state).toBe("done");
    for (const seen of site.checksums().values()) expect(seen.size).toBe(1);
  },
  TIMEOUT_MS,
);

test(
  "two clients submit at once: both get their model, and what the trainer has does not travel again",
  async () => {
    using folder = tempFolder();
    await using site = new TrainingSite(folder.path);
    await site.startTrainer();
    site.startWorker("w", 0);
    const one = await tinyDataset(join(folder.path, "one"), 12, 1);
    const two = await tinyDataset(join(folder.path, "two"), 12, 2);
    await using linkA = await site.client();
    await using linkB = await site.client();
    const [a, b] = [new JobClient(linkA, silentLog), new JobClient(linkB, silentLog)];
    const [jobA, jobB] = await Promise.all([site.submit(a, "a", one, 5), site.submit(b, "b", two, 5)]);
    const [endA, endB] = await Promise.all([ended(a, jobA), ended(b, jobB)]);
    expect([endA.status.state, endB.status.state]).toEqual(["done", "done"]);

    let sent = 0;
    const options = { network: "mlp", epochs: 2 } as const;
    const again = await a.submit({ name: "a", dataset: one, options }, ({ stage }) => {
      if (stage === "sending") sent++;
    });
    expect((await ended(a, again)).modelVersion).toBe(2);
    expect(sent).toBe(0);
    expect(decodeModelFile(await site.model("a")).info).toMatchObject({
      name: "a",
      version: 2,
      classes: ["cat", "dog"],
    });
    expect(decodeModelFile(await site.model("a", 1)).info).toMatchObject({ name: "a", version: 1 });
  },
  TIMEOUT_MS,
);

test(
  "a job is ended early with what it has learnt, or cancelled with nothing",
  async () => {
    using folder = tempFolder();
    await using site = new TrainingSite(folder.path);
    await site.startTrainer();
    const dataset = await tinyDataset(join(folder.path, "data"));
    site.startWorker("w", 2);
    await using link = await site.client();
    const client = new JobClient(link, silentLog);
    const kept = await site.submit(client, "kept", dataset, ENDLESS_ROUNDS);
    await untilSamples(client, kept, 5 * SAMPLES_A_ROUND);
    await client.cancel(kept, { keepBest: true });
    expect(await ended(client, kept)).toMatchObject({ status: { state: "done" }, modelVersion: 1 });

    const dropped = await site.submit(client, "dropped", dataset, ENDLESS_ROUNDS);
    await untilSamples(client, dropped, 5 * SAMPLES_A_ROUND);
    await client.cancel(dropped, { keepBest: false });
    expect((await ended(client, dropped)).status.state).toBe("cancelled");
    await using other = await site.client();
    expect((await new ModelClient(other).list()).map(({ name }) => name)).toEqual(["kept"]);
  },
  TIMEOUT_MS,
);

test(
  "a picture that cannot be decoded is left out; options that make no sense are refused with a reason",
  async () => {
    using folder = tempFolder();
    await using site = new TrainingSite(folder.path);
    await site.startTrainer();
    const dataset = await tinyDataset(join(folder.path, "data"));
    writeFileSync(dataset.splits.train![3]!.path, "no picture at all");
    site.startWorker("w", 0);
    await using link = await site.client();
    const client = new JobClient(link, silentLog);
    expect((await ended(client, await site.submit(client, "toy", dataset, 4))).status.state).toBe("done");

    await using other = await site.client();
    const bad = new JobClient(other, silentLog).submit({
      name: "a/b",
      dataset,
      options: { network: "mlp" },
    });
    await expect(bad).rejects.toThrow("cannot be a model's name");
  },
  TIMEOUT_MS,
);
