/**
 * The most memory that a training worker takes: `bun test/bench/worker-memory.ts [--batch N]`. A worker as people start
 * it, in a process of its own, learns the detector at 320 px on one thread from a trainer on loopback, chunks of 16
 * pictures; after some rounds its peak is read from the system. Prints it, and a line of JSON. Linux only.
 */

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { silentLog } from "../../shared/base/log.ts";
import { noteText } from "../../shared/training/job-words.ts";
import { JobClient } from "../../shared/training/submit.ts";
import { TrainingSite } from "../roles/training-site.ts";
import { tempFolder } from "../support/temp.ts";
import { blockDataset } from "./training-speed.ts";

const SIDE_PX = 320;
/** By then every engine and buffer has been used more than once. */
const ROUNDS = 6;

/** In MB. */
export async function workerMemory(batch: number): Promise<number> {
  using folder = tempFolder();
  await using site = new TrainingSite(folder.path);
  await site.startTrainer();
  const dataset = await blockDataset(folder.path, SIDE_PX);
  const { pid } = site.startRealWorker();
  await using link = await site.client();
  const client = new JobClient(link, silentLog);
  const options = { network: "detector", sizePx: SIDE_PX, chunkSize: batch, chunksPerRound: 1 } as const;
  const jobId = await client.submit({ name: "memory", dataset, options: { ...options, minutes: 600 } });
  for await (const { status } of client.follow(jobId)) {
    if (status.state === "failed") throw new Error(`the training failed: ${noteText(status.note)}`);
    if (status.samples >= ROUNDS * batch) return peakOf(pid);
  }
  throw new Error("the training ended before it was measured");
}

/** VmHWM of proc_pid_status(5): the most memory in use so far. */
function peakOf(pid: number): number {
  const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))!;
  return (Number(kilobytes) * 1024) / 1e6;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { batch: { type: "string", default: "16" } } });
  const megabytes = await workerMemory(Number(values.batch));
  process.stdout.write(`a worker at batch ${values.batch} takes ${megabytes.toFixed(0)} MB at most\n`);
  process.stdout.write(`${JSON.stringify({ batch: Number(values.batch), megabytes })}\n`);
  process.exit();
}
