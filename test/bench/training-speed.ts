import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { silentLog } from "../../shared/base/log.ts";
import type { Dataset, Sample } from "../../shared/dataset/types.ts";
import { encodeJpeg } from "../../shared/image/codec.ts";
import { noteText } from "../../shared/training/job-words.ts";
import type { TrainingOptions } from "../../shared/training/options.ts";
import { JobClient } from "../../shared/training/submit.ts";
import { TrainingSite } from "../roles/training-site.ts";
import { blockPictures } from "../support/blocks.ts";
import { tempFolder } from "../support/temp.ts";

/** How a site trains while it is measured. */
export interface SpeedSetting {
  readonly workers: number;
  /** Of each worker. */
  readonly threads: number;
  /** Cores that all workers together may use, from the first (with `taskset`); any where absent. */
  readonly cores?: number;
  readonly options: TrainingOptions;
  readonly seconds: number;
}

/** What a site gave, from its first warm round on. */
export interface Speed {
  readonly samplesPerSecond: number;
  readonly rounds: number;
  /** CPU milliseconds a round of every worker together, by kind of thread. */
  readonly cpuMs: Readonly<Record<string, number>>;
  readonly cpuMsPerSample: number;
}

/** Rounds before measuring: engines and compilers warm up. */
const WARM_ROUNDS = 12;

/**
 * Trains with real workers as processes on loopback and measures samples a second, and on Linux the CPU time of each
 * kind of thread. The trainer runs in this process.
 */
export async function trainingSpeed(setting: SpeedSetting): Promise<Speed> {
  const { workers, threads, cores, options, seconds } = setting;
  using folder = tempFolder();
  await using site = new TrainingSite(folder.path);
  await site.startTrainer();
  const dataset = await blockDataset(folder.path, options.sizePx ?? 320);
  const prefix = cores === undefined ? [] : ["taskset", "--cpu-list", `0-${cores - 1}`];
  const children = Array.from({ length: workers }, () => site.startRealWorker({ prefix, threads }));
  await using link = await site.client();
  const client = new JobClient(link, silentLog);
  const batch = (options.chunkSize ?? 4) * (options.chunksPerRound ?? 2);
  const jobId = await client.submit({ name: "speed", dataset, options: { ...options, minutes: 600 } });
  let start: Moment | undefined;
  for await (const { status } of client.follow(jobId)) {
    if (status.state === "failed") throw new Error(`the training failed: ${noteText(status.note)}`);
    const inRing = status.workers.filter(({ state }) => state === "training").length;
    if (inRing < workers || status.samples < WARM_ROUNDS * batch) continue;
    const now: Moment = { atMs: performance.now(), samples: status.samples, cpu: cpuOf(children) };
    start ??= now;
    if (now.atMs - start.atMs >= 1000 * seconds) return speedBetween(start, now, batch);
  }
  throw new Error("the training ended before it was measured");
}

interface Moment {
  readonly atMs: number;
  readonly samples: number;
  readonly cpu: Readonly<Record<string, number>>;
}

function speedBetween(start: Moment, end: Moment, batch: number): Speed {
  const samples = end.samples - start.samples;
  const rounds = samples / batch;
  const cpuMs = Object.fromEntries(
    Object.entries(end.cpu).map(([kind, ms]) => [kind, (ms - (start.cpu[kind] ?? 0)) / rounds]),
  );
  return {
    samplesPerSecond: (1000 * samples) / (end.atMs - start.atMs),
    rounds,
    cpuMs,
    cpuMsPerSample: Object.values(cpuMs).reduce((sum, ms) => sum + ms, 0) / batch,
  };
}

/** CPU milliseconds of some processes so far, by the name of the thread; empty where there is no /proc. */
function cpuOf(children: readonly Subprocess[]): Record<string, number> {
  const cpu: Record<string, number> = {};
  for (const { pid } of children) {
    for (const task of listOf(`/proc/${pid}/task`)) {
      const kind = Number(task) === pid ? "main" : textOf(`/proc/${pid}/task/${task}/comm`).trim();
      // The first number is the time on a core, in nanoseconds (Documentation/scheduler/sched-stats.rst).
      const onCoreNs = Number(textOf(`/proc/${pid}/task/${task}/schedstat`).split(" ")[0]);
      if (Number.isFinite(onCoreNs)) cpu[kind] = (cpu[kind] ?? 0) + onCoreNs / 1e6;
    }
  }
  return cpu;
}

function listOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Enough easy pictures for a training that nobody waits for. */
export async function blockDataset(folder: string, sizePx: number): Promise<Dataset> {
  const root = join(folder, "pictures");
  const train: Sample[] = [];
  for (const { id, picture, labels } of blockPictures(24, 3, Math.round(1.25 * sizePx))) {
    const { width, height } = picture;
    const path = join(root, `${id}.jpg`);
    await Bun.write(path, await encodeJpeg(picture, 90));
    const boxes = labels.map(({ classIndex, box: [x1, y1, x2, y2] }) => ({
      classIndex,
      box: [x1 * width, y1 * height, x2 * width, y2 * height] as const,
    }));
    train.push({ id, path, width, height, labels: boxes });
  }
  return { root, classes: ["red", "green", "blue"], splits: { train }, defects: [] };
}
