import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { AppError } from "../base/errors.ts";
import {
  BOXES_PER_PICTURE_MAX,
  CLASS_COUNT_MAX,
  NAME_LENGTH_MAX,
  PATH_LENGTH_MAX,
  PICTURE_SIDE_PX_MAX,
  SHARD_SIZE_BYTES_MAX,
} from "../base/limits.ts";
import { bytesText } from "../base/text.ts";
import { decodePicture, readPictureFile } from "../image/codec.ts";
import type { Picture } from "../image/types.ts";
import { bool, bytes, finite, list, Reader, record, text, u16 } from "../wire/codec.ts";
import type { Sample } from "./types.ts";

/** A box in shares of the picture: 0 to 1, left, top, right, bottom. */
export type ShareBox = readonly [x1: number, y1: number, x2: number, y2: number];

export interface PreparedLabel {
  readonly classIndex: number;
  readonly box: ShareBox;
  readonly difficult?: boolean;
}

/** A labelled picture that is ready to be learnt from: decoded, upright, small. */
export interface PreparedPicture {
  readonly id: string;
  /** Its longest side is `cacheSide` pixels, or its own when that is less. */
  readonly picture: Picture;
  readonly originalWidth: number;
  readonly originalHeight: number;
  readonly labels: readonly PreparedLabel[];
}

/**
 * Decodes a sample's picture and puts its boxes in shares.
 *
 * @param bytes of the picture file; without them it is read from `sample.path`
 * @param cacheSide the longest side to keep, in pixels
 * @throws {AppError} `input` naming the picture, when it cannot be decoded
 */
export async function preparePicture(
  sample: Pick<Sample, "id" | "path" | "labels">,
  cacheSide: number,
  bytes?: Uint8Array,
): Promise<PreparedPicture> {
  try {
    const file = bytes ?? (await readPictureFile(sample.path));
    const { originalWidth, originalHeight, ...picture } = await decodePicture(file, { maxSide: cacheSide });
    const labels = sample.labels.map(({ box, ...label }) => ({
      ...label,
      box: [
        share(box[0], originalWidth),
        share(box[1], originalHeight),
        share(box[2], originalWidth),
        share(box[3], originalHeight),
      ] as const,
    }));
    return { id: sample.id, picture, originalWidth, originalHeight, labels };
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    throw new AppError(cause.kind, `${sample.path}: ${cause.message}`, {
      cause: cause.cause,
      hint: cause.hint,
    });
  }
}

function share(value: number, whole: number): number {
  return Math.min(1, Math.max(0, value / whole));
}

/*
 * A shard: "VGSH", version 2, three bytes of zero, u32 size of the content, then the content compressed by Zstandard
 * (RFC 8878). The pixels are kept as differences from the pixel before, which makes them a third smaller. The same
 * pictures give the same bytes on the same version of the program, so that a shard can be named by its hash.
 */
const MAGIC = 0x48534756; // "VGSH", little-endian
const VERSION = 2;
const HEADER_BYTES = 12;
const SHARD_PICTURES_MAX = 65_536;

const pictureCodec = record({
  id: text(PATH_LENGTH_MAX + NAME_LENGTH_MAX),
  width: u16,
  height: u16,
  originalWidth: u16,
  originalHeight: u16,
  labels: list(
    record({ classIndex: u16, difficult: bool, x1: finite, y1: finite, x2: finite, y2: finite }),
    BOXES_PER_PICTURE_MAX,
  ),
  differences: bytes(SHARD_SIZE_BYTES_MAX),
});
const shardCodec = list(pictureCodec, SHARD_PICTURES_MAX);

/**
 * Pictures as one block of bytes, for the cache on disk and for the way to a worker.
 *
 * @throws {AppError} `input` when they come to more than `SHARD_SIZE_BYTES_MAX`
 */
