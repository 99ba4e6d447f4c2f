import { expect, test } from "bun:test";
import { join } from "node:path";
import { silentLog } from "../../../shared/base/log.ts";
import { decodeModelFile } from "../../../shared/nn/model-file.ts";
import { JobClient } from "../../../shared/training/submit.ts";
import { StandInJob } from "../../bench/scaling-job.ts";
import { loopbackMachine } from "../../support/machines.ts";
import { tempFolder } from "../../support/temp.ts";
import { ended, TrainingSite, tinyDataset } from "../training-site.ts";

const TIMEOUT_MS = 60_000;
const WITHIN_MS = 30_000;
/** Without a checkpoint in between: its state goes to the trainer, and not from it. */
const NEVER_MS = 600_000;
const CHUNK_MS = 20;
/** Of the weight vector of a stand-in's job. */
const WEIGHTS_BYTES = 4 * 931_128;

/** A training of two stand-in workers with the detector's weight vector. */
async function pair(): Promise<StandInJob> {
  const job = new StandInJob({}, NEVER_MS);
  await job.begin(6);
  for (const [i, name] of ["w0", "w1"].entries()) await job.add(name, loopbackMachine(i), CHUNK_MS);
  await job.settled(2);
  return job;
}

test(
  "a newcomer gets the weights and its state from the others: next to nothing leaves the trainer",
  async () => {
    await using job = await pair();
    const before = job.wires.trainerBytes;
    await job.add("w2", loopbackMachine(2), CHUNK_MS);
    await job.settled(3);
    expect(job.wires.trainerBytes - before).toBeLessThan(WEIGHTS_BYTES / 20);
  },
  TIMEOUT_MS,
);

test(
  "a member that is killed while it gives its state to a newcomer holds up nobody: the others and the newcomer go on",
  async () => {
    await using job = await pair();
    await job.add("w2", loopbackMachine(2), CHUNK_MS);
    const killed = Promise.withResolvers<number>();
    // In the middle of the weights.
    job.wires.afterBytes("w2", "w0", WEIGHTS_BYTES / 3, () => {
      job.kill("w0");
      killed.resolve(job.rounds.at(-1)!.round);
    });
    const reached = await killed.promise;
    await job.until(() => job.rounds.at(-1)!.round > reached + 3, WITHIN_MS);
    // Never all three: it was killed before the newcomer was in the ring.
    expect(Math.max(...job.rounds.map(({ workers }) => workers))).toBe(2);
    const after = job.rounds.filter(({ round }) => round > reached);
    expect(after.map(({ workers }) => workers)).toEqual(after.map(() => 2));
    // No round is made twice.
    expect(job.rounds.map(({ round }) => round)).toEqual(job.rounds.map((_, i) => i + 1));
  },
  TIMEOUT_MS,
);

test.each(["lies", "nothing"] as const)(
  "a member that gives %s instead of the weights keeps nobody out: the newcomer has them by way of the trainer",
  async (gives) => {
    using folder = tempFolder();
    const complaints: string[] = [];
    const onLine = (line: string): void => {
      if (line.includes("got no state from another") || line.includes("different weights"))
        complaints.push(line);
    };
    await using site = new TrainingSite(folder.path, { onLine });
    await site.startTrainer();
    const dataset = await tinyDataset(join(folder.path, "data"));
    const first = site.startWorker("first", 3, { gives });
    await using link = await site.client();
    const client = new JobClient(link, silentLog);
    const jobId = await site.submit(client, "toy", dataset, 10_000);
    await first.inRounds(10);
    const late = site.startWorker("late", 3);
    await late.inRounds(5);
    await client.cancel(jobId, { keepBest: true });
    expect((await ended(client, jobId)).status.state).toBe("done");
    expect(complaints).toHaveLength(1);
    expect(complaints[0]).toContain(gives === "lies" ? "are not those of round" : "not from me");
    for (const seen of site.checksums().values()) expect(seen.size).toBe(1);
  },
  TIMEOUT_MS,
);

test(
  "a training that workers join in the middle ends with the weights of one that they did not join",
  async () => {
    const rounds = 200;
    /** The workers, by what a chunk takes each, come one after the other. */
    const trained = async (...chunkMs: readonly number[]): Promise<Float32Array> => {
      using folder = tempFolder();
      await using site = new TrainingSite(folder.path, { checkpointEveryMs: NEVER_MS });
      await site.startTrainer();
      const dataset = await tinyDataset(join(folder.path, "data"));
      const [firstMs, ...newcomersMs] = chunkMs;
      site.startWorker("first", firstMs!);
      await using link = await site.client();
      const client = new JobClient(link, silentLog);
      // Numbers as they are, however slow this machine is now.
      const options = {
        network: "mlp",
        hidden: 8,
        chunkSize: 2,
        chunksPerRound: 6,
        wire: "float32",
      } as const;
      const jobId = await client.submit({ name: "toy", dataset, options: { ...options, epochs: rounds } });
      for (const [i, newcomerMs] of newcomersMs.entries()) {
        await site.untilRound(({ workers }) => workers === 1 + i);
        site.startWorker(`newcomer-${i}`, newcomerMs);
        await site.untilRound(({ workers }) => workers === 2 + i);
      }
      expect((await ended(client, jobId)).status.state).toBe("done");
      return decodeModelFile(await site.model("toy")).weights;
    };
    const alone = await trained(0);
    // Slow enough alone, and as two, for a newcomer's start on a busy machine; the last one gets all there is to do.
    const joined = await trained(40, 40, 1);
    const furthest = joined.reduce((most, value, i) => Math.max(most, Math.abs(value - alone[i]!)), 0);
    expect(furthest).toBeLessThan(1e-4);
  },
  TIMEOUT_MS,
);
