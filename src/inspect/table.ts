import { countText } from "../../shared/base/text.ts";
import type { Spread } from "../../shared/dataset/statistics.ts";
import type { DatasetDefect } from "../../shared/dataset/types.ts";
import type { Finding } from "./findings.ts";
import { INPUT_SIZE_RULE, type InputSizeAdvice } from "./input-size.ts";
import type { DuplicateInspection, Inspection } from "./inspection.ts";

/** Lists of single files are cut here; `--json` has all of them. */
const LINES_MAX = 20;
const NAME_WIDTH = 24;

/** An inspection as lines for a person, what matters most at the end. */
export function inspectionLines(inspection: Inspection): string[] {
  return [
    ...splitLines(inspection),
    ...classLines(inspection),
    ...(inspection.inputSize === null ? [] : boxLines(inspection)),
    ...duplicateLines(inspection),
    ...defectLines(inspection.defects),
    ...findingLines(inspection.findings),
    "",
    ...summaryLines(inspection),
  ];
}

function splitLines({ root, splits, classes }: Inspection): string[] {
  return [
    `${root}`,
    "",
    row("split", "pictures", "empty", "boxes", "classes"),
    ...splits.map(({ name, pictures, picturesWithoutObjects, boxes, classes: present }) =>
      row(name, pictures, picturesWithoutObjects, boxes, `${present} of ${classes.length}`),
    ),
  ];
}

function classLines({ classes, splits }: Inspection): string[] {
  const names = splits.map(({ name }) => name);
  return [
    "",
    row("class", "pictures", "boxes", ...names, "side px"),
    ...classes.map((one) =>
      row(
        one.name,
        one.pictures,
        one.boxes,
        ...names.map((split) => one.boxesIn[split]),
        one.shorterSidePx.toFixed(0),
      ),
    ),
  ];
}

function boxLines({ boxes, pictures }: Inspection): string[] {
  const { atInput } = boxes;
  const shapes = atInput.shapes.map(
    ({ widthPx, heightPx, share }) => `${widthPx.toFixed(0)}x${heightPx.toFixed(0)} (${percent(share)})`,
  );
  return [
    "",
    row("", "least", "quarter", "median", "3/4", "most"),
    spreadRow("picture width, px", pictures.widthPx),
    spreadRow("picture height, px", pictures.heightPx),
    spreadRow("objects a picture", pictures.objects),
    spreadRow("box width, px", boxes.widthPx),
    spreadRow("box height, px", boxes.heightPx),
    spreadRow("box width / height", boxes.aspectRatio, 2),
    spreadRow(`width at ${atInput.inputSidePx} px`, atInput.widthPx),
    spreadRow(`height at ${atInput.inputSidePx} px`, atInput.heightPx),
    "",
    `boxes by COCO's sizes: ${boxes.small} small (below 32x32 px), ${boxes.medium} medium, ${boxes.large} large (above 96x96)`,
    `usual shapes at ${atInput.inputSidePx} px: ${shapes.join(", ")}`,
  ];
}

function duplicateLines({ duplicates, nearDuplicatesSearched }: Inspection): string[] {
  const worstFirst = duplicates.toSorted((a, b) => Number(b.crossesSplits) - Number(a.crossesSplits));
  return [
    ...section("the same picture more than once", worstFirst.map(duplicateLine)),
    ...(nearDuplicatesSearched
      ? []
      : ["", "too many pictures to look for near-duplicates: exact copies only"]),
  ];
}

function duplicateLine({ kind, crossesSplits, pictures }: DuplicateInspection): string {
  const files = pictures.map(({ file, split }) => (crossesSplits ? `${file} (${split})` : file));
  const how = kind === "exact" ? "same bytes " : "nearly same";
  return `${crossesSplits ? "!" : " "} ${how}  ${files.join("  =  ")}`;
}

function defectLines(defects: readonly DatasetDefect[]): string[] {
  return section(
    "defects",
    defects.map(({ file, what }) => `  ${file}: ${what}`),
  );
}

const MARKS = { problem: "PROBLEM", warning: "warning", note: "note   " } as const;

function findingLines(findings: readonly Finding[]): string[] {
  return section(
    "findings",
    findings.flatMap(({ level, what, advice }) => [`  ${MARKS[level]}  ${what}`, `           ${advice}`]),
    Number.POSITIVE_INFINITY,
  );
}

function summaryLines({ inputSize, trainingSidePx, defects, findings }: Inspection): string[] {
  const problems = findings.filter(({ level }) => level === "problem").length;
  return [
    ...(inputSize === null ? [] : inputSizeLines(inputSize)),
    ...(trainingSidePx === null
      ? []
      : [`  without --size training takes ${trainingSidePx} px, less where --minutes are few`]),
    problems + defects.length === 0
      ? "no problem and no defect"
      : `${countText(problems, "problem")}, ${countText(defects.length, "defect")}`,
  ];
}

function inputSizeLines({ sidePx, smallObjectPx, limitedBy }: InputSizeAdvice): string[] {
  const limits = { pictures: "the pictures have no more", network: "the network takes no more" };
  const limit = limitedBy === undefined ? "" : `, and should be larger; but ${limits[limitedBy]}`;
  return [
    `input size: --size ${sidePx} (small objects are ${smallObjectPx.atAdvised.toFixed(0)} px there${limit})`,
    `  rule: ${INPUT_SIZE_RULE}`,
  ];
}

function section(title: string, lines: readonly string[], most = LINES_MAX): string[] {
  if (lines.length === 0) return [];
  const hidden = lines.length - most;
  const more = hidden > 0 ? [`  and ${hidden} more: see --json`] : [];
  return ["", `${title}:`, ...lines.slice(0, most), ...more];
}

function row(name: string, ...values: (string | number)[]): string {
  const short = name.length > NAME_WIDTH - 2 ? `${name.slice(0, NAME_WIDTH - 3)}…` : name;
  return `${short.padEnd(NAME_WIDTH)}${values.map((value) => String(value).padStart(10)).join("")}`;
}

function spreadRow(name: string, spread: Spread, digits = 0): string {
  const { least, quarter, median, threeQuarters, most } = spread;
  return row(name, ...[least, quarter, median, threeQuarters, most].map((value) => value.toFixed(digits)));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)}%`;
}
