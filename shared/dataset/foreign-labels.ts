import { open } from "node:fs/promises";
import type { FoundFile, FoundFiles } from "./folders.ts";
import { nameKey } from "./pairing.ts";

/** Labels in a form of another tool. */
export interface ForeignLabels {
  /** What people call it. */
  readonly form: string;
  /** One of its files. */
  readonly path: string;
}

/** Files of each kind that are looked into. */
const LOOKED_AT_MAX = 50;
const HEAD_BYTES = 16 * 1024;

/** Labels of a form that is not read, by what other tools write; `undefined` where nothing looks like any. */
export async function foreignLabels({ others, pictures }: FoundFiles): Promise<ForeignLabels | undefined> {
  const stems = new Set(pictures.map(({ stem }) => nameKey(stem)));
  const ofPictures = (file: FoundFile): boolean => stems.has(nameKey(file.stem));
  const ending = (file: FoundFile): string => file.path.slice(file.path.lastIndexOf(".")).toLowerCase();
  const find = async (
    form: string,
    isCandidate: (file: FoundFile) => boolean,
    content: RegExp,
  ): Promise<ForeignLabels | undefined> => {
    for (const file of others.filter(isCandidate).slice(0, LOOKED_AT_MAX)) {
      if (content.test(await headOf(file.path))) return { form, path: file.path };
    }
    return undefined;
  };
  return (
    (await find(
      "YOLO",
      (file) => ending(file) === ".txt" && ofPictures(file),
      /^\s*\d+(\s+-?[\d.e+-]+){4}/i,
    )) ??
    (await find("LabelMe", (file) => ending(file) === ".json" && ofPictures(file), /"shapes"\s*:/)) ??
    (await find("COCO", (file) => ending(file) === ".json", /"(images|annotations|categories)"\s*:/)) ??
    (await find("CSV", (file) => ending(file) === ".csv", /\b(x_?min|bbox|x1)\b/i)) ??
    (await find("TFRecord", (file) => ending(file) === ".tfrecord", /(?:)/))
  );
}

async function headOf(path: string): Promise<string> {
  try {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.toString("latin1", 0, bytesRead);
  } catch {
    return "";
  }
}
