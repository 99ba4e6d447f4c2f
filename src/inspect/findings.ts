import { relative } from "node:path";
import { countText } from "../../shared/base/text.ts";
import { alikeNames } from "../../shared/dataset/alike-names.ts";
import { type DatasetStatistics, SPLITS } from "../../shared/dataset/statistics.ts";
import type { Dataset } from "../../shared/dataset/types.ts";
import { INPUT_SIDE_PX } from "../../shared/learn/input-choice.ts";
import { SEEN_SIDE_PX } from "./input-size.ts";
import type { Inspection } from "./inspection.ts";

/**
 * Something to know about a data set before training on it. `problem`: figures or models made with it would be
 * wrong; `warning`: they will be worse than they could be; `note`: good to know.
 */
export interface Finding {
  readonly level: "problem" | "warning" | "note";
  /** For programs: stable between versions. */
  readonly kind: string;
  readonly what: string;
  readonly advice: string;
}

/** Below that many boxes a class is learnt from a handful of views. */
const FEW_BOXES = 20;
/** Faces, which are all framed alike, take fewer. */
const FEW_WHOLE_PICTURES = 5;
/** Pictures to learn from; with fewer, figures move by luck. */
const FEW_PICTURES = 50;
/** The most frequent class may have so many times the boxes of the rarest. */
const IMBALANCE_MAX = 10;
/** More unseen boxes than this share are worth a word. */
const UNSEEN_SHARE_MAX = 0.01;
const NAMES_SHOWN = 6;

type Facts = Omit<Inspection, "findings">;

/** What is worth saying, the worst first. */
export function findingsOf(facts: Facts, dataset: Dataset, statistics: DatasetStatistics): Finding[] {
  const findings = [
    ...ofDuplicates(facts),
    ...ofClasses(facts, dataset, statistics.isWholePictures ? FEW_WHOLE_PICTURES : FEW_BOXES),
    ...ofNames(dataset.classes),
    ...ofAmounts(facts),
    ...ofSizes(facts),
    ...ofLabels(dataset, statistics),
  ];
  const rank = { problem: 0, warning: 1, note: 2 } as const;
  return findings.sort((a, b) => rank[a.level] - rank[b.level]);
}

function ofDuplicates({ duplicates }: Facts): Finding[] {
  const crossing = duplicates.filter(({ crossesSplits }) => crossesSplits);
  const inside = duplicates.filter(({ crossesSplits }) => !crossesSplits);
  const found: Finding[] = [];
  const exact = crossing.filter(({ kind }) => kind === "exact").length;
  const advice = "the model is tested on what it learnt from, and its figures lie: keep copies in one split";
  if (exact > 0) {
    found.push({
      level: "problem",
      kind: "copies-across-splits",
      what: `${countText(exact, "picture has a copy", "pictures have copies")} in another split`,
      advice,
    });
  }
  if (exact < crossing.length) {
    const near = crossing.length - exact;
    found.push({
      level: "warning",
      kind: "near-copies-across-splits",
      what: `${countText(near, "picture is", "pictures are")} nearly the same as one in another split`,
      advice: `look at them; if they are copies, ${advice}`,
    });
  }
  if (inside.length > 0) {
    const copies = inside.reduce((sum, { pictures }) => sum + pictures.length - 1, 0);
    found.push({
      level: "note",
      kind: "copies",
      what: `${countText(copies, "picture is a copy", "pictures are copies")} of another in the same split`,
      advice: "they count twice; removing them loses nothing",
    });
  }
  return found;
}

function ofClasses({ classes, splits }: Facts, dataset: Dataset, fewBoxes: number): Finding[] {
  const found: Finding[] = [];
  const add = (level: Finding["level"], kind: string, names: readonly string[], rest: [string, string]) => {
    if (names.length > 0) found.push({ level, kind, what: `${listed(names)} ${rest[0]}`, advice: rest[1] });
  };
  const lost = dataset.classesWithoutBoxes ?? [];
  add("warning", "class-without-boxes", lost, [
    "without a single usable box, left out",
    "mend their boxes, or take the labels out",
  ]);
  if (!splits.some(({ name }) => name === "train")) return found;
  const names = (wanted: (one: Facts["classes"][number]) => boolean): string[] =>
    classes.filter(wanted).map(({ name }) => name);
  add(
    "problem",
    "class-not-in-training",
    names(({ boxesIn }) => boxesIn.train === 0),
    ["only outside the training pictures", "nothing can be learnt about it: move pictures of it to train"],
  );
  if (splits.some(({ name }) => name === "test")) {
    const untested = names(({ boxesIn }) => boxesIn.test === 0);
    add("warning", "class-not-in-test", untested, [
      "missing in the test pictures",
      "such a class has no figures: move pictures of it to test",
    ]);
  }
  const few = names(({ boxesIn }) => boxesIn.train > 0 && boxesIn.train < fewBoxes);
  add("warning", "class-with-few-boxes", few, [
    `labelled fewer than ${fewBoxes} times to learn from`,
    "label more of it: every one of them counts",
  ]);
  const trained = classes.filter(({ boxesIn }) => boxesIn.train > 0);
  const most = trained.reduce((a, b) => (b.boxesIn.train > a.boxesIn.train ? b : a), trained[0]!);
  const least = trained.reduce((a, b) => (b.boxesIn.train < a.boxesIn.train ? b : a), trained[0]!);
  if (trained.length > 1 && most.boxesIn.train > IMBALANCE_MAX * least.boxesIn.train) {
    const factor = Math.round(most.boxesIn.train / least.boxesIn.train);
    found.push({
      level: "warning",
      kind: "unbalanced-classes",
      what: `${quoted(most.name)} has ${factor} times the boxes of ${quoted(least.name)}`,
      advice: `look at each class's figure, not at the mean alone; more pictures of ${quoted(least.name)} help most`,
    });
  }
  return found;
}

