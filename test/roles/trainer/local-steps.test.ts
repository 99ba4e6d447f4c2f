import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { silentLog } from "../../../shared/base/log.ts";
import { JobClient } from "../../../shared/training/submit.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { tempFolder } from "../../support/temp.ts";
import { ended, TrainingSite, tinyDataset } from "../training-site.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const SAMPLES_A_STEP = 12;
/** Of a job that has its workers for longer than one of them may be late. */
const STEPS = 202;
const TIMEOUT_MS = 60_000;
/** Of a job that is over only when the test ends it. */
const ENDLESS_STEPS = 100_000;

const options = { network: "mlp", hidden: 8, chunkSize: 2, chunksPerRound: 6, seed: 3 } as const;

/** Hears where the trainer says that weights differ. */
function listener(): { readonly complaints: string[]; readonly onLine: (line: string) => void } {
  const complaints: string[] = [];
  const onLine = (line: string): void => {
    if (line.includes("different weights")) complaints.push(line);
  };
  return { complaints, onLine };
}

test.each(["float32", "int8"] as const)(
  "workers that step by themselves hold the same weights after each round (%s), and learn as those that step together",
  async (wire) => {
    using folder = tempFolder();
    const { complaints, onLine } = listener();
    await using site = new TrainingSite(folder.path, { onLine });
    await site.startTrainer();
    const dataset = await tinyDataset(join(folder.path, "data"));
    for (const name of ["a", "b", "c"]) site.startWorker(name, 1);
    await site.untilConnected(3);
    await using link = await site.client();
    const client = new JobClient(link, silentLog);
    const score = async (name: string, localSteps: number): Promise<number> => {
      const job = { name, dataset, options: { ...options, epochs: STEPS, wire, localSteps } };
      const { status } = await ended(client, await client.submit(job));
      expect(status.state).toBe("done");
      expect(status.samples).toBe(STEPS * SAMPLES_A_STEP);
      return status.map50 ?? 0;
    };
    const alone = await score("alone", 4);
    expect(complaints).toEqual([]);
    // Four steps in every round of more than one worker, but for the last: there is one step left, or a few.
    const { rounds } = site;
    const made = rounds.map(({ steps }, i) => steps - (rounds[i - 1]?.steps ?? 0));
    const together = made.filter((_, i) => rounds[i]!.workers > 1 && rounds[i]!.steps < STEPS);
    expect(together.length).toBeGreaterThan(5);
    expect(new Set(together)).toEqual(new Set([4]));
    expect(Math.abs(alone - (await score("together", 1)))).toBeLessThan(0.02);
  },
  TIMEOUT_MS,
);

test(
  "one worker is killed with -9 between two averagings and another joins late: all hold the same weights after each round",
  async () => {
    using folder = tempFolder();
    const { complaints, onLine } = listener();
    await using site = new TrainingSite(folder.path, { onLine });
    await site.startTrainer();
    const dataset = await tinyDataset(join(folder.path, "data"));
    const victim = site.startWorker("victim", 5);
    site.startWorker("one", 5);
    site.startWorker("two", 5);
    await using link = await site.client();
    const client = new JobClient(link, silentLog);
    const job = {
      name: "toy",
      dataset,
      options: { ...options, epochs: ENDLESS_STEPS, wire: "int8", localSteps: 8 },
    } as const;
    const jobId = await client.submit(job);
    await site.untilRound(({ workers }) => workers === 3);
    victim.process.kill("SIGKILL");
    await site.untilRound(({ workers }) => workers === 2);
    site.startWorker("late", 5);
    await site.untilRound(({ workers }) => workers === 3);
    await client.cancel(jobId, { keepBest: true });
    const { status } = await ended(client, jobId);
    expect(status.state).toBe("done");
    expect(complaints).toEqual([]);
    const { rounds } = site;
    const counts = rounds.map(({ workers }) => workers).filter((count, i, all) => count !== all[i - 1]);
    // Before the last three they came one after the other.
    expect(counts.slice(-3)).toEqual([3, 2, 3]);
    // Nothing that was done is done again.
    for (const [i, { steps }] of rounds.entries())
      if (i > 0) expect(steps).toBeGreaterThan(rounds[i - 1]!.steps);
  },
  TIMEOUT_MS,
);

test(
  "a worker alone has nobody to average with: each of its rounds is one step",
  async () => {
    using folder = tempFolder();
    await using site = new TrainingSite(folder.path);
    await site.startTrainer();
    const dataset = await tinyDataset(join(folder.path, "data"));
    site.startWorker("a", 1);
    await using link = await site.client();
    const client = new JobClient(link, silentLog);
    const job = { name: "toy", dataset, options: { ...options, epochs: 12, localSteps: 8 } };
    expect((await ended(client, await client.submit(job))).status.state).toBe("done");
    expect(site.rounds.map(({ steps }) => steps)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
  },
  TIMEOUT_MS,
);

test.each([0, 17, 1.5, "all"])("%p steps are refused", async (localSteps) => {
  using folder = tempFolder();
  await using site = new TrainingSite(folder.path);
  await site.startTrainer();
  const dataset = await tinyDataset(join(folder.path, "data"));
  await using link = await site.client();
  const job = { name: "x", dataset, options: { network: "mlp", localSteps: localSteps as number } } as const;
  await expect(new JobClient(link, silentLog).submit(job)).rejects.toThrow("localSteps");
});
