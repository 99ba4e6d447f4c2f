import { readFile } from "node:fs/promises";
import { relative } from "node:path";
import { AppError, errorLine } from "../base/errors.ts";
import { IdIndex } from "../base/id-index.ts";
import { ANNOTATION_FILE_BYTES_MAX, CLASS_COUNT_MAX, PICTURE_COUNT_MAX } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { countText } from "../base/text.ts";
import { throwIfAborted } from "../base/wait.ts";
import type { Box } from "../detect/types.ts";
import { type PictureSize, pictureFileSize } from "../image/codec.ts";
import { isTurned } from "../image/header.ts";
import { type FoundFiles, listFiles } from "./folders.ts";
import { foreignLabels } from "./foreign-labels.ts";
import { classFolderItems, type Item, vocItems } from "./items.ts";
import { splitByHash } from "./split.ts";
import type { Dataset, DatasetDefect, Sample, SplitName } from "./types.ts";
import { parseVoc, turnBox, type VocAnnotation, type VocObject } from "./voc.ts";

export interface ReadOptions {
  /** Refuse what would otherwise be worked around. */
  readonly strict?: boolean;
  readonly log: Log;
  readonly signal?: AbortSignal;
}

/** The share of the pictures that becomes the test split of a data set that has none. */
const TEST_SHARE = 0.2;
const READS_AT_ONCE = 16;
const DEFECTS_SHOWN = 10;
/** A box may be written with its last pixel counted in; reaching over the edge by that much is no defect. */
const EDGE_TOLERANCE_PX = 1;
/** Sizes whose width over height differ by no more than this share have the same form; sides were rounded. */
const FORM_TOLERANCE = 0.02;

const FORMS =
  "known forms: JPEGImages/ + Annotations/ (+ ImageSets/Main/*.txt); pictures and XML side by side, in train/ and " +
  "test/ or not; a folder of pictures for each class";

/**
 * Reads a data set's labels; of the pictures, only the headers. Two forms of Pascal VOC, and a folder for each class:
 * see `FORMS`. What can be worked around is listed in `defects` and logged.
 *
 * @throws {AppError} `input` when nothing in it can be learnt from, or with `strict` when it has any defect
 */
export async function readDataset(
  root: string,
  { strict = false, log, signal }: ReadOptions,
): Promise<Dataset> {
  const found = await listFiles(root);
  if (found.pictures.length === 0) {
    throw new AppError("input", `the data set ${root} has no pictures`, { hint: FORMS });
  }
  const isVoc = found.annotations.length > 0;
  if (!isVoc) await refuseUnlabelled(root, found);
  const { items, defects: pairing } = isVoc ? await vocItems(root, found) : classFolderItems(found);
  if (items.length > PICTURE_COUNT_MAX) {
    throw new AppError("input", `the data set has more than ${PICTURE_COUNT_MAX} pictures`);
  }
  const read = await readItems(items, signal);
  const defects = [...found.defects, ...pairing, ...read.flatMap((one) => one.defects)].map((defect) => ({
    file: relative(root, defect.file) || root,
    what: defect.what,
  }));
  reportDefects(root, defects, strict, log);

  const usable = read.flatMap(({ sample }) => (sample === undefined ? [] : [sample]));
  const index = IdIndex.stable(usable.flatMap(({ objects }) => objects.map(({ name }) => name)));
  const classes = index.names;
  if (usable.length === 0) {
    await refuseForeignLabels(root, found);
    const why =
      items.length === 0 ? "no picture of it has labels" : "none of its pictures and XML files can be read";
    throw new AppError("input", `the data set ${root}: ${why}`, { hint: FORMS });
  }
  if (classes.length === 0) {
    throw new AppError("input", `the data set ${root}: no picture has a box that can be used`, {
      hint: "label the objects with a tool that writes Pascal VOC, for example labelImg",
    });
  }
  if (classes.length > CLASS_COUNT_MAX) {
    throw new AppError("input", `the data set has ${classes.length} classes, at most ${CLASS_COUNT_MAX}`);
  }
  const splits = splitSamples(usable, index, log);
  const lost = new Set(read.flatMap((one) => one.lostClasses));
  const classesWithoutBoxes = [...lost].filter((name) => index.numberOf(name) === undefined);
  warnOfClasses(splits, classes, classesWithoutBoxes, log);
  log.info("data set read", {
    pictures: usable.length,
    classes: classes.length,
    boxes: usable.reduce((sum, sample) => sum + sample.objects.length, 0),
    ...Object.fromEntries(Object.entries(splits).map(([name, samples]) => [name, samples.length])),
  });
  return { root, classes, splits, defects, classesWithoutBoxes };
}

/** Where no folder has another name than these, folders name no classes. */
const PICTURES_FOLDER =
  /^(|images?|imgs?|jpegimages|pictures?|pics|photos?|fotos?|im[aá]genes|frames|data)$/i;