function ofNames(classes: readonly string[]): Finding[] {
  return alikeNames(classes).map((names) => ({
    level: "warning",
    kind: "alike-class-names",
    what: `${names.map(quoted).join(", ")} are ${names.length} classes that may be meant as one`,
    advice: "give them one spelling in the XML files",
  }));
}

function ofAmounts({ splits }: Facts): Finding[] {
  const train = splits.find(({ name }) => name === "train");
  if (train === undefined) {
    return [
      {
        level: "problem",
        kind: "no-training-pictures",
        what: "no picture is there to learn from",
        advice: "name the training pictures in ImageSets/Main/train.txt, or put them into train/",
      },
    ];
  }
  if (train.pictures >= FEW_PICTURES) return [];
  return [
    {
      level: "warning",
      kind: "few-pictures",
      what: `${countText(train.pictures, "picture")} to learn from`,
      advice: "a hundred and more, from different days and places, make a detector that holds",
    },
  ];
}

function ofSizes({ boxes, classes, inputSize }: Facts): Finding[] {
  if (inputSize === null) return [];
  const { unseen } = boxes.atInput;
  const found: Finding[] = [];
  if (unseen > UNSEEN_SHARE_MAX * boxes.count) {
    const worst = classes
      .toSorted((a, b) => b.unseenBoxes - a.unseenBoxes)
      .filter((one) => one.unseenBoxes > 0);
    const of = worst.map(({ name, unseenBoxes }) => `${quoted(name)} ${unseenBoxes}`);
    found.push({
      level: "warning",
      kind: "objects-too-small",
      what: `${unseen} of ${countText(boxes.count, "object")} ${unseen === 1 ? "is" : "are"} narrower than ${SEEN_SIDE_PX} px at an input of ${INPUT_SIDE_PX} px: ${shown(of)}`,
      advice: `the network cannot see them there: ${
        inputSize.sidePx > INPUT_SIDE_PX
          ? `train with --size ${inputSize.sidePx}`
          : "take the pictures from nearer, or cut them into parts"
      }`,
    });
  }
  if (inputSize.sidePx > INPUT_SIDE_PX && found.length === 0) {
    found.push({
      level: "note",
      kind: "larger-input",
      what: `the small objects are ${inputSize.smallObjectPx.atDefault.toFixed(0)} px at an input of ${INPUT_SIDE_PX} px`,
      advice: `--size ${inputSize.sidePx} shows them better and takes ${inputSize.timeFactor.toFixed(1)} times as long`,
    });
  }
  return found;
}

function ofLabels(
  { root, splits }: Dataset,
  { doubleLabels, isOneObjectEach, isWholePictures }: DatasetStatistics,
): Finding[] {
  const found: Finding[] = [];
  if (doubleLabels.length > 0) {
    const where = doubleLabels.map(
      ({ sample, className }) => `${relative(root, sample.path)} (${className})`,
    );
    found.push({
      level: "warning",
      kind: "double-labels",
      what: `${countText(doubleLabels.length, "object is", "objects are")} labelled twice: ${shown([...new Set(where)])}`,
      advice: "take one of the two boxes out: the second is missed in every evaluation",
    });
  }
  const labels = SPLITS.flatMap((name) => splits[name] ?? []).flatMap((sample) => sample.labels);
  const difficult = labels.filter((label) => label.difficult === true).length;
  if (difficult > 0) {
    found.push({
      level: "note",
      kind: "difficult-objects",
      what: `${countText(difficult, "object is", "objects are")} marked as difficult`,
      advice: "they are learnt from like the others; no score counts them, found or not",
    });
  }
  if (isWholePictures) {
    found.push({
      level: "note",
      kind: "whole-pictures",
      what: "labels name whole pictures and frame nothing in them",
      advice: "train with --network mlp; to find objects in pictures, a detector needs boxes",
    });
  } else if (isOneObjectEach) {
    found.push({
      level: "note",
      kind: "one-object-each",
      what: "every picture has exactly one object",
      advice: "--network single-box fits too; the detector is usually the better one",
    });
  }
  return found;
}

function listed(names: readonly string[]): string {
  return `${shown(names.map(quoted))} ${names.length === 1 ? "is" : "are"}`;
}

function shown(items: readonly string[]): string {
  const more = items.length - NAMES_SHOWN;
  return `${items.slice(0, NAMES_SHOWN).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function quoted(name: string): string {
  return JSON.stringify(name);
}
