import { decodePicture, encodeJpeg } from "../image/codec.ts";
import { crop, resizeBilinear } from "../image/resize.ts";
import type { Box } from "./types.ts";

/** Longest side of a cropped photo, in px. */
const CROP_SIDE_PX = 320;
/** What is kept around the object, as a share of its size. */
const MARGIN = 0.15;

/** The object on a photo with a margin around it, at most 320 px a side, as JPEG. */
export async function cropPhoto(jpeg: Uint8Array, [x1, y1, x2, y2]: Box): Promise<Uint8Array> {
  const picture = await decodePicture(jpeg);
  const marginX = MARGIN * (x2 - x1);
  const marginY = MARGIN * (y2 - y1);
  const cut = crop(picture, [x1 - marginX, y1 - marginY, x2 + marginX, y2 + marginY]);
  const scale = Math.min(1, CROP_SIDE_PX / Math.max(cut.width, cut.height));
  const width = Math.max(1, Math.round(cut.width * scale));
  const height = Math.max(1, Math.round(cut.height * scale));
  return encodeJpeg(scale < 1 ? resizeBilinear(cut, width, height) : cut, 85);
}
