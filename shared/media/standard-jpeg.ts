import { openSharp } from "../image/sharp.ts";
import type { Picture } from "../image/types.ts";

/**
 * A baseline JPEG, 4:2:0, with the Huffman tables of ITU-T T.81 annex K: the only kind that RTP carries (RFC 2435
 * sends no Huffman tables).
 *
 * @param quality 1 to 100
 */
export async function encodeStandardJpeg(picture: Picture, quality: number): Promise<Uint8Array> {
  const sharp = await openSharp();
  const { width, height, data } = picture;
  return await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality, chromaSubsampling: "4:2:0", optimiseCoding: false })
    .toBuffer();
}

/**
 * Any picture file as a standard JPEG, made to fit within `maxSidePx`.
 *
 * @throws when the file is damaged
 */
export async function toStandardJpeg(
  file: Uint8Array,
  quality: number,
  maxSidePx: number,
): Promise<Uint8Array> {
  const sharp = await openSharp();
  return await sharp(file, { failOn: "error", autoOrient: true })
    .resize({ width: maxSidePx, height: maxSidePx, fit: "inside", withoutEnlargement: true })
    .flatten({ background: "white" })
    .toColourspace("srgb")
    .jpeg({ quality, chromaSubsampling: "4:2:0", optimiseCoding: false })
    .toBuffer();
}
