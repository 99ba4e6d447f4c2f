/**
 * Trains on a real data set in one process and prints what it learns beside what PyTorch learns:
 * `bun test/bench/learning.ts SET [--minutes M | --samples N] [--seed S] [--engine native|tfjs] [--threads N]`.
 */
import { parseArgs } from "node:util";
import { AppError } from "../../shared/base/errors.ts";
import { Log, stderrSink } from "../../shared/base/log.ts";
import { Random } from "../../shared/base/random.ts";
import { type PreparedPicture, preparePicture } from "../../shared/dataset/prepared.ts";
import { readDataset } from "../../shared/dataset/read.ts";
import { type Learner, openLearner } from "../../shared/learn/learner.ts";
import { type LearningPlan, planFor } from "../../shared/learn/plan.ts";
import { SliceOptimizer } from "../../shared/learn/slice-optimizer.ts";
import type { Engine } from "../../shared/nn/engine.ts";
import { dataPath } from "../support/data.ts";
import { meanAveragePrecision } from "./mean-average-precision.ts";

/** What PyTorch reaches with the same network: mAP50 on the test pictures after each minute, at about 60 pictures/s. */
export const REFERENCE: Readonly<Record<string, readonly number[]>> = {
  "playing-cards": [0.557, 0.832, 0.918, 0.945, 0.957, 0.968, 0.97, 0.972, 0.976, 0.972, 0.973, 0.971],
  raccoon: [0.676, 0.832, 0.828, 0.862, 0.885, 0.897, 0.887, 0.893],
  insects: [0.378, 0.656, 0.736, 0.712, 0.756, 0.771, 0.766, 0.764],
  "blood-cells": [0.825, 0.882, 0.882, 0.885, 0.886, 0.893, 0.894, 0.901, 0.905, 0.908],
};
const REFERENCE_SAMPLES_A_MINUTE = 3770;

const log = new Log("learning", [stderrSink]);

export interface Pictures {
  readonly classes: readonly string[];
  readonly train: readonly PreparedPicture[];
  readonly test: readonly PreparedPicture[];
}

/** The training and validation pictures together, as the reference has it, and the test pictures. */
export async function loadPictures(set: string, cacheSidePx: number): Promise<Pictures> {
  const root = dataPath(`detection/${set}`);
  if (root === undefined) throw new AppError("usage", `there is no data set ${set}`);
  const { classes, splits } = await readDataset(root, { log });
  const prepare = (samples: Parameters<typeof preparePicture>[0][]) =>
    Promise.all(samples.map((sample) => preparePicture(sample, cacheSidePx)));
  return {
    classes,
    train: await prepare([...(splits.train ?? []), ...(splits.val ?? [])]),
    test: await prepare([...(splits.test ?? [])]),
  };
}

export interface Outcome {
  readonly map50: number;
  readonly map: number;
  readonly perClass: readonly number[];
  readonly weights: Float32Array;
  readonly samples: number;
  readonly samplesPerSecond: number;
}

/** One process does what a job's workers and trainer do together. Evaluation is left out of the time. */
export async function learn(
  plan: LearningPlan,
  pictures: Pictures,
  engine: Engine,
  { everyMs = 60_000, evaluateEvery = true, print = (_: string): void => {} } = {},
): Promise<Outcome> {
  await using learner = await openLearner({ plan, pictures: pictures.train, engine });
  const { layout } = learner;
  const optimizer = new SliceOptimizer(layout, plan, 0, layout.totalCount);
  const weights = layout.start((name) => new Random(plan.seed, "start", name));
  const gradient = new Float32Array(layout.totalCount);
  const mean = new Float32Array(layout.totalCount);
  const batch = plan.chunkSize * plan.chunksPerRound;
  let spentMs = 0;
  let waitedMs = 0;
  let updateMs = 0;
  let nextMs = everyMs;
  let round = 0;
  let sums: Record<string, number> = {};
  let chunks = 0;
  const progress = (): number =>
    plan.limit.kind === "samples"
      ? (round * batch) / plan.limit.samples
      : spentMs / (60_000 * plan.limit.minutes);
  while (progress() < 1) {
    const start = performance.now();
    mean.fill(0);
    for (let i = 0; i < plan.chunksPerRound; i++) {
      const report = await learner.computeChunk(
        weights,
        round * plan.chunksPerRound + i,
        progress(),
        gradient,
      );
      for (let k = 0; k < mean.length; k++) mean[k]! += gradient[k]! / plan.chunksPerRound;
      waitedMs += report.waitMs;
      chunks++;
      for (const [name, value] of Object.entries({
        ...report.parts,
        norm: report.gradientNorm,
        fg: report.positives,
      })) {
        sums[name] = (sums[name] ?? 0) + value;
      }
    }
    const computed = performance.now();
    optimizer.update(weights, mean, round, progress());
    round++;
    updateMs += performance.now() - computed;
    spentMs += performance.now() - start;
    if (spentMs < nextMs) continue;
    nextMs += everyMs;
    const samples = round * batch;
    const parts = Object.entries(sums).map(([name, sum]) => `${name} ${(sum / chunks).toFixed(3)}`);
    [sums, chunks] = [{}, 0];
    const rate = `${(samples / (spentMs / 1000)).toFixed(1)}/s wait ${((100 * waitedMs) / spentMs).toFixed(1)}%`;
    const update = `update ${((100 * updateMs) / spentMs).toFixed(1)}%`;
    let line = `${(spentMs / 60_000).toFixed(1)} min ${samples} samples ${rate} ${update} ${parts.join(" ")}`;
    if (evaluateEvery) {
      const { map50, map } = await evaluate(learner, optimizer.state.average, pictures.test);
      line += ` mAP50 ${map50.toFixed(3)} mAP ${map.toFixed(3)}`;
    }
    print(line);
  }
  const average = optimizer.state.average.slice();
  const result = await evaluate(learner, average, pictures.test);
  const samples = round * batch;
  return { ...result, weights: average, samples, samplesPerSecond: samples / (spentMs / 1000) };
}