/** Throws `input` where other tools' labels are there. */
async function refuseForeignLabels(root: string, found: FoundFiles): Promise<void> {
  const foreign = await foreignLabels(found);
  if (foreign === undefined) return;
  const file = relative(root, foreign.path);
  throw new AppError("input", `the data set ${root} has its labels in ${foreign.form} form (${file})`, {
    hint: "export it once more as Pascal VOC, an XML file for each picture: Roboflow, CVAT, Label Studio and others offer it",
  });
}

/** Without XML files only folders can be labels. Throws `input` where they are not. */
async function refuseUnlabelled(root: string, found: FoundFiles): Promise<void> {
  await refuseForeignLabels(root, found);
  const folders = new Set(found.pictures.map(({ folders }) => folders.at(-1) ?? ""));
  if ([...folders].every((name) => PICTURES_FOLDER.test(name))) {
    throw new AppError("input", `the data set ${root}: no picture of it has labels`, { hint: FORMS });
  }
}

/** A sample before its classes have numbers. */
interface NamedSample {
  readonly id: string;
  readonly path: string;
  readonly width: number;
  readonly height: number;
  readonly objects: readonly VocObject[];
  readonly split: SplitName | undefined;
}

interface ReadItem {
  readonly sample: NamedSample | undefined;
  /** Names of classes that had boxes here, none of which could be used. */
  readonly lostClasses: readonly string[];
  readonly defects: readonly DatasetDefect[];
}

async function readItems(items: readonly Item[], signal: AbortSignal | undefined): Promise<ReadItem[]> {
  const read = new Array<ReadItem>(items.length);
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      throwIfAborted(signal, "reading the data set was stopped");
      const place = next++;
      read[place] = await readItem(items[place]!);
    }
  };
  await Promise.all(Array.from({ length: READS_AT_ONCE }, lane));
  return read;
}

async function readItem(item: Item): Promise<ReadItem> {
  let size: PictureSize;
  try {
    size = await pictureFileSize(item.picture);
  } catch (error) {
    return lost(item.picture, `${errorText(error, item.picture)}, passed over`);
  }
  const { width, height } = size;
  const base = { id: item.id, path: item.picture, width, height, split: item.split };
  if ("className" in item.labels) {
    const objects = [{ name: item.labels.className, box: [0, 0, width, height] as const }];
    return { sample: { ...base, objects }, lostClasses: [], defects: [] };
  }
  const { xml } = item.labels;
  let annotation: VocAnnotation;
  try {
    annotation = parseVoc(await readAnnotation(xml));
  } catch (error) {
    return lost(xml, `${errorText(error, xml)}, passed over`);
  }
  const problems = [...annotation.problems];
  const objects = usableObjects(annotation, size, problems);
  const lostClasses = annotation.objects.map((object) => object.name);
  return {
    sample: { ...base, objects },
    lostClasses,
    defects: problems.map((what) => ({ file: xml, what })),
  };
}

function lost(file: string, what: string): ReadItem {
  return { sample: undefined, lostClasses: [], defects: [{ file, what }] };
}

/** What went wrong without the file's name, which a defect carries already. */
function errorText(error: unknown, path: string): string {
  return errorLine(error).replace(`${path}: `, "").replace(` ${path}`, "");
}

async function readAnnotation(path: string): Promise<Uint8Array> {
  const file = Bun.file(path);
  if (file.size > ANNOTATION_FILE_BYTES_MAX) throw new AppError("input", `is too large (${file.size} bytes)`);
  return await readFile(path).catch((cause) => {
    throw new AppError("input", "cannot be read", { cause });
  });
}

