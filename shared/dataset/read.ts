import { readFile } from "node:fs/promises";
import { relative } from "node:path";
import { AppError, errorLine } from "../base/errors.ts";
import { IdIndex } from "../base/id-index.ts";
import { ANNOTATION_FILE_BYTES_MAX, CLASS_COUNT_MAX, PICTURE_COUNT_MAX } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { countText } from "../base/text.ts";
import { throwIfAborted } from "../base/wait.ts";
import { type PictureSize, pictureFileSize } from "../image/codec.ts";
import { alikeNames } from "./alike-names.ts";
import { type FoundFiles, listFiles } from "./folders.ts";
import { foreignLabels } from "./foreign-labels.ts";
import { classFolderItems, type Item, vocItems } from "./items.ts";
import { splitByHash } from "./split.ts";
import type { Dataset, DatasetDefect, Sample, SplitName } from "./types.ts";
import { drawnAsStored, usableObjects } from "./usable-boxes.ts";
import { parseVoc, type VocAnnotation, type VocObject } from "./voc.ts";

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
    // What a defect says of pictures in a form that is not read is the better hint.
    const [unread] = found.defects.map(({ file, what }) => `${relative(root, file)} ${what}`);
    throw new AppError("input", `the data set ${root} has no pictures`, { hint: unread ?? FORMS });
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

/** What a picture's header and its XML file say. */
interface Annotated {
  readonly item: Item;
  readonly xml: string;
  readonly size: PictureSize;
  readonly annotation: VocAnnotation;
}

async function readItems(items: readonly Item[], signal: AbortSignal | undefined): Promise<ReadItem[]> {
  const read = new Array<ReadItem | Annotated>(items.length);
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      throwIfAborted(signal, "reading the data set was stopped");
      const place = next++;
      read[place] = await readItem(items[place]!);
    }
  };
  await Promise.all(Array.from({ length: READS_AT_ONCE }, lane));
  const areStored = drawnAsStored(read.filter((one) => "annotation" in one));
  return read.map((one) => ("annotation" in one ? labelled(one, areStored) : one));
}

async function readItem(item: Item): Promise<ReadItem | Annotated> {
  let size: PictureSize;
  try {
    size = await pictureFileSize(item.picture);
  } catch (error) {
    return lost(item.picture, `${errorText(error, item.picture)}, passed over`);
  }
  if ("className" in item.labels) {
    const { width, height } = size;
    const objects = [{ name: item.labels.className, box: [0, 0, width, height] as const }];
    return { sample: sampleOf(item, size, objects), lostClasses: [], defects: [] };
  }
  const { xml } = item.labels;
  try {
    return { item, xml, size, annotation: parseVoc(await readAnnotation(xml)) };
  } catch (error) {
    return lost(xml, `${errorText(error, xml)}, passed over`);
  }
}

function labelled({ item, xml, size, annotation }: Annotated, areStored: boolean): ReadItem {
  const problems = [...annotation.problems];
  const objects = usableObjects(annotation, size, areStored, problems);
  return {
    sample: sampleOf(item, size, objects),
    lostClasses: annotation.objects.map((object) => object.name),
    defects: problems.map((what) => ({ file: xml, what })),
  };
}

function sampleOf(
  { id, picture, split }: Item,
  { width, height }: PictureSize,
  objects: readonly VocObject[],
) {
  return { id, path: picture, width, height, split, objects };
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

/** Says which classes cannot be learnt (only in other splits than train, or without a usable box), and which look alike. */
function warnOfClasses(
  splits: Splits,
  classes: readonly string[],
  classesWithoutBoxes: readonly string[],
  log: Log,
): void {
  for (const name of classesWithoutBoxes)
    log.warn("a class has no usable box and is left out", { class: name });
  for (const names of alikeNames(classes))
    log.warn("classes that may be meant as one are learnt apart: give them one spelling", {
      classes: names.join(", "),
    });
  if (splits.train === undefined) return;
  const trained = new Set(splits.train.flatMap((sample) => sample.labels.map((label) => label.classIndex)));
  classes.forEach((name, place) => {
    if (!trained.has(place)) log.warn("a class has no box in the training pictures", { class: name });
  });
}
