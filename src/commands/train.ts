import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { basename, extname, join, resolve } from "node:path";
import { AppError } from "../../shared/base/errors.ts";
import { Progress } from "../../shared/base/progress.ts";
import { durationText } from "../../shared/base/text.ts";
import { formatAddress } from "../../shared/net/address.ts";
import { connect } from "../../shared/net/connect.ts";
import type { Address } from "../../shared/net/connection.ts";
import { openSite, type Site } from "../../shared/net/site.ts";
import { newToken } from "../../shared/net/token.ts";
import { saveWhole } from "../../shared/nn/model-file.ts";
import { ModelClient } from "../../shared/training/fetch-model.ts";
import { scoreText } from "../../shared/training/job-words.ts";
import { JobClient } from "../../shared/training/submit.ts";
import { SiteProcesses } from "../demo/processes.ts";
import { wholeFlag } from "../flags.ts";
import { checkSavePath } from "../save-folder.ts";
import {
  COMMON_FLAGS,
  type Command,
  type CommandContext,
  type Flags,
  isSet,
  neededText,
  textOf,
} from "../shell.ts";
import { followJob, handIn, readForTraining, TRAINING_FLAGS, type TrainingSet } from "../training.ts";

/**
 * The one-machine form of `submit`: starts a trainer and a worker on loopback, which speak the same protocol. One
 * worker uses all cores and adds up its gradients in shared memory; several speak in a ring, as machines do: on two
 * cores two workers trained the detector at 43.6 pictures/s where one trained it at 49.2 (blood-cells, 320 px).
 */
export const command: Command = {
  definition: {
    meta: { name: "train", description: "Train a model on this machine." },
    args: {
      dataset: {
        type: "positional",
        required: true,
        description: "The folder of labelled pictures: Pascal VOC, or a folder for each class.",
      },
      out: { type: "string", required: true, valueHint: "FILE.onnx", description: "Where the model goes." },
      workers: {
        type: "string",
        valueHint: "N",
        description: "Processes that share the work and the cores (1).",
      },
      ...TRAINING_FLAGS,
      json: { type: "boolean", description: "The result as one JSON object." },
      ...COMMON_FLAGS,
    },
  },
  async run(flags, context) {
    const out = resolve(neededText(flags, "out"));
    await checkSavePath(out);
    const cores = availableParallelism();
    const workers = wholeFlag("workers", textOf(flags, "workers"), 1, 64) ?? 1;
    using progress = new Progress();
    const set = await readForTraining(flags, progress, context);
    const folder = await mkdtemp(join(tmpdir(), "vigia-train-"));
    // Also when this is stopped at once.
    process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
    try {
      await trainHere(
        { out, set, folder, workers, threads: Math.max(1, Math.floor(cores / workers)) },
        flags,
        progress,
        context,
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

interface Here {
  readonly out: string;
  readonly set: TrainingSet;
  /** For what the processes keep while they run. */
  readonly folder: string;
  readonly workers: number;
  readonly threads: number;
}

async function trainHere(
  { out, set, folder, workers, threads }: Here,
  flags: Flags,
  progress: Progress,
  context: CommandContext,
): Promise<void> {
  const { log, signal, print } = context;
  const token = newToken();
  const site = await openSite({ token, log });
  await using processes = new SiteProcesses(folder, token, log);
  const loopback = "127.0.0.1:0";
  const { address } = await processes.start(
    "trainer",
    ["--role", "trainer", "--listen", loopback, "--data", "data"],
    signal,
  );
  if (address === undefined) throw new AppError("bug", "the trainer did not say where it listens");
  const trainer = ["--trainer", formatAddress(address), "--threads", String(threads)];
  await Promise.all(
    Array.from({ length: workers }, (_, i) =>
      processes.start(`worker-${i + 1}`, ["--role", "worker", ...trainer, "--data", "data"], signal),
    ),
  );

  const startedMs = performance.now();
  const name = modelName(out);
  // The link outlives a first Ctrl-C: it tells the trainer to finish.
  const unstopped = new AbortController().signal;
  await using link = await connect({ site, role: "client", address, expect: ["trainer"], signal: unstopped });
  const client = new JobClient(link, log);
  const jobId = await handIn(client, name, set, { progress, signal });
  let engines = "";
  const { status, modelVersion } = await followJob({ client, jobId }, progress, context, (news) => {
    engines = [...new Set(news.status.workers.map(({ engine }) => engine))].join(", ") || engines;
  });
  await saveWhole(out, await fetchModel(site, address, name, modelVersion ?? 0));
  const seconds = (performance.now() - startedMs) / 1000;
  const result = {
    model: out,
    map50: status.map50,
    accuracy: status.accuracy,
    epochs: +status.epoch.toFixed(2),
    samples: status.samples,
    seconds: +seconds.toFixed(1),
    imagesPerSecond: +status.imagesPerSecond.toFixed(2),
    workers,
    engine: engines,
  };
  progress[Symbol.dispose]();
  if (isSet(flags, "json")) {
    print(JSON.stringify(result));
    return;
  }
  const score = scoreText(status);
  print(
    `saved ${out}: ${status.epoch.toFixed(1)} epochs in ${durationText(1000 * seconds)}${score && `, ${score}`}`,
  );
  const [model, data] = [neededText(flags, "out"), neededText(flags, "dataset")].map(quoted);
  print(`next: vigia eval --model ${model} --data ${data} --report DIR`);
}

/** As a shell takes it. */
function quoted(path: string): string {
  return /^[\w./:\\~-]+$/.test(path) ? path : `"${path}"`;
}

async function fetchModel(site: Site, address: Address, name: string, version: number): Promise<Uint8Array> {
  const { signal } = new AbortController();
  await using link = await connect({ site, role: "client", address, expect: ["trainer"], signal });
  return await new ModelClient(link).fetch(name, version);
}

/** The file's name without what a model's name cannot hold. */
function modelName(out: string): string {
  const name = basename(out, extname(out))
    .replace(/[^\p{L}\p{N}_.-]/gu, "-")
    .replace(/^[^\p{L}\p{N}]+/u, "");
  return name.slice(0, 64) || "model";
}
