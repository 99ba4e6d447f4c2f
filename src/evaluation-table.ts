import type { Evaluation } from "../shared/metrics/evaluation.ts";
import type { SingleObjectResult } from "../shared/metrics/single-object.ts";

const NAME_WIDTH = 24;

/** An evaluation as lines for a person; all figures but the confusion matrix. */
export function evaluationTable(
  result: Evaluation,
  how: { readonly imagesPerSecond: number; readonly engine: string; readonly format: string },
): string[] {
  const percent = (value: number | null): string =>
    (value === null ? "-" : (100 * value).toFixed(1)).padStart(7);
  const row = (name: string, ...values: string[]): string =>
    `${short(name).padEnd(NAME_WIDTH)}${values.join("")}`;
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
    ...(single === null ? [] : [singleObjectLine(single)]),
  ];
}

function singleObjectLine(single: SingleObjectResult): string {
  const { classAccuracy, meanIou, absoluteErrorPx, squaredErrorPx2 } = single;
  return (
    `one object a picture: class accuracy ${classAccuracy.toFixed(4)}  mean IoU ${meanIou.toFixed(4)}  ` +
    `a box's sides are off by ${absoluteErrorPx.toFixed(1)} px (mean square ${squaredErrorPx2.toFixed(0)} px²)`
  );
}

function short(name: string): string {
  return name.length < NAME_WIDTH ? name : `${name.slice(0, NAME_WIDTH - 2)}…`;
}
