import { basename, join, relative } from "node:path";
import { replaceFile } from "../../shared/base/replace-file.ts";
import type { Dataset, SplitName } from "../../shared/dataset/types.ts";
import { CocoAveragePrecision } from "../../shared/metrics/average-precision.ts";
import { addAll } from "../../shared/metrics/metric.ts";
import type { ModelInfo } from "../../shared/nn/model-file.ts";
import type { ModelEvaluation } from "../evaluate-model.ts";
import { writeMistakePhotos } from "./mistake-photos.ts";
import { findMistakes } from "./mistakes.ts";
import { reportPage } from "./page.ts";

/** An evaluation with what it was made of. */
export interface Report {
  readonly model: ModelInfo;
  readonly dataset: Dataset;
  readonly split: SplitName;
  readonly evaluated: ModelEvaluation;
  readonly engine: string;
}

/**
 * Writes `report.html` and the pictures of the worst mistakes into a folder, which is made where it is missing.
 *
 * @returns the page's path
 */
export async function writeReport(folder: string, report: Report, signal: AbortSignal): Promise<string> {
  const { model, dataset, split, engine } = report;
  const { result, scored, difficult, imagesPerSecond } = report.evaluated;
  const coco = new CocoAveragePrecision(model.classes.length);
  addAll(scored, [coco]);
  const mistakes = findMistakes(scored, model.thresholds);
  const pictures = dataset.splits[split]!.map(({ path }) => ({ path, file: relative(dataset.root, path) }));
  const photos = await writeMistakePhotos(folder, mistakes, { pictures, classes: model.classes }, signal);
  const page = reportPage({
    model: { name: model.name, version: model.version },
    dataset: basename(dataset.root),
    split,
    engine,
    format: model.format,
    imagesPerSecond,
    difficult,
    evaluation: result,
    curves: coco.curvesAt50(),
    history: model.history ?? [],
    photos,
    mistakeCounts: {
      falseDetections: mistakes.falseDetections.length,
      confusions: mistakes.confusions.length,
      misses: mistakes.misses.length,
    },
  });
  const path = join(folder, "report.html");
  replaceFile(path, new TextEncoder().encode(page), 0o644);
  return path;
}
