import { readFile } from "node:fs/promises";
import { parse, win32 } from "node:path";
import { ANNOTATION_FILE_BYTES_MAX } from "../base/limits.ts";
import { isPictureName } from "../image/endings.ts";
import { type FoundFile, type FoundFiles, splitOfFile } from "./folders.ts";
import type { DatasetDefect } from "./types.ts";
import { pictureNameIn } from "./voc.ts";

export interface Pair {
  readonly picture: FoundFile;
  readonly xml: FoundFile;
}

/** Names that differ in letters' case, or in how accents are written (as between macOS and Linux), are one. */
export function nameKey(stem: string): string {
  return stem.normalize("NFC").toLowerCase();
}

/**
 * Pairs pictures with their XML files by the files' names. What an XML file says of its picture's name counts only
 * where no picture has the file's own name: pictures get renamed together with their XML files, which keep what they say.
 *
 * @returns also the pictures that are left
 */
export async function pairFiles(
  { pictures, annotations }: FoundFiles,
  defects: DatasetDefect[],
): Promise<{ pairs: Pair[]; alone: FoundFile[] }> {
  const byName = Map.groupBy(pictures, (file) => nameKey(file.stem));
  const used = new Set<FoundFile>();
  const picked = new Map<FoundFile, FoundFile>();
  const pick = (xml: FoundFile, stem: string): void => {
    const split = splitOfFile(xml);
    let picture: FoundFile | undefined;
    let best = -1;
    for (const file of byName.get(nameKey(stem)) ?? []) {
      // Where one side has no splits, its files belong to whatever split the other side has.
      const own = splitOfFile(file);
      if (used.has(file) || (own !== split && own !== undefined && split !== undefined)) continue;
      const score = nearness(file, xml);
      if (score > best) [picture, best] = [file, score];
    }
    if (picture === undefined) return;
    used.add(picture);
    picked.set(xml, picture);
  };
  for (const xml of annotations) pick(xml, xml.stem);
  for (const xml of annotations) {
    if (used.size === pictures.length) break;
    if (!picked.has(xml) && isPictureName(xml.stem)) pick(xml, parse(xml.stem).name);
    if (!picked.has(xml)) pick(xml, await claimedStem(xml));
  }
  const pairs = annotations.flatMap((xml): Pair[] => {
    const picture = picked.get(xml);
    if (picture !== undefined) return [{ picture, xml }];
    defects.push({ file: xml.path, what: "has no picture beside it or in JPEGImages, passed over" });
    return [];
  });
  return { pairs, alone: pictures.filter((file) => !used.has(file)) };
}

/** The picture's name by what the XML file says, without its ending. */
async function claimedStem(xml: FoundFile): Promise<string> {
  if (Bun.file(xml.path).size > ANNOTATION_FILE_BYTES_MAX) return "";
  const bytes = await readFile(xml.path).catch(() => new Uint8Array());
  // Both kinds of slashes: it may have been written on Windows.
  return win32.parse(pictureNameIn(bytes)).name;
}

/** How well a picture of the right name fits an XML file: folders in common first, then the letters' case. */
function nearness(picture: FoundFile, xml: FoundFile): number {
  let shared = 0;
  while (shared < xml.folders.length && picture.folders[shared] === xml.folders[shared]) shared++;
  const isBeside = shared === xml.folders.length && shared === picture.folders.length;
  const isInPictures = picture.folders.at(-1) === "JPEGImages";
  return 8 * shared + (isBeside ? 4 : 0) + (isInPictures ? 2 : 0) + (picture.stem === xml.stem ? 1 : 0);
}
