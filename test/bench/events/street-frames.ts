import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SyntheticMovie } from "../../../shared/dataset/synthetic/movie.ts";
import { vocXml } from "../../../shared/dataset/synthetic/voc-xml.ts";
import { encodeJpeg } from "../../../shared/image/codec.ts";

/** Less of a thing than this is not labelled, as a person would not. */
const VISIBLE_SHARE_MIN = 0.35;
/** Frames lie so far apart that each shows things at other places. */
const STEP_MS = 1100;

export interface StreetFrames {
  readonly seeds: readonly number[];
  readonly classes: number;
  /** Frames of each camera are taken from this time on. */
  readonly fromMs: number;
  readonly framesEach: number;
}

/** Labelled frames of drawn cameras, as somebody labels pictures of the cameras that are to be watched; Pascal VOC. */
export async function writeStreetFrames(
  folder: string,
  { seeds, classes, fromMs, framesEach }: StreetFrames,
): Promise<void> {
  for (const name of ["JPEGImages", "Annotations"]) mkdirSync(join(folder, name), { recursive: true });
  for (const seed of seeds) {
    const movie = new SyntheticMovie(seed, { classes });
    let written = 0;
    for (let ms = fromMs; written < framesEach; ms += STEP_MS) {
      const { picture, objects } = await movie.frameAt(ms);
      const labels = objects.filter(({ visibleShare }) => visibleShare >= VISIBLE_SHARE_MIN);
      // Empty frames are useful, but a few will do.
      if (labels.length === 0 && ms % (8 * STEP_MS) !== fromMs % (8 * STEP_MS)) continue;
      written++;
      const id = `street${seed}-${Math.round(ms)}`;
      const { width, height } = picture;
      const annotation = { folder: "JPEGImages", fileName: `${id}.jpg`, width, height, labels };
      writeFileSync(join(folder, "JPEGImages", `${id}.jpg`), await encodeJpeg(picture, 90));
      writeFileSync(join(folder, "Annotations", `${id}.xml`), vocXml(annotation));
    }
  }
}
