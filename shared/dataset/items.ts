import { readFile, stat } from "node:fs/promises";
import { basename, dirname, relative } from "node:path";
import { AppError, errorLine } from "../base/errors.ts";
import { compareText, type FoundFile, type FoundFiles, splitNamed, splitOfFile } from "./folders.ts";
import { nameKey, type Pair, pairFiles } from "./pairing.ts";
import type { DatasetDefect, SplitName } from "./types.ts";
import { className } from "./voc.ts";

/** A picture and where its labels are: in an XML file, or in the name of its folder. */
export interface Item {
  readonly id: string;
  readonly picture: string;
  readonly labels: { readonly xml: string } | { readonly className: string };
  /** What the data set itself says; `undefined` where it has no splits. */
  readonly split: SplitName | undefined;
}

export interface Items {
  readonly items: readonly Item[];
  readonly defects: readonly DatasetDefect[];
}

const LIST_SIZE_BYTES_MAX = 64 * 1024 * 1024;

/** Pictures of class folders (`NAME/picture.jpg`, also below `train/` and `test/`): a label for each whole picture. */
export function classFolderItems({ pictures, emptyFolders }: FoundFiles): Items {
  const defects = emptyFolders.map((file) => ({ file, what: "is a class folder without pictures" }));
  // A class may be called "test"; only beside a "train" folder does that name mean a split.
  const hasSplits = pictures.some((file) => splitOfFile(file) === "train");
  const items = pictures.flatMap((file): Item[] => {
    const folder = file.folders.at(-1);
    if (folder === undefined || (hasSplits && splitNamed(folder) !== undefined)) {
      defects.push({ file: file.path, what: "lies in no class folder, passed over" });
      return [];
    }
    const split = hasSplits ? (splitOfFile(file) ?? "train") : undefined;
    const labels = { className: className(folder) };
    return [{ id: [...file.folders, file.stem].join("/"), picture: file.path, labels, split }];
  });
  return { items: withoutTwins(items, defects), defects };
}

/**
 * Pictures paired with their XML files (`pairFiles`), in both forms of Pascal VOC.
 */
export async function vocItems(root: string, found: FoundFiles): Promise<Items> {
  const defects: DatasetDefect[] = [];
  const { pairs, alone } = await pairFiles(found, defects);
  const lists = await readLists(found.lists, pairs, defects);
  if (lists === undefined) {
    for (const file of alone) defects.push({ file: file.path, what: "has no XML file, passed over" });
    const splitOf = ({ picture, xml }: Pair) => splitOfFile(xml) ?? splitOfFile(picture);
    const hasSplits = pairs.some((pair) => splitOf(pair) !== undefined);
    const items = pairs.map((pair) => ({
      ...itemOf(root, pair),
      split: hasSplits ? (splitOf(pair) ?? "train") : undefined,
    }));
    return { items: withShortIds(items), defects };
  }
  const byStem = new Map<string, Item>();
  for (const pair of pairs) {
    const { picture, xml } = pair;
    const item = { ...itemOf(root, pair), id: xml.stem };
    for (const key of [nameKey(picture.stem), nameKey(xml.stem), xml.stem]) byStem.set(key, item);
  }
  const pictures = new Set(alone.map((file) => nameKey(file.stem)));
  const items: Item[] = [];
  for (const [id, { split, list }] of lists) {
    const item = byStem.get(id) ?? byStem.get(nameKey(id));
    if (item !== undefined) {
      items.push({ ...item, split });
      continue;
    }
    const missing = pictures.has(nameKey(id)) ? "XML file" : "picture";
    defects.push({ file: list, what: `lists ${JSON.stringify(id)}, which has no ${missing}, passed over` });
  }
  return { items: withoutTwins(items, defects), defects };
}

function itemOf(root: string, { picture, xml }: Pair): Item {
  const folder = relative(root, dirname(picture.path)).split(/[\\/]/).filter(Boolean);
  return {
    id: [...folder, picture.stem].join("/"),
    picture: picture.path,
    labels: { xml: xml.path },
    split: undefined,
  };
}

