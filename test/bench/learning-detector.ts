import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { useOfSamples } from "../../roles/trainer/splits.ts";
import { AppError } from "../../shared/base/errors.ts";
import { silentLog } from "../../shared/base/log.ts";
import { readDataset } from "../../shared/dataset/read.ts";
import { dataPath } from "../support/data.ts";
import type { LearningRow, RunLength, RunResult } from "./learning-row.ts";

const MAIN = resolve(import.meta.dir, "../../src/main.ts");

/** What PyTorch reaches with the same network in the same minutes at about 60 pictures a second, seed 1. */
const REFERENCE = {
  "blood-cells": 0.908,
  "playing-cards": 0.971,
  raccoon: 0.893,
  insects: 0.764,
} as const;

function row(
  name: keyof typeof REFERENCE,
  minutes: number,
  [must, goal]: readonly [must: number, goal: number],
  seeds: readonly number[] = [1],
): LearningRow {
  const run = (length: RunLength): Promise<RunResult> => trainAndScore(name, length);
  return { name, measure: "mAP50", must, goal, reference: REFERENCE[name], seeds, minutes, run };
}

/** Detectors, from scratch, as a user trains and scores them. */
export const DETECTOR_ROWS: readonly LearningRow[] = [
  row("blood-cells", 10, [0.9, 0.93]),
  row("playing-cards", 12, [0.95, 0.985]),
  row("raccoon", 8, [0.86, 0.93]),
  row("insects", 8, [0.72, 0.85], [1, 2, 3]),
];

/** `vigia train` as it comes, then `vigia eval`, both in processes of their own. */
async function trainAndScore(set: string, { seed, minutes, samples, keep }: RunLength): Promise<RunResult> {
  const root = dataPath(`detection/${set}`);
  if (root === undefined) throw new AppError("usage", `the data set ${set} is not here`);
  const model =
    keep === undefined
      ? join(tmpdir(), `vigia-learning-${process.pid}-${set}-${seed}.onnx`)
      : join(keep, `${set}-${seed}.onnx`);
  const length =
    samples === undefined
      ? ["--minutes", String(minutes)]
      : ["--epochs", String(samples / (await learnable(root)))];
  try {
    const words = ["train", root, "--out", model, "--seed", String(seed)];
    const training = await vigia([...words, ...length, "--json"]);
    const scores = await vigia(["eval", "--model", model, "--data", root, "--json"]);
    const figures = {
      map: scores.map!,
      mapVoc: scores.mapVoc!,
      samples: training.samples!,
      seconds: training.seconds!,
      imagesPerSecond: training.imagesPerSecond!,
    };
    return { value: scores.map50!, figures };
  } finally {
    if (keep === undefined) await rm(model, { force: true });
  }
}

/** Pictures of an epoch: those that the trainer does not keep aside at first. */
async function learnable(root: string): Promise<number> {
  const { splits } = await readDataset(root, { log: silentLog });
  const given = (["train", "val"] as const).flatMap((split) =>
    (splits[split] ?? []).map(({ labels }) => ({ split, labels })),
  );
  return useOfSamples(given, "detector").filter((use) => use === "train").length;
}

/** Runs a command and returns its result, the last line that it prints. */
async function vigia(words: readonly string[]): Promise<Partial<Record<string, number>>> {
  const child = Bun.spawn([process.execPath, MAIN, ...words, "--quiet"], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new AppError("bug", `vigia ${words.join(" ")} failed`);
  return JSON.parse(text.trim().split("\n").at(-1) ?? "") as Record<string, number>;
}
