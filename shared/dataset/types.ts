import type { Box } from "../detect/types.ts";

/** One labelled object. */
export interface Label {
  /** Place in the data set's list of classes. */
  readonly classIndex: number;
  /** Pixels of the original picture, clipped to it; never empty. */
  readonly box: Box;
  /** Marked as hard to recognise: learnt from like any other, and left out of every score. */
  readonly difficult?: boolean;
}

/** One labelled picture on disk. */
export interface Sample {
  /** The file's name without its ending; unique in the data set. */
  readonly id: string;
  readonly path: string;
  readonly width: number;
  readonly height: number;
  readonly labels: readonly Label[];
}

export type SplitName = "train" | "val" | "test";

/** A defect that was worked around, or with `--strict` refused. */
export interface DatasetDefect {
  readonly file: string;
  readonly what: string;
}

/** Labelled pictures with their classes. Classes are in alphabetical order, so the same data gives the same numbers. */
export interface Dataset {
  readonly root: string;
  readonly classes: readonly string[];
  readonly splits: Readonly<Partial<Record<SplitName, readonly Sample[]>>>;
  readonly defects: readonly DatasetDefect[];
  /** Names that labels have, but no label that could be used; they are no part of `classes`. */
  readonly classesWithoutBoxes?: readonly string[];
}
