import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { Log, silentLog } from "../../../shared/base/log.ts";
import { type Deferred, deferred, within } from "../../../shared/base/wait.ts";
import { JobClient } from "../../../shared/training/submit.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { tempFolder } from "../../support/temp.ts";
import { ended, TrainingSite, tinyDataset } from "../training-site.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const SAMPLES_A_STEP = 12;
const TIMEOUT_MS = 60_000;
/** Of a job that is over only when the test ends it. */
const ENDLESS_STEPS = 100_000;

const options = { network: "mlp", hidden: 8, chunkSize: 2, chunksPerRound: 6, seed: 3 } as const;

interface Round {
  readonly steps: number;
  readonly workers: number;
}

/** What the trainer's log says: after how many steps each round ended, and whether weights ever differed. */
function listener() {
  const rounds: Round[] = [];
  const complaints: string[] = [];
  const waiting: { readonly isIt: (round: Round) => boolean; readonly seen: Deferred<void> }[] = [];
  const log = new Log(
    "trainer",
    [
      (line) => {
        const round = / round job=\d+ round=(\d+) workers=(\d+)/.exec(line);
        if (round !== null) {
          rounds.push({ steps: Number(round[1]), workers: Number(round[2]) });
          for (const { isIt, seen } of waiting) if (isIt(rounds.at(-1)!)) seen.resolve();
        }
        if (line.includes("different weights")) complaints.push(line);
      },
    ],
    "debug",
  );
  /** Resolves at the end of the first such round from now. News of a job come too seldom to act between two rounds. */
  const untilRound = (isIt: (round: Round) => boolean): Promise<void> => {
    const seen = deferred();
    waiting.push({ isIt, seen });
    return within(seen.promise, TIMEOUT_MS, "waiting for a round");
  };
  return { rounds, complaints, log, untilRound };
}

test.each(["float32", "int8"] as const)(
  "workers that step by themselves hold the same weights after each round (%s), and learn as those that step together",
  async (wire) => {
    using folder = tempFolder();
    const { rounds, complaints, log } = listener();
    await using site = new TrainingSite(folder.path, { log });
    await site.startTrainer();
    const dataset = await tinyDataset(join(folder.path, "data"));
    for (const name of ["a", "b", "c"]) site.startWorker(name, 1);
    await using link = await site.client();
    const client = new JobClient(link, silentLog);
    const score = async (name: string, localSteps: number): Promise<number> => {
      const job = { name, dataset, options: { ...options, epochs: 42, wire, localSteps } };
      const { status } = await ended(client, await client.submit(job));
      expect(status.state).toBe("done");
      expect(status.samples).toBe(42 * SAMPLES_A_STEP);
      return status.map50 ?? 0;
    };
    const alone = await score("alone", 4);
    expect(complaints).toEqual([]);
    // Four steps in every round of more than one worker, but for the last: 42 is no multiple of it.
    const made = rounds.map(({ steps }, i) => steps - (rounds[i - 1]?.steps ?? 0));
    const together = made.filter((_, i) => rounds[i]!.workers > 1 && rounds[i]!.steps < 42);
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
    const { rounds, complaints, log, untilRound } = listener();
    await using site = new TrainingSite(folder.path, { log });
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
    await untilRound(({ workers }) => workers === 3);
    victim.process.kill("SIGKILL");
    await untilRound(({ workers }) => workers === 2);
    site.startWorker("late", 5);
    await untilRound(({ workers }) => workers === 3);
    await client.cancel(jobId, { keepBest: true });
    const { status } = await ended(client, jobId);
    expect(status.state).toBe("done");
    expect(complaints).toEqual([]);
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
    const { rounds, log } = listener();
    await using site = new TrainingSite(folder.path, { log });
    await site.startTrainer();
    const dataset = await tinyDataset(join(folder.path, "data"));
    site.startWorker("a", 1);
    await using link = await site.client();
    const client = new JobClient(link, silentLog);
    const job = { name: "toy", dataset, options: { ...options, epochs: 12, localSteps: 8 } };
    expect((await ended(client, await client.submit(job))).status.state).toBe("done");
    expect(rounds.map(({ steps }) => steps)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
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