async function evaluate(learner: Learner, weights: Float32Array, pictures: readonly PreparedPicture[]) {
  const answers = await learner.evaluate(weights, pictures);
  return meanAveragePrecision(answers, pictures, learner.plan.classes.length);
}

async function openEngineNamed(name: string, threads: number): Promise<Engine> {
  if (name === "tfjs") return (await import("../../shared/nn/tfjs/engine.ts")).openTfjsEngine();
  return (await import("../../shared/nn/native/engine.ts")).openNativeEngine({ device: "cpu", threads });
}

/** `--set optimizer.rate=0.002`: other numbers in the plan, for experiments. */
function withChange(plan: LearningPlan, change: string): LearningPlan {
  const [path, value] = change.split("=") as [string, string];
  const copy = structuredClone(plan) as unknown as Record<string, unknown>;
  const names = path.split(".");
  let at = copy;
  for (const name of names.slice(0, -1)) at = at[name] as Record<string, unknown>;
  at[names.at(-1)!] = JSON.parse(value);
  return copy as unknown as LearningPlan;
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      minutes: { type: "string" },
      samples: { type: "string" },
      seed: { type: "string", default: "1" },
      engine: { type: "string", default: "native" },
      threads: { type: "string", default: "1" },
      size: { type: "string", default: "320" },
      chunk: { type: "string", default: "8" },
      chunks: { type: "string", default: "2" },
      every: { type: "string", default: "60" },
      set: { type: "string", multiple: true, default: [] },
    },
  });
  const set = positionals[0] ?? "blood-cells";
  const size = Number(values.size);
  const pictures = await loadPictures(set, Math.round(size * 1.25));
  let plan = planFor(
    {
      network: { kind: "detector", size },
      seed: Number(values.seed),
      chunkSize: Number(values.chunk),
      chunksPerRound: Number(values.chunks),
      ...(values.minutes === undefined ? {} : { minutes: Number(values.minutes) }),
      ...(values.samples === undefined ? {} : { epochs: Number(values.samples) / pictures.train.length }),
    },
    { classes: pictures.classes, pictures: pictures.train.length },
  );
  for (const change of values.set) plan = withChange(plan, change);
  const print = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  await using engine = await openEngineNamed(values.engine, Number(values.threads));
  print(
    `${set}: ${pictures.train.length} training and ${pictures.test.length} test pictures, ${JSON.stringify(plan)}`,
  );
  const outcome = await learn(plan, pictures, engine, { print, everyMs: 1000 * Number(values.every) });
  const minutes = outcome.samples / REFERENCE_SAMPLES_A_MINUTE;
  const curve = REFERENCE[set] ?? [];
  const reference = curve[Math.min(Math.max(Math.round(minutes), 1), curve.length) - 1];
  print(
    `${set} seed ${values.seed}: mAP50 ${outcome.map50.toFixed(4)} mAP50-95 ${outcome.map.toFixed(4)} after ` +
      `${outcome.samples} samples at ${outcome.samplesPerSecond.toFixed(1)}/s; PyTorch after as many samples ` +
      `${reference ?? "?"}, at its end ${curve.at(-1) ?? "?"}; classes ` +
      pictures.classes.map((name, c) => `${name} ${outcome.perClass[c]?.toFixed(3)}`).join(", "),
  );
}