/** Ids without their folders, where that leaves them unique. */
function withShortIds(items: readonly Item[]): Item[] {
  const names = Map.groupBy(items, (item) => basename(item.id).toLowerCase());
  return items.map((item) => {
    const short = basename(item.id);
    return names.get(short.toLowerCase())!.length === 1 ? { ...item, id: short } : item;
  });
}

function withoutTwins(items: readonly Item[], defects: DatasetDefect[]): Item[] {
  const seen = new Set<string>();
  return items.filter((item) => {
    if (!seen.has(item.id)) return seen.add(item.id);
    defects.push({ file: item.picture, what: `is the second picture called ${item.id}, passed over` });
    return false;
  });
}

interface Listed {
  readonly split: SplitName;
  /** The list's path. */
  readonly list: string;
}

/** Which id belongs to which split by `ImageSets/Main`; `undefined` where there are no lists of these pictures. */
async function readLists(
  files: readonly FoundFile[],
  pairs: readonly Pair[],
  defects: DatasetDefect[],
): Promise<Map<string, Listed> | undefined> {
  const names = new Set(pairs.flatMap(({ picture, xml }) => [nameKey(picture.stem), nameKey(xml.stem)]));
  const main = files.filter((file) => /^main$/i.test(file.folders.at(-1) ?? ""));
  const usable = (
    main.length > 0 ? main : files.filter((file) => /^imagesets$/i.test(file.folders.at(-1) ?? ""))
  )
    // A list for training and validation together comes first, so that the lists of each part have the last word;
    // the test list has the very last, so that no test picture is trained on.
    .map((file) => ({
      file,
      split: /^trainval$/i.test(file.stem) ? ("train" as const) : splitNamed(file.stem),
    }))
    .sort((a, b) => listRank(a) - listRank(b) || compareText(a.file.path, b.file.path));
  const listed = new Map<string, Listed>();
  for (const { file, split } of usable) {
    if (split === undefined) continue; // VOC also has a list a class
    for (const id of await listLines(file.path, names, defects)) {
      const before = listed.get(id);
      if (split === "test" && before !== undefined && before.split !== "test") {
        defects.push({
          file: file.path,
          what: `lists ${JSON.stringify(id)}, which is also in ${basename(before.list)}`,
        });
      }
      listed.set(id, { split, list: file.path });
    }
  }
  if (listed.size === 0) return undefined;
  const ids = new Set([...listed.keys()].map(nameKey));
  if (
    pairs.length === 0 ||
    pairs.some(({ picture, xml }) => ids.has(nameKey(picture.stem)) || ids.has(nameKey(xml.stem)))
  )
    return listed;
  for (const file of new Set([...listed.values()].map(({ list }) => list)))
    defects.push({ file, what: "lists no picture of this data set, passed over" });
  return undefined;
}

function listRank({ file, split }: { file: FoundFile; split: SplitName | undefined }): number {
  if (/^trainval$/i.test(file.stem)) return 0;
  return 1 + ["train", "val", "test"].indexOf(split ?? "test");
}

async function listLines(
  path: string,
  names: ReadonlySet<string>,
  defects: DatasetDefect[],
): Promise<string[]> {
  try {
    const { size } = await stat(path);
    if (size > LIST_SIZE_BYTES_MAX) throw new AppError("input", `is too large (${size} bytes)`);
    const text = (await readFile(path, "utf8")).replace(/^\ufeff/, "");
    return text
      .split(/\r?\n/)
      .map((line) => listedId(line, names))
      .filter((id) => id !== "");
  } catch (error) {
    defects.push({ file: path, what: `cannot be read (${errorLine(error)}), passed over` });
    return [];
  }
}

/**
 * The id in a line: some tools write a path, an ending, or VOC's mark 1, 0 or -1 after it.
 *
 * @param names of the pictures: "dog 1" may be one of them, and is no "dog" with a mark then
 */
function listedId(line: string, names: ReadonlySet<string>): string {
  const whole = withoutEnding(line);
  return names.has(nameKey(whole)) ? whole : withoutEnding(line.trim().replace(/\s+-?[01]$/, ""));
}

function withoutEnding(path: string): string {
  return basename(path.trim().replace(/\.(jpe?g|png|bmp|webp|xml)$/i, ""));
}