export function encodeShard(pictures: readonly PreparedPicture[]): Uint8Array {
  const records = pictures.map(({ id, picture, originalWidth, originalHeight, labels }) => ({
    id,
    width: picture.width,
    height: picture.height,
    originalWidth,
    originalHeight,
    labels: labels.map(({ classIndex, difficult = false, box: [x1, y1, x2, y2] }) => {
      return { classIndex, difficult, x1, y1, x2, y2 };
    }),
    differences: toDifferences(picture.data),
  }));
  const size = shardCodec.size(records);
  if (size > SHARD_SIZE_BYTES_MAX) {
    throw new AppError(
      "input",
      `${pictures.length} pictures of ${bytesText(size)} are too much for one shard`,
    );
  }
  const content = Buffer.alloc(size);
  shardCodec.write(content, 0, records);
  const packed = zstdCompressSync(content, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
  const shard = Buffer.alloc(HEADER_BYTES + packed.length);
  shard.writeUInt32LE(MAGIC, 0);
  shard.writeUInt8(VERSION, 4);
  shard.writeUInt32LE(size, 8);
  shard.set(packed, HEADER_BYTES);
  return shard;
}

/**
 * The pictures of a shard, every number of them checked.
 *
 * @throws {AppError} `input` when it is damaged or of another version
 */
export function decodeShard(shard: Uint8Array): PreparedPicture[] {
  const head = Buffer.from(shard.buffer, shard.byteOffset, shard.byteLength);
  if (head.length < HEADER_BYTES || head.readUInt32LE(0) !== MAGIC) throw damaged("it is no shard");
  if (head.readUInt8(4) !== VERSION) throw damaged(`its version is ${head.readUInt8(4)}, not ${VERSION}`);
  const size = head.readUInt32LE(8);
  if (size > SHARD_SIZE_BYTES_MAX) throw damaged(`it claims ${bytesText(size)}`);
  try {
    const content = zstdDecompressSync(head.subarray(HEADER_BYTES), { maxOutputLength: Math.max(1, size) });
    const reader = new Reader(content);
    const pictures = shardCodec.read(reader).map(checkedPicture);
    if (content.length !== size || reader.at !== size) throw damaged("its size is not what it claims");
    return pictures;
  } catch (cause) {
    throw cause instanceof AppError && cause.kind === "input"
      ? cause
      : damaged("its content does not read", cause);
  }
}

function checkedPicture(read: ReturnType<typeof pictureCodec.read>): PreparedPicture {
  const { id, width, height, originalWidth, originalHeight, differences } = read;
  for (const side of [width, height, originalWidth, originalHeight]) {
    if (side < 1 || side > PICTURE_SIDE_PX_MAX) throw damaged(`a picture of it has a side of ${side} pixels`);
  }
  if (differences.length !== width * height * 3)
    throw damaged(`${differences.length} B for ${width}x${height} pixels`);
  const labels = read.labels.map(({ classIndex, difficult, x1, y1, x2, y2 }): PreparedLabel => {
    const isBox = x1 >= 0 && y1 >= 0 && x2 <= 1 && y2 <= 1 && x1 < x2 && y1 < y2;
    if (!isBox || classIndex >= CLASS_COUNT_MAX) throw damaged("a label of it is out of bounds");
    return { classIndex, box: [x1, y1, x2, y2], ...(difficult && { difficult }) };
  });
  const picture = { width, height, data: fromDifferences(differences) };
  return { id, picture, originalWidth, originalHeight, labels };
}

/** Each sample less the one of the same channel a pixel before, modulo 256 (PNG's filter "Sub", over all rows). */
function toDifferences(data: Uint8Array): Uint8Array {
  const differences = new Uint8Array(data.length);
  differences.set(data.subarray(0, 3));
  for (let i = 3; i < data.length; i++) differences[i] = data[i]! - data[i - 3]!;
  return differences;
}

function fromDifferences(differences: Uint8Array): Uint8Array {
  const data = new Uint8Array(differences.length);
  data.set(differences.subarray(0, 3));
  for (let i = 3; i < data.length; i++) data[i] = differences[i]! + data[i - 3]!;
  return data;
}

function damaged(why: string, cause?: unknown): AppError {
  return new AppError("input", `the shard cannot be used: ${why}`, {
    cause,
    hint: "delete it; it is made again from the pictures",
  });
}
