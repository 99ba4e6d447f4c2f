import { AppError } from "../base/errors.ts";
import type { TrainingPicture } from "../dataset/augment.ts";
import { halved } from "../dataset/painter.ts";
import type { PreparedPicture } from "../dataset/prepared.ts";
import { PICTURE_PACK_BYTES_MAX } from "./cache-side.ts";

/**
 * Training pictures in memory that several threads read. Each picture takes 3.75 bytes a pixel (it is kept at full and
 * at half size): 0.45 MB for 400 x 300 px.
 */
export interface PicturePack {
  readonly pixels: SharedArrayBuffer;
  /** Those to train with from the start, then those held out until late, each by id. */
  readonly pictures: readonly PackedPicture[];
  readonly trainCount: number;
}

interface PackedPicture {
  readonly width: number;
  readonly height: number;
  /** Places in `pixels`, in bytes. */
  readonly fullAt: number;
  readonly halfAt: number;
  readonly labels: TrainingPicture["labels"];
}

/** Throws `input` where the pictures need more than `PICTURE_PACK_BYTES_MAX`. */
export function packPictures(
  train: readonly PreparedPicture[],
  heldOut: readonly PreparedPicture[] = [],
): PicturePack {
  // In one order on every machine, however the pictures arrived.
  const byId = (a: PreparedPicture, b: PreparedPicture): number => (a.id < b.id ? -1 : 1);
  const pictures = [...train.toSorted(byId), ...heldOut.toSorted(byId)];
  let bytes = 0;
  const packed = pictures.map(({ picture: { width, height }, labels }): PackedPicture => {
    const fullAt = bytes;
    const halfAt = fullAt + 3 * width * height;
    bytes = halfAt + 3 * Math.max(1, width >> 1) * Math.max(1, height >> 1);
    return { width, height, fullAt, halfAt, labels };
  });
  if (bytes > PICTURE_PACK_BYTES_MAX) {
    throw new AppError("input", `${pictures.length} pictures need ${Math.round(bytes / 1e6)} MB of memory`, {
      hint: `train with fewer pictures, or a smaller --size (the limit is ${PICTURE_PACK_BYTES_MAX / 2 ** 20} MB)`,
    });
  }
  // A few bytes more: the painter reads one pixel past the last where a picture is 1 px wide.
  const pixels = new SharedArrayBuffer(bytes + 3);
  const pack = { pixels, pictures: packed, trainCount: train.length };
  unpackPictures(pack).forEach(({ full, half }, i) => {
    full.data.set(pictures[i]!.picture.data);
    halved(full, half.data);
  });
  return pack;
}

/** Views of a pack; no pixel is copied. */
export function unpackPictures({ pixels, pictures }: PicturePack): TrainingPicture[] {
  return pictures.map(({ width, height, fullAt, halfAt, labels }) => {
    const halfWidth = Math.max(1, width >> 1);
    const halfHeight = Math.max(1, height >> 1);
    return {
      full: { width, height, data: new Uint8Array(pixels, fullAt, 3 * width * height) },
      half: {
        width: halfWidth,
        height: halfHeight,
        data: new Uint8Array(pixels, halfAt, 3 * halfWidth * halfHeight),
      },
      labels,
    };
  });
}
