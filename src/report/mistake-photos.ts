import { join } from "node:path";
import { AppError, errorKind } from "../../shared/base/errors.ts";
import { replaceFile } from "../../shared/base/replace-file.ts";
import type { Box } from "../../shared/detect/types.ts";
import { decodePictureFile } from "../../shared/image/codec.ts";
import { drawDetections, type LabelledBox } from "../../shared/image/draw.ts";
import { crop, resizeBilinear } from "../../shared/image/resize.ts";
import type { Picture } from "../../shared/image/types.ts";
import type { Mistakes } from "./mistakes.ts";

export type MistakeKind = keyof Mistakes;

/** A mistake's picture beside the page. */
export interface MistakePhoto {
  /** Relative to the page. Made of numbers alone: nothing of it comes from the data set. */
  readonly src: string;
  /** The picture's path in the data set. */
  readonly file: string;
  /** What the model saw there and how sure it was; at a miss, what did not reach its threshold. */
  readonly seen: { readonly className: string; readonly score: number } | undefined;
  readonly truth: string | undefined;
  readonly overlap: number | undefined;
}

export type MistakePhotos = Readonly<Record<MistakeKind, readonly MistakePhoto[]>>;

/** Where the pictures are, in the order in which they were scored, and what the page calls them. */
export interface PhotoSources {
  readonly pictures: readonly { readonly path: string; readonly file: string }[];
  readonly classes: readonly string[];
}

/** Pictures of each kind. */
const PHOTOS_MAX = 12;
/** The picture around a mistake is widened by this share of its longer side, and by so many pixels at least. */
const MARGIN_SHARE = 0.8;
const MARGIN_PX_MIN = 48;
/** The longer side of a photo; what is smaller is enlarged, though not by more than the factor. */
const PHOTO_SIDE_PX = 480;
const ENLARGEMENT_MAX = 4;
/** Colours of boxes: the same two everywhere, whatever the class. */
const SEEN_COLOUR = 0;
const TRUE_COLOUR = 1;

/** The parts of a mistake that can be drawn. */
interface Scene {
  readonly picture: number;
  readonly seen?: { readonly classIndex: number; readonly score: number; readonly box: Box } | undefined;
  readonly truth?: { readonly classIndex: number; readonly box: Box } | undefined;
  readonly overlap?: number;
}

/** Writes the worst mistakes of each kind as JPEG files into `mistakes/` of the folder. */
export async function writeMistakePhotos(
  folder: string,
  mistakes: Mistakes,
  { pictures, classes }: PhotoSources,
  signal: AbortSignal,
): Promise<MistakePhotos> {
  const write = async (kind: string, scenes: readonly Scene[]): Promise<MistakePhoto[]> => {
    const photos: MistakePhoto[] = [];
    for (const scene of scenes) {
      if (photos.length === PHOTOS_MAX) break;
      if (signal.aborted) throw new AppError("cancelled", "writing the report was stopped");
      const { path, file } = pictures[scene.picture]!;
      const whole = await decodePictureFile(path).catch(undefinedIfInput);
      // Objects of a picture that cannot be decoded count as missed; there is nothing to show.
      if (whole === undefined) continue;
      const src = `mistakes/${kind}-${String(photos.length + 1).padStart(2, "0")}.jpg`;
      replaceFile(join(folder, src), await drawScene(whole, scene, classes), 0o644);
      photos.push({
        src,
        file,
        seen: scene.seen && { className: classes[scene.seen.classIndex]!, score: scene.seen.score },
        truth: scene.truth && classes[scene.truth.classIndex]!,
        overlap: scene.overlap,
      });
    }
    return photos;
  };
  const misses = mistakes.misses.map(({ nearly, ...rest }) => ({ ...rest, seen: nearly }));
  return {
    falseDetections: await write("false", mistakes.falseDetections),
    confusions: await write("confused", mistakes.confusions),
    misses: await write("missed", misses),
  };
}

function undefinedIfInput(error: unknown): undefined {
  if (errorKind(error) !== "input") throw error;
}

async function drawScene(
  whole: Picture,
  { seen, truth }: Scene,
  classes: readonly string[],
): Promise<Uint8Array> {
  const boxes: LabelledBox[] = [];
  if (truth)
    boxes.push({ box: truth.box, label: `= ${classes[truth.classIndex]!}`, classIndex: TRUE_COLOUR });
  if (seen) {
    const { box, score, classIndex } = seen;
    boxes.push({ box, score, label: classes[classIndex]!, classIndex: SEEN_COLOUR });
  }
  const { picture, left, top, scale } = surroundings(
    whole,
    boxes.map(({ box }) => box),
  );
  const placed = boxes.map((one) => {
    const [x1, y1, x2, y2] = one.box;
    const box = [(x1 - left) * scale, (y1 - top) * scale, (x2 - left) * scale, (y2 - top) * scale] as const;
    return { ...one, box };
  });
  return await drawDetections(picture, placed);
}

/** The part of a picture around the boxes, at a size that can be looked at. */
function surroundings(
  whole: Picture,
  boxes: readonly Box[],
): { readonly picture: Picture; readonly left: number; readonly top: number; readonly scale: number } {
  const least = (side: 0 | 1): number => Math.min(...boxes.map((box) => box[side]));
  const most = (side: 2 | 3): number => Math.max(...boxes.map((box) => box[side]));
  const longer = Math.max(most(2) - least(0), most(3) - least(1));
  const margin = Math.max(MARGIN_PX_MIN, MARGIN_SHARE * longer);
  const left = Math.max(0, Math.floor(least(0) - margin));
  const top = Math.max(0, Math.floor(least(1) - margin));
  const part = crop(whole, [left, top, most(2) + margin, most(3) + margin]);
  const scale = Math.min(ENLARGEMENT_MAX, PHOTO_SIDE_PX / Math.max(part.width, part.height));
  const width = Math.max(1, Math.round(part.width * scale));
  const height = Math.max(1, Math.round(part.height * scale));
  return { picture: resizeBilinear(part, width, height), left, top, scale };
}
