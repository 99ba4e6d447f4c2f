import { relative } from "node:path";
import {
  type DuplicateGroup,
  findDuplicates,
  NEAR_SEARCH_COUNT_MAX,
} from "../../shared/dataset/duplicates.ts";
import { fingerprintPictures } from "../../shared/dataset/duplicates-signature.ts";
import {
  type ClassFacts,
  datasetStatistics,
  SPLITS,
  type SplitFacts,
  type Spread,
  shorterShares,
  spreadOf,
} from "../../shared/dataset/statistics.ts";
import type { Dataset, DatasetDefect, SplitName } from "../../shared/dataset/types.ts";
import { chooseInputSide, INPUT_SIDE_PX } from "../../shared/learn/input-choice.ts";
import { type BoxShape, boxShapes } from "./box-shapes.ts";
import { type Finding, findingsOf } from "./findings.ts";
import { adviseInputSize, type InputSizeAdvice, SEEN_SIDE_PX } from "./input-size.ts";

/** Everything `vigia inspect` says, as `--json` prints it. */
export interface Inspection {
  readonly root: string;
  readonly splits: readonly SplitFacts[];
  readonly classes: readonly ClassInspection[];
  readonly pictures: {
    readonly count: number;
    readonly widthPx: Spread;
    readonly heightPx: Spread;
    readonly objects: Spread;
  };
  readonly boxes: BoxInspection;
  /** null where labels name whole pictures: such data has no objects of a size. */
  readonly inputSize: InputSizeAdvice | null;
  /** The side that training takes where nobody says one and there is time; null as above. */
  readonly trainingSidePx: number | null;
  readonly duplicates: readonly DuplicateInspection[];
  /** False where there are too many pictures to compare them pair by pair: only exact copies are listed then. */
  readonly nearDuplicatesSearched: boolean;
  readonly defects: readonly DatasetDefect[];
  readonly findings: readonly Finding[];
}

export interface ClassInspection extends Omit<ClassFacts, "shorterShareMedian"> {
  /** The middle one of its boxes' shorter sides at the default input side. */
  readonly shorterSidePx: number;
  /** Boxes that the network cannot see there. */
  readonly unseenBoxes: number;
}

export interface BoxInspection {
  readonly count: number;
  /** In pixels of the original pictures. */
  readonly widthPx: Spread;
  readonly heightPx: Spread;
  /** COCO's three sizes, in pixels of the original pictures: areas below 32², to 96², above. */
  readonly small: number;
  readonly medium: number;
  readonly large: number;
  readonly aspectRatio: Spread;
  /** At an input of that many pixels a side. */
  readonly atInput: {
    readonly inputSidePx: number;
    readonly widthPx: Spread;
    readonly heightPx: Spread;
    readonly shorterSidePx: Spread;
    /** Boxes with a side below the network's finest cell. */
    readonly unseen: number;
    readonly shapes: readonly BoxShape[];
  };
}

export interface DuplicateInspection extends Omit<DuplicateGroup, "members"> {
  /** Whether the copies lie in different splits, which makes figures lie. */
  readonly crossesSplits: boolean;
  readonly pictures: readonly { readonly file: string; readonly split: SplitName }[];
}

/** Looks at every label and every picture of a data set. */
export async function inspectDataset(
  dataset: Dataset,
  options: { readonly signal?: AbortSignal; readonly onPicture?: (share: number) => void } = {},
): Promise<Inspection> {
  const { root } = dataset;
  const samples = SPLITS.flatMap((split) =>
    (dataset.splits[split] ?? []).map((sample) => ({ sample, split, file: relative(root, sample.path) })),
  );
  const prints = await fingerprintPictures(
    samples.map(({ sample }) => sample.path),
    {
      ...(options.signal && { signal: options.signal }),
      onDone: (count) => options.onPicture?.(count / samples.length),
    },
  );
  const damaged = prints.flatMap(({ damage }, place) => {
    const { file, sample } = samples[place]!;
    return damage === undefined ? [] : [{ file, what: damage.replace(`${sample.path}: `, "") }];
  });
  const duplicates = findDuplicates(prints).map(({ members, ...group }): DuplicateInspection => {
    const pictures = members.map((member) => ({
      file: samples[member]!.file,
      split: samples[member]!.split,
    }));
    return { ...group, crossesSplits: new Set(pictures.map(({ split }) => split)).size > 1, pictures };
  });

  const facts = datasetStatistics(dataset);
  const { boxes } = facts;
  const shorterPx = shorterShares(boxes).map((share) => share * INPUT_SIDE_PX);
  const unseen = shorterPx.map((px) => (px < SEEN_SIDE_PX ? 1 : 0));
  const inspected: Omit<Inspection, "findings"> = {
    root,
    splits: facts.splits,
    classes: facts.classes.map(({ shorterShareMedian, ...one }, c) => ({
      ...one,
      shorterSidePx: shorterShareMedian * INPUT_SIDE_PX,
      unseenBoxes: unseen.filter((is, place) => is === 1 && boxes.classIndex[place] === c).length,
    })),
    pictures: {
      count: samples.length,
      widthPx: facts.pictureWidthPx,
      heightPx: facts.pictureHeightPx,
      objects: facts.objectsPerPicture,
    },
    boxes: {
      count: shorterPx.length,
      widthPx: spreadOf(boxes.widthPx),
      heightPx: spreadOf(boxes.heightPx),
      ...countSizes(boxes.widthPx, boxes.heightPx),
      aspectRatio: spreadOf(boxes.widthPx.map((width, place) => width / boxes.heightPx[place]!)),
      atInput: {
        inputSidePx: INPUT_SIDE_PX,
        widthPx: spreadOf(boxes.widthShare.map((share) => share * INPUT_SIDE_PX)),
        heightPx: spreadOf(boxes.heightShare.map((share) => share * INPUT_SIDE_PX)),
        shorterSidePx: spreadOf(shorterPx),
        unseen: unseen.reduce((sum, one) => sum + one, 0),
        shapes: boxShapes(boxes, INPUT_SIDE_PX),
      },
    },
    inputSize: facts.isWholePictures
      ? null
      : adviseInputSize(
          shorterShares(boxes),
          samples.map(({ sample }) => Math.max(sample.width, sample.height)),
        ),
    trainingSidePx: facts.isWholePictures ? null : chooseInputSide(facts).sidePx,
    duplicates,
    nearDuplicatesSearched: samples.length <= NEAR_SEARCH_COUNT_MAX,
    defects: [...dataset.defects, ...damaged],
  };
  return { ...inspected, findings: findingsOf(inspected, dataset, facts) };
}

function countSizes(
  widthPx: Float64Array,
  heightPx: Float64Array,
): Pick<BoxInspection, "small" | "medium" | "large"> {
  const areas = widthPx.map((width, place) => width * heightPx[place]!);
  const small = areas.filter((area) => area < 32 ** 2).length;
  const large = areas.filter((area) => area > 96 ** 2).length;
  return { small, medium: areas.length - small - large, large };
}
