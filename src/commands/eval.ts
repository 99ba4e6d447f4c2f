import { availableParallelism } from "node:os";
import { AppError, errorLine } from "../../shared/base/errors.ts";
import { Progress } from "../../shared/base/progress.ts";
import { readDataset } from "../../shared/dataset/read.ts";
import type { Dataset, Sample, SplitName } from "../../shared/dataset/types.ts";
import { type Model, openModel } from "../../shared/detect/model.ts";
import type { Detection } from "../../shared/detect/types.ts";
import { decodePictureFile } from "../../shared/image/codec.ts";
import type { Picture } from "../../shared/image/types.ts";
import { type Evaluation, evaluate } from "../../shared/metrics/evaluation.ts";
import type { ScoredPicture } from "../../shared/metrics/metric.ts";
import { choiceFlag } from "../flags.ts";
import { COMMON_FLAGS, type Command, type CommandContext, isSet, neededText, textOf } from "../shell.ts";

/** Average precision looks at the whole ranking, so nearly everything must be in it. */
const SCORE_MIN = 0.01;
/** Pictures decoded while others are looked at. */
const BATCH = 8;

export const command: Command = {
  definition: {
    meta: { name: "eval", description: "Score a model on labelled pictures, in the field's own figures." },
    args: {
      model: { type: "string", required: true, valueHint: "FILE", description: "The model to score." },
      data: { type: "string", required: true, valueHint: "DATASET", description: "The labelled pictures." },
      split: { type: "string", valueHint: "train|val|test", description: "Which part of them (test)." },
      device: { type: "string", valueHint: "auto|cpu|gpu", description: "What computes (auto)." },
      strict: { type: "boolean", description: "A defect of the data set is an error." },
      json: { type: "boolean", description: "The figures as one JSON object." },
      ...COMMON_FLAGS,
    },
  },
  async run(flags, context) {
    const split = choiceFlag("split", textOf(flags, "split") ?? "test", ["train", "val", "test"]);
    const device = choiceFlag("device", textOf(flags, "device") ?? "auto", ["auto", "cpu", "gpu"]);
    const threads = availableParallelism();
    await using model = await openModel(neededText(flags, "model"), { device, threads }, context.log);
    const dataset = await readDataset(neededText(flags, "data"), {
      strict: isSet(flags, "strict"),
      log: context.log,
    });
    const samples = samplesOf(dataset, split);
    const { scored, imagesPerSecond } = await lookAtAll(
      samples,
      model,
      classNumbers(dataset, model),
      context,
    );
    const result = evaluate({ classes: model.info.classes, thresholds: model.info.thresholds }, scored);
    const how = { imagesPerSecond, engine: model.engineName, format: model.info.format };
    if (isSet(flags, "json")) context.print(JSON.stringify({ ...rounded(result), ...how }));
    else for (const line of table(result, how)) context.print(line);
  },
};

function samplesOf(dataset: Dataset, split: SplitName): readonly Sample[] {
  const samples = dataset.splits[split] ?? [];
  if (samples.length === 0) {
    const there = Object.entries(dataset.splits).filter(([, some]) => some.length > 0);
    throw new AppError("input", `the data set has no ${split} pictures`, {
      hint: `choose another with --split: ${there.map(([name, some]) => `${name} (${some.length})`).join(", ")}`,
    });
  }
  return samples;
}

/** The model's number of each of the data set's classes, by name. Throws `input` when they share none. */
function classNumbers(dataset: Dataset, model: Model): number[] {
  const numbers = dataset.classes.map((name) => model.info.classes.indexOf(name));
  if (numbers.every((number) => number < 0)) {
    throw new AppError("input", "the model knows none of the data set's classes", {
      hint: `model: ${model.info.classes.join(", ")}; data set: ${dataset.classes.join(", ")}`,
    });
  }
  return numbers;
}

