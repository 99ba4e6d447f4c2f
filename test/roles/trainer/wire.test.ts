import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { silentLog } from "../../../shared/base/log.ts";
import { JobClient } from "../../../shared/training/submit.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { tempFolder } from "../../support/temp.ts";
import { ended, TrainingSite, tinyDataset } from "../training-site.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const TIMEOUT_MS = 60_000;

test.each(["float16", "int8"] as const)(
  "with numbers in %s all workers hold the same weights in every round, and learn as they do with exact ones",
  async (wire) => {
    using folder = tempFolder();
    await using site = new TrainingSite(folder.path);
    await site.startTrainer();
    const dataset = await tinyDataset(join(folder.path, "data"));
    for (const name of ["a", "b", "c"]) site.startWorker(name, 1);
    await site.untilConnected(3);
    await using link = await site.client();
    const client = new JobClient(link, silentLog);
    const options = {
      network: "mlp",
      hidden: 8,
      epochs: 30,
      chunkSize: 2,
      chunksPerRound: 6,
      seed: 3,
    } as const;
    const score = async (name: string, format: "float32" | typeof wire): Promise<number> => {
      const jobId = await client.submit({ name, dataset, options: { ...options, wire: format } });
      const { status } = await ended(client, jobId);
      expect(status.state).toBe("done");
      return status.map50 ?? 0;
    };
    const said = await score("said", wire);
    const checksums = [...site.checksums().values()];
    expect(checksums.length).toBeGreaterThanOrEqual(30);
    for (const seen of checksums) expect(seen.size).toBe(1);
    const exact = await score("exact", "float32");
    expect(Math.abs(said - exact)).toBeLessThan(0.01);
  },
  TIMEOUT_MS,
);

test.each(["float16", "int8"] as const)(
  "in %s one worker is killed with -9 and another joins late: all hold the same weights in every round",
  async (wire) => {
    using folder = tempFolder();
    await using site = new TrainingSite(folder.path);
    await site.startTrainer();
    const dataset = await tinyDataset(join(folder.path, "data"));
    const victim = site.startWorker("victim", 2);
    const one = site.startWorker("one", 2);
    site.startWorker("two", 2);
    await using link = await site.client();
    const client = new JobClient(link, silentLog);
    const length = { epochs: 10_000, chunkSize: 2, chunksPerRound: 6 } as const;
    const options = { network: "mlp", hidden: 8, ...length, wire } as const;
    const jobId = await client.submit({ name: "toy", dataset, options });
    await victim.inRounds(10);
    victim.process.kill("SIGKILL");
    await one.inRounds(20);
    const late = site.startWorker("late", 2);
    await late.inRounds(10);
    await client.cancel(jobId, { keepBest: true });
    expect((await ended(client, jobId)).status.state).toBe("done");
    for (const seen of site.checksums().values()) expect(seen.size).toBe(1);
  },
  TIMEOUT_MS,
);

test("a format that does not exist is refused", async () => {
  using folder = tempFolder();
  await using site = new TrainingSite(folder.path);
  await site.startTrainer();
  const dataset = await tinyDataset(join(folder.path, "data"));
  await using link = await site.client();
  const options = { network: "mlp", wire: "int4" as "int8" } as const;
  await expect(new JobClient(link, silentLog).submit({ name: "x", dataset, options })).rejects.toThrow(
    "wire",
  );
});
