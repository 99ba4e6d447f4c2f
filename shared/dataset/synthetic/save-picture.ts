import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../../base/errors.ts";
import { encodeJpeg } from "../../image/codec.ts";
import { syntheticPicture } from "./picture.ts";
import { vocXml } from "./voc-xml.ts";

/** Which pictures a data set is made of. Sent to threads as it is. */
export interface PictureSeries {
  readonly folder: string;
  readonly seed: number;
  readonly classes: readonly string[];
  readonly oneObject: boolean;
}

export const PICTURES_FOLDER = "JPEGImages";
export const ANNOTATIONS_FOLDER = "Annotations";

const JPEG_QUALITY = 90;

/** A picture's name without its ending. */
export function pictureName(index: number): string {
  return `drawn-${String(index + 1).padStart(5, "0")}`;
}

/** Draws one picture of a series and writes it with its annotation. */
export async function savePicture(
  { folder, seed, classes, oneObject }: PictureSeries,
  index: number,
): Promise<void> {
  const { picture, labels } = await syntheticPicture(seed, index, classes, { oneObject });
  const name = pictureName(index);
  const fileName = `${name}.jpg`;
  const { width, height } = picture;
  const xml = vocXml({ folder: PICTURES_FOLDER, fileName, width, height, labels });
  try {
    await writeFile(join(folder, PICTURES_FOLDER, fileName), await encodeJpeg(picture, JPEG_QUALITY));
    await writeFile(join(folder, ANNOTATIONS_FOLDER, `${name}.xml`), xml);
  } catch (cause) {
    throw new AppError("data-loss", `the picture ${fileName} could not be written to ${folder}`, {
      cause,
      hint: "see that the disk has room and the folder may be written to",
    });
  }
}
