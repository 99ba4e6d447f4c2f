import type { Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { AppError } from "../base/errors.ts";
import { PICTURE_COUNT_MAX } from "../base/limits.ts";
import { isPictureName, isVideoName } from "../image/endings.ts";
import type { DatasetDefect, SplitName } from "./types.ts";

const DEPTH_MAX = 8;
const FILE_COUNT_MAX = 2 * PICTURE_COUNT_MAX + 1000;
/** What telephones write and no decoder here reads. */
const HEIC = /^\.(heic|heif)$/;
const HEIC_ADVICE = "is a HEIC picture, which cannot be read: save it as JPEG; passed over";

/** One file of a data set. */
export interface FoundFile {
  readonly path: string;
  /** Names of the folders between the root and the file. */
  readonly folders: readonly string[];
  /** The name without its ending. */
  readonly stem: string;
}

/** What lies under a data set's root, each list in the order of the paths. */
export interface FoundFiles {
  readonly pictures: readonly FoundFile[];
  readonly annotations: readonly FoundFile[];
  /** The split lists of Pascal VOC. */
  readonly lists: readonly FoundFile[];
  /** What may hold labels in a form that is not read: `foreignLabels`. */
  readonly others: readonly FoundFile[];
  /** Folders that hold neither files nor folders. */
  readonly emptyFolders: readonly string[];
  readonly defects: readonly DatasetDefect[];
}

/**
 * Lists a data set's files. Links are followed, each folder once, so that a loop ends; hidden files and what
 * archives of other systems leave behind are passed over, and so are the masks of segmentation data sets, which have their
 * pictures' names.
 *
 * @throws {AppError} `input` when the root is no folder, or holds too many files
 */
export async function listFiles(root: string): Promise<FoundFiles> {
  const facts = await stat(root).catch((cause) => {
    throw new AppError("input", `there is no data set at ${root}`, {
      cause,
      hint: "give the folder that holds the pictures and their XML files",
    });
  });
  if (!facts.isDirectory()) {
    throw new AppError("input", `${root} is a file, not a data set's folder`, {
      hint: isVideoName(root)
        ? `take pictures out of the video first (ffmpeg -i ${root} -vf fps=1 %04d.jpg), label them, then give their folder`
        : "unpack an archive first, then give its folder",
    });
  }
  const found = { pictures: [], annotations: [], lists: [], others: [], emptyFolders: [], defects: [] };
  await walk(root, [], found, new Set(), { files: 0 });
  return found;
}

type Growing<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer I)[] ? I[] : T[K] };

async function walk(
  folder: string,
  folders: readonly string[],
  found: Growing<FoundFiles>,
  visited: Set<string>,
  count: { files: number },
): Promise<void> {
  const entries = await entriesOf(folder, visited, found.defects);
  if (entries === undefined) return;
  if (entries.length === 0) found.emptyFolders.push(folder);
  for (const entry of entries) {
    const path = join(folder, entry.name);
    const kind = entry.isSymbolicLink() ? await kindBehind(path) : kindOf(entry);
    if (kind === "folder") {
      if (folders.length < DEPTH_MAX) await walk(path, [...folders, entry.name], found, visited, count);
      else found.defects.push({ file: path, what: `lies more than ${DEPTH_MAX} folders deep, passed over` });
      continue;
    }
    if (kind !== "file") {
      if (isOfInterest(entry.name)) found.defects.push({ file: path, what: `is ${kind}, passed over` });
      continue;
    }
    if (++count.files > FILE_COUNT_MAX) {
      throw new AppError("input", `the data set holds more than ${FILE_COUNT_MAX} files`);
    }
    const file = { path, folders, stem: basename(entry.name, extname(entry.name)) };
    const ending = extname(entry.name).toLowerCase();
    if (isPictureName(entry.name)) found.pictures.push(file);
    else if (HEIC.test(ending)) found.defects.push({ file: path, what: HEIC_ADVICE });
    else if (ending === ".xml") found.annotations.push(file);
    else if (ending === ".txt" && folders.some((name) => /^imagesets$/i.test(name))) found.lists.push(file);
    else if (/^\.(txt|json|csv|tfrecord)$/.test(ending)) found.others.push(file);
  }
}

async function entriesOf(
  folder: string,
  visited: Set<string>,
  defects: DatasetDefect[],
): Promise<Dirent[] | undefined> {
  try {
    const real = await realpath(folder);
    if (visited.has(real)) return undefined;
    visited.add(real);
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => !/^(\.|__MACOSX$|Segmentation(Class|Object)|trimaps$)/i.test(entry.name))
      .sort((a, b) => compareText(a.name, b.name));
  } catch (cause) {
    defects.push({ file: folder, what: `cannot be listed (${(cause as NodeJS.ErrnoException).code})` });
    return undefined;
  }
}

type Kind = "file" | "folder" | "a broken link" | "neither file nor folder";

function kindOf(entry: { isFile(): boolean; isDirectory(): boolean }): Kind {
  if (entry.isFile()) return "file";
  return entry.isDirectory() ? "folder" : "neither file nor folder";
}

async function kindBehind(path: string): Promise<Kind> {
  return await stat(path).then(kindOf, () => "a broken link" as const);
}

function isOfInterest(name: string): boolean {
  return isPictureName(name) || extname(name).toLowerCase() === ".xml";
}

/** The order of UTF-16 code units: the same on every machine, whatever its language. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const SPLIT_FOLDERS: readonly (readonly [RegExp, SplitName])[] = [
  [/^train(ing)?$/i, "train"],
  [/^(val|valid|validation|dev)$/i, "val"],
  [/^test(ing)?$/i, "test"],
];

/** The split that a folder's or a list's name stands for. */
export function splitNamed(name: string): SplitName | undefined {
  return SPLIT_FOLDERS.find(([form]) => form.test(name))?.[1];
}

/** The split whose folder the file lies in. */
export function splitOfFile(file: FoundFile): SplitName | undefined {
  for (const name of file.folders) {
    const split = splitNamed(name);
    if (split !== undefined) return split;
  }
  return undefined;
}