async function lookAtAll(
  samples: readonly Sample[],
  model: Model,
  numbers: readonly number[],
  { signal, log }: CommandContext,
): Promise<{ scored: ScoredPicture[]; imagesPerSecond: number }> {
  using progress = new Progress();
  const scored: ScoredPicture[] = [];
  let lookedMs = 0;
  let looked = 0;
  let next = decodeAll(samples.slice(0, BATCH));
  for (let at = 0; at < samples.length; at += BATCH) {
    if (signal.aborted) throw new AppError("cancelled", "evaluation was stopped");
    const batch = samples.slice(at, at + BATCH);
    const decoded = await next;
    next = decodeAll(samples.slice(at + BATCH, at + 2 * BATCH));
    const pictures = decoded.filter((one): one is Picture => !(one instanceof Error));
    const startedMs = performance.now();
    const found = await model.detect(pictures, { minScore: SCORE_MIN });
    lookedMs += performance.now() - startedMs;
    looked += pictures.length;
    let place = 0;
    for (const [i, sample] of batch.entries()) {
      const picture = decoded[i]!;
      if (picture instanceof Error) {
        log.warn("a picture cannot be read and counts as nothing seen", {
          file: sample.path,
          why: errorLine(picture),
        });
      }
      scored.push(scoredPicture(sample, picture instanceof Error ? [] : found[place++]!, numbers));
    }
    progress.show({ stage: "looking at pictures", share: scored.length / samples.length });
  }
  return { scored, imagesPerSecond: (1000 * looked) / lookedMs };
}

function decodeAll(samples: readonly Sample[]): Promise<(Picture | Error)[]> {
  return Promise.all(
    samples.map(({ path }) =>
      decodePictureFile(path).catch((error: unknown) =>
        error instanceof Error ? error : new Error(String(error)),
      ),
    ),
  );
}

/** Truths under the model's numbers; labels of classes that it does not know are left out. */
function scoredPicture(
  sample: Sample,
  detections: readonly Detection[],
  numbers: readonly number[],
): ScoredPicture {
  const truths = sample.labels
    .map(({ classIndex, box }) => ({ classIndex: numbers[classIndex] ?? -1, box }))
    .filter(({ classIndex }) => classIndex >= 0);
  return { truths, detections: [...detections] };
}

/** Six digits are more than any data set supports. */
function rounded(result: Evaluation): Record<string, unknown> {
  return JSON.parse(
    JSON.stringify(result, (_, value: unknown) =>
      typeof value === "number" && !Number.isInteger(value) ? Number(value.toFixed(6)) : value,
    ),
  ) as Record<string, unknown>;
}

function table(
  result: Evaluation,
  how: { readonly imagesPerSecond: number; readonly engine: string; readonly format: string },
): string[] {
  const percent = (value: number | null): string =>
    (value === null ? "-" : (100 * value).toFixed(1)).padStart(7);
  const row = (name: string, ...values: string[]): string => `${name.padEnd(20)}${values.join("")}`;
  const head = row("class", ...["AP50", "AP", "prec.", "recall", "truths"].map((word) => word.padStart(7)));
  const classes = result.perClass.map((one) =>
    row(
      one.name,
      percent(one.ap50),
      percent(one.ap),
      percent(one.precision),
      percent(one.recall),
      String(one.truths).padStart(7),
    ),
  );
  const single = result.singleObject;
  return [
    head,
    ...classes,
    row("all", percent(result.map50), percent(result.map), percent(result.precision), percent(result.recall)),
    "",
    `${result.images} pictures, ${how.imagesPerSecond.toFixed(1)} a second with ${how.engine} (${how.format})`,
    `mAP50 ${result.map50.toFixed(4)}  mAP50-95 ${result.map.toFixed(4)}  accuracy ${result.accuracy.toFixed(4)}`,
    `VOC 11-point ${result.mapVoc11.toFixed(4)}  VOC all-point ${result.mapVoc.toFixed(4)}  average query precision ${result.averageQueryPrecision.toFixed(4)}`,
    ...(single === null ? [] : [`one object a picture: ${JSON.stringify(single)}`]),
  ];
}
