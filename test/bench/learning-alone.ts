/**
 * Trains on a real data set in one process and prints what it learns beside what PyTorch learns:
 * `bun test/bench/learning-alone.ts SET [--minutes M | --samples N] [--seed S] [--engine native|tfjs] [--threads N]
 * [--network single-box] [--size PX] [--fold K] [--set optimizer.rate=0.002 ...]`. With `--fold` (0, 1 or 2) it is tested
 * on that third of the training pictures instead of the test pictures, for choices that the test pictures must not make.
 */
import { parseArgs } from "node:util";
import { AppError } from "../../shared/base/errors.ts";
import { Log, stderrSink } from "../../shared/base/log.ts";
import { type PreparedPicture, preparePicture } from "../../shared/dataset/prepared.ts";
import { readDataset } from "../../shared/dataset/read.ts";
import { openLearner } from "../../shared/learn/learner.ts";
import { type LearningPlan, planFor } from "../../shared/learn/plan.ts";
import { dataPath } from "../support/data.ts";
import { engineNamed } from "./engines.ts";
import { score } from "./score.ts";
import { trainAlone } from "./train-alone.ts";

/** What PyTorch reaches with the same network: mAP50 on the test pictures after each minute, at about 60 pictures/s. */
const REFERENCE: Readonly<Record<string, readonly number[]>> = {
  "playing-cards": [0.557, 0.832, 0.918, 0.945, 0.957, 0.968, 0.97, 0.972, 0.976, 0.972, 0.973, 0.971],
  raccoon: [0.676, 0.832, 0.828, 0.862, 0.885, 0.897, 0.887, 0.893],
  insects: [0.378, 0.656, 0.736, 0.712, 0.756, 0.771, 0.766, 0.764],
  "blood-cells": [0.825, 0.882, 0.882, 0.885, 0.886, 0.893, 0.894, 0.901, 0.905, 0.908],
};
const REFERENCE_SAMPLES_A_MINUTE = 3770;

const log = new Log("learning", [stderrSink]);

interface Pictures {
  readonly classes: readonly string[];
  readonly train: readonly PreparedPicture[];
  readonly test: readonly PreparedPicture[];
}

/** The training and validation pictures together, as the reference has it, and the test pictures. */
async function loadPictures(set: string, cacheSidePx: number): Promise<Pictures> {
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

/** Tests on a third of the training pictures, and learns from the rest. */
function folded({ classes, train }: Pictures, fold: number): Pictures {
  const byFold = Map.groupBy(train, (_, place) => place % 3 === fold);
  return { classes, train: byFold.get(false) ?? [], test: byFold.get(true) ?? [] };
}

function withOneObject({ classes, train, test }: Pictures): Pictures {
  const alone = ({ labels }: PreparedPicture): boolean => labels.length === 1;
  return { classes, train: train.filter(alone), test: test.filter(alone) };
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
      chunk: { type: "string", default: "4" },
      chunks: { type: "string", default: "2" },
      network: { type: "string", default: "detector" },
      every: { type: "string", default: "60" },
      fold: { type: "string" },
      set: { type: "string", multiple: true, default: [] },
    },
  });
  const set = positionals[0] ?? "blood-cells";
  const size = Number(values.size);
  const kind = values.network === "single-box" ? "single-box" : "detector";
  let pictures = await loadPictures(set, Math.round(size * 1.25));
  if (kind === "single-box") pictures = withOneObject(pictures);
  if (values.fold !== undefined) pictures = folded(pictures, Number(values.fold));
  let plan = planFor(
    {
      network: { kind, size },
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
  await using engine = await engineNamed(values.engine, Number(values.threads));
  print(`${set}: ${pictures.train.length} training and ${pictures.test.length} test pictures`);
  print(JSON.stringify(plan));
  await using learner = await openLearner({ plan, pictures: pictures.train, engine });
  const outcome = await trainAlone(learner, {
    everyMs: 1000 * Number(values.every),
    onReport: async (report) => {
      const { mapVoc, map } = await score(learner, report.weights, pictures.test);
      const parts = Object.entries(report.parts).map(([name, value]) => `${name} ${value.toFixed(3)}`);
      print(
        `${report.minutes.toFixed(1)} min ${report.samples} samples ${report.samplesPerSecond.toFixed(1)}/s ` +
          `wait ${percent(report.waitShare)} update ${percent(report.updateShare)} ${parts.join(" ")} ` +
          `mAP50 ${mapVoc.toFixed(3)} mAP ${map.toFixed(3)}`,
      );
    },
  });
  const { mapVoc, map, perClass, singleObject } = await score(learner, outcome.weights, pictures.test);
  if (singleObject !== null) print(`one object a picture: ${JSON.stringify(singleObject)}`);
  const curve = REFERENCE[set] ?? [];
  const minutes = Math.max(1, Math.round(outcome.samples / REFERENCE_SAMPLES_A_MINUTE));
  print(
    `${set} seed ${values.seed}: mAP50 ${mapVoc.toFixed(4)} mAP50-95 ${map.toFixed(4)} after ` +
      `${outcome.samples} samples at ${outcome.samplesPerSecond.toFixed(1)}/s; PyTorch after as many ` +
      `${curve[minutes - 1] ?? curve.at(-1) ?? "?"}, at its end ${curve.at(-1) ?? "?"}; ` +
      perClass.map(({ name, ap50 }) => `${name} ${ap50?.toFixed(3)}`).join(", "),
  );
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}