/** Boxes in the upright picture's pixels, mended, clipped, and without those that come to nothing. */
function usableObjects(annotation: VocAnnotation, size: PictureSize, problems: string[]): VocObject[] {
  const { width, height, orientation } = size;
  const stored = isTurned(orientation) ? { width: height, height: width } : { width, height };
  const claimed = `${annotation.width}x${annotation.height}`;
  // A tool that showed the picture turned upright wrote the upright size; any other labelled the pixels as stored.
  const isUpright = claimed === `${width}x${height}` && isTurned(orientation) && width !== height;
  const isStored = claimed === `${stored.width}x${stored.height}`;
  let scale = 1;
  if (annotation.width > 0 && annotation.height > 0 && !isUpright && !isStored) {
    scale = isLabelledLarger(annotation, size) ? width / annotation.width : 1;
    const how = scale === 1 ? "taken as they are" : `scaled by ${scale.toFixed(3)}`;
    problems.push(`says ${claimed} pixels, the picture has ${width}x${height}: its boxes are ${how}`);
  }
  return annotation.objects.flatMap((object, place) => {
    const what = `object ${place + 1} (${object.name})`;
    const scaled = object.box.map((side) => scale * side) as unknown as Box;
    const box = isStored && !isUpright ? turnBox(scaled, orientation, stored.width, stored.height) : scaled;
    const mended: Box = [
      Math.min(box[0], box[2]),
      Math.min(box[1], box[3]),
      Math.max(box[0], box[2]),
      Math.max(box[1], box[3]),
    ];
    const isReversed = object.box[0] > object.box[2] || object.box[1] > object.box[3];
    const clipped: Box = [
      Math.max(0, mended[0]),
      Math.max(0, mended[1]),
      Math.min(width, mended[2]),
      Math.min(height, mended[3]),
    ];
    const cut = Math.max(...mended.map((value, i) => Math.abs(value - clipped[i]!)));
    if (mended[2] - mended[0] < 1 || mended[3] - mended[1] < 1) {
      problems.push(`${what} has a box of no size, dropped`);
      return [];
    }
    if (clipped[2] - clipped[0] < 1 || clipped[3] - clipped[1] < 1) {
      problems.push(`${what} lies outside the picture, dropped`);
      return [];
    }
    if (isReversed) problems.push(`${what} has its corners exchanged, mended`);
    if (cut > EDGE_TOLERANCE_PX) problems.push(`${what} reaches over the picture's edge, clipped`);
    return [{ ...object, box: clipped }];
  });
}

/**
 * Whether a picture was made smaller after it was labelled: the size that is claimed has its form, and some box that
 * lies within that size reaches out of the picture.
 */
function isLabelledLarger(annotation: VocAnnotation, { width, height }: PictureSize): boolean {
  const { width: wide, height: high, objects } = annotation;
  if (wide <= width || Math.abs(wide / high / (width / height) - 1) > FORM_TOLERANCE) return false;
  const right = Math.max(...objects.map(({ box }) => Math.max(box[0], box[2])));
  const bottom = Math.max(...objects.map(({ box }) => Math.max(box[1], box[3])));
  const isOutside = right > width + EDGE_TOLERANCE_PX || bottom > height + EDGE_TOLERANCE_PX;
  return isOutside && right <= wide + EDGE_TOLERANCE_PX && bottom <= high + EDGE_TOLERANCE_PX;
}

type Splits = Partial<Record<SplitName, Sample[]>>;

/** The data set's own splits. Without a test split, validation pictures become it, else a fifth of all pictures. */
function splitSamples(samples: readonly NamedSample[], index: IdIndex, log: Log): Splits {
  const splits: Splits = {};
  for (const { objects, split = "train", ...facts } of samples) {
    const labels = objects.map(({ name, ...label }) => ({ classIndex: index.numberOf(name)!, ...label }));
    splits[split] ??= [];
    splits[split].push({ ...facts, labels });
  }
  if (splits.test !== undefined) return splits;
  if (splits.val !== undefined) {
    log.info("the data set has no test split: its validation pictures are used for it", {
      test: splits.val.length,
    });
    return { ...(splits.train && { train: splits.train }), test: splits.val };
  }
  // Each class gives its share.
  const { kept, taken } = splitByHash(splits.train ?? [], TEST_SHARE, ({ labels }) =>
    labels.map(({ classIndex }) => classIndex),
  );
  if (taken.length === 0) return { train: kept };
  log.info("the data set has no test split: a fifth of its pictures, chosen by name, is kept for it", {
    train: kept.length,
    test: taken.length,
  });
  return { train: kept, test: taken };
}

function reportDefects(root: string, defects: readonly DatasetDefect[], strict: boolean, log: Log): void {
  if (defects.length === 0) return;
  if (strict) {
    const shown = defects.slice(0, DEFECTS_SHOWN).map(({ file, what }) => `${file} ${what}`);
    const more = defects.length - shown.length;
    throw new AppError(
      "input",
      `the data set ${root} has ${countText(defects.length, "defect")}: ${shown.join("; ")}${more > 0 ? `; and ${more} more` : ""}`,
      { hint: "mend these files, or leave out --strict to work around them" },
    );
  }
  for (const { file, what } of defects.slice(0, DEFECTS_SHOWN)) log.warn(`${file} ${what}`);
  if (defects.length > DEFECTS_SHOWN)
    log.warn(`and ${defects.length - DEFECTS_SHOWN} more defects in the data set`);
}

/** Says which classes cannot be learnt: only in other splits than train, or without a single usable box. */
function warnOfClasses(
  splits: Splits,
  classes: readonly string[],
  classesWithoutBoxes: readonly string[],
  log: Log,
): void {
  for (const name of classesWithoutBoxes)
    log.warn("a class has no usable box and is left out", { class: name });
  if (splits.train === undefined) return;
  const trained = new Set(splits.train.flatMap((sample) => sample.labels.map((label) => label.classIndex)));
  classes.forEach((name, place) => {
    if (!trained.has(place)) log.warn("a class has no box in the training pictures", { class: name });
  });
}
