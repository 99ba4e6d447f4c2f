import { CocoAveragePrecision, VocAveragePrecision } from "./average-precision.ts";
import { ConfusionMatrix } from "./confusion.ts";
import { CountingMetric } from "./counts.ts";
import { addAll, type ScoredPicture } from "./metric.ts";
import { AverageQueryPrecision } from "./query-precision.ts";
import { SingleObjectMetric, type SingleObjectResult } from "./single-object.ts";

/** Every figure of a model on a data set, as `vigia eval --json` prints them. All 0 to 1 unless the name says. */
export interface Evaluation {
  readonly images: number;
  readonly classes: readonly string[];
  readonly map50: number;
  /** COCO's mAP at overlaps .50:.05:.95. */
  readonly map: number;
  readonly map75: number;
  /** Over all classes, at the model's thresholds and an overlap of 0.5; see `Counts`. */
  readonly precision: number;
  readonly recall: number;
  readonly accuracy: number;
  readonly f1: number;
  readonly perClass: readonly ClassEvaluation[];
  /** VOC 2007's 11-point and the later all-point mAP, at an overlap of 0.5. */
  readonly mapVoc11: number;
  readonly mapVoc: number;
  readonly averageQueryPrecision: number;
  /** `[truth][seen]`, the background last. */
  readonly confusion: readonly (readonly number[])[];
  /** Only where every picture with an object has just one. */
  readonly singleObject: SingleObjectResult | null;
}

interface ClassEvaluation {
  readonly name: string;
  /** null for a class without truths. */
  readonly ap50: number | null;
  readonly ap: number | null;
  readonly precision: number;
  readonly recall: number;
  readonly truths: number;
}

/**
 * All figures in one loop over the pictures.
 *
 * @param thresholds for each class, as stored in the model; only precision, recall, accuracy, F1 and the confusion
 *                   matrix look at them, so detections should come with nearly no threshold
 */
export function evaluate(
  { classes, thresholds }: { readonly classes: readonly string[]; readonly thresholds: readonly number[] },
  pictures: Iterable<ScoredPicture>,
): Evaluation {
  const coco = new CocoAveragePrecision(classes.length);
  const voc = new VocAveragePrecision(classes.length);
  const counting = new CountingMetric(thresholds);
  const confusion = new ConfusionMatrix(thresholds);
  const query = new AverageQueryPrecision();
  const single = new SingleObjectMetric();
  let images = 0;
  let withObjects = 0;
  const counter = {
    add({ truths }: ScoredPicture): void {
      images++;
      if (truths.length > 0) withObjects++;
    },
    result: (): number => images,
  };
  addAll(pictures, [coco, voc, counting, confusion, query, single, counter]);

  const { map, map50, map75, perClass } = coco.result();
  const counts = counting.result();
  const { map11, mapAllPoints } = voc.result();
  const singleObject = single.result();
  return {
    images,
    classes,
    map50,
    map,
    map75,
    precision: counts.all.precision,
    recall: counts.all.recall,
    accuracy: counts.all.accuracy,
    f1: counts.all.f1,
    perClass: classes.map((name, c) => {
      const { ap50, ap, truths } = perClass[c]!;
      const { precision, recall } = counts.perClass[c]!;
      return { name, ap50, ap, precision, recall, truths };
    }),
    mapVoc11: map11,
    mapVoc: mapAllPoints,
    averageQueryPrecision: query.result(),
    confusion: confusion.result(),
    singleObject: withObjects > 0 && singleObject.pictures === withObjects ? singleObject : null,
  };
}
