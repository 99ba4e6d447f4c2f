import type { RoleContext } from "../shared/base/context.ts";
import { AppError, errorLine } from "../shared/base/errors.ts";
import { IdIndex } from "../shared/base/id-index.ts";
import type { Progress } from "../shared/base/progress.ts";
import type { Dataset, Label, Sample, SplitName } from "../shared/dataset/types.ts";
import type { Model } from "../shared/detect/model.ts";
import { decodePictureFile } from "../shared/image/codec.ts";
import type { Picture } from "../shared/image/types.ts";
import { type Evaluation, evaluate } from "../shared/metrics/evaluation.ts";
import type { ScoredPicture } from "../shared/metrics/metric.ts";
import { scoredPicture } from "../shared/metrics/scored-picture.ts";

/** Average precision looks at the whole ranking, so nearly everything must be in it. */
const SCORE_MIN = 0.01;
/** Pictures decoded while others are looked at. */
const BATCH = 8;

export interface ModelEvaluation {
  readonly result: Evaluation;
  /** What was in each picture and what the model saw there, in the order of the split. */
  readonly scored: readonly ScoredPicture[];
  /** Objects that are left out of all figures, being marked as difficult. */
  readonly difficult: number;
  readonly imagesPerSecond: number;
}

/** Lets a model look at one part of a data set. Throws `input` where the part is empty or no class is common. */
export async function evaluateModel(
  model: Model,
  dataset: Dataset,
  split: SplitName,
  progress: Progress,
  context: RoleContext,
): Promise<ModelEvaluation> {
  const samples = samplesOf(dataset, split);
  const numbers = classNumbers(dataset, model);
  const { scored, imagesPerSecond } = await lookAtAll(samples, model, numbers, progress, context);
  const { classes, thresholds } = model.info;
  const known = samples.flatMap((sample) => knownLabels(sample, numbers));
  const difficult = known.filter((label) => label.difficult === true).length;
  return { result: evaluate({ classes, thresholds }, scored), scored, difficult, imagesPerSecond };
}

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
  const known = new IdIndex(model.info.classes);
  const numbers = dataset.classes.map((name) => known.numberOf(name) ?? -1);
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
  progress: Progress,
  { signal, log }: RoleContext,
): Promise<{ scored: ScoredPicture[]; imagesPerSecond: number }> {
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
      const detections = picture instanceof Error ? [] : found[place++]!;
      scored.push(scoredPicture(knownLabels(sample, numbers), detections));
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

/** Labels under the model's numbers; those of classes that it does not know are left out. */
function knownLabels({ labels }: Sample, numbers: readonly number[]): Label[] {
  return labels
    .map((label) => ({ ...label, classIndex: numbers[label.classIndex] ?? -1 }))
    .filter(({ classIndex }) => classIndex >= 0);
}
