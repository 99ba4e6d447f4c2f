import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { AppError } from "../base/errors.ts";
import { PICTURE_AREA_PX_MAX, PICTURE_FILE_BYTES_MAX, PICTURE_SIDE_PX_MAX } from "../base/limits.ts";
import { bytesText } from "../base/text.ts";
import { HEADER_SIZE_BYTES, isTurned, type PictureHeader, readHeader } from "./header.ts";
import { decodeNetpbm } from "./netpbm.ts";
import { openSharp } from "./sharp.ts";
import type { Picture } from "./types.ts";

export interface DecodeOptions {
  /** The longest side of the result, in pixels; a smaller picture is not enlarged. */
  readonly maxSide?: number;
  /** Luma only: the three channels come out equal. */
  readonly grey?: boolean;
}

/** A picture with the size it has in its file, turned upright. */
export interface DecodedPicture extends Picture {
  readonly originalWidth: number;
  readonly originalHeight: number;
}

const FORMATS = "JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF, PGM and PPM";

/**
 * Decodes a picture file to RGB, upright by its EXIF orientation. Of an animation the first frame; transparency on
 * white; CMYK, grey, palette and 16 bits all come out as 8-bit sRGB.
 *
 * @throws {AppError} `input` naming what is wrong: empty, no picture, cut short, larger than the limits
 */
export async function decodePicture(bytes: Uint8Array, options: DecodeOptions = {}): Promise<DecodedPicture> {
  const header = await checkedHeader(bytes);
  const { width, height } = uprightSize(header);
  const picture = await decodeChecked(bytes, header, options);
  return { ...picture, originalWidth: width, originalHeight: height };
}

/** `decodePicture` of a file; what goes wrong names it. */
export async function decodePictureFile(path: string, options?: DecodeOptions): Promise<DecodedPicture> {
  try {
    return await decodePicture(await readPictureFile(path), options);
  } catch (cause) {
    throw pictureError(path, cause);
  }
}

/**
 * Bytes of a picture file, refused before they are read when there are too many.
 *
 * @throws {AppError} `input` when there is no such file, it may not be read, or it is no plain file
 */
export async function readPictureFile(path: string): Promise<Uint8Array> {
  await using file = await openPlainFile(path);
  return await file.readFile();
}

async function openPlainFile(path: string): Promise<FileHandle> {
  // Without O_NONBLOCK, opening a named pipe that nobody writes to would wait for ever.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((cause) => {
    throw new AppError("input", `the picture ${path} cannot be opened`, { cause });
  });
  try {
    const facts = await file.stat();
    if (!facts.isFile()) throw new AppError("input", `${path} is not a file`);
    if (facts.size > PICTURE_FILE_BYTES_MAX) throw tooManyBytes(facts.size);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A picture's size once it is turned upright, and the orientation its file notes (EXIF, 1 to 8). */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
  readonly orientation: number;
}

/**
 * A picture file's upright size. Reads its header only, where that says enough.
 *
 * @throws {AppError} `input` naming the file, as `decodePicture`, for what the header shows
 */
export async function pictureFileSize(path: string): Promise<PictureSize> {
  try {
    await using file = await openPlainFile(path);
    const start = Buffer.alloc(HEADER_SIZE_BYTES);
    const { bytesRead } = await file.read(start, 0, start.length, 0);
    const bytes = start.subarray(0, bytesRead);
    const isWhole = bytesRead < start.length;
    const header = readHeader(bytes);
    const isEnough = isWhole || header === undefined || (header !== "short" && header.sizeKnown);
    return uprightSize(await checkedHeader(isEnough ? bytes : await file.readFile()));
  } catch (cause) {
    throw pictureError(path, cause);
  }
}

function uprightSize({ width, height, orientation }: PictureHeader): PictureSize {
  return isTurned(orientation)
    ? { width: height, height: width, orientation }
    : { width, height, orientation };
}

/**
 * A baseline JPEG.
 *
 * @param quality 1 to 100; 80 is right for photos that people look at
 */
export async function encodeJpeg(picture: Picture, quality: number): Promise<Uint8Array> {
  const sharp = await openSharp();
  const { width, height, data } = picture;
  return await sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: PICTURE_AREA_PX_MAX })
    .jpeg({ quality })
    .toBuffer();
}

/** A PNG, lossless. */
export async function encodePng(picture: Picture): Promise<Uint8Array> {
  const sharp = await openSharp();
  const { width, height, data } = picture;
  return await sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: PICTURE_AREA_PX_MAX })
    .png({ compressionLevel: 6 })
    .toBuffer();
}

/** Throws unless a picture of this size may be decoded. Every decoder's claims go through here. */
function checkPictureSize(width: number, height: number): void {
  const sane = width >= 1 && height >= 1;
  if (!sane) throw new AppError("input", `the picture claims a size of ${width}x${height} pixels`);
  if (Math.max(width, height) > PICTURE_SIDE_PX_MAX || width * height > PICTURE_AREA_PX_MAX) {
    throw new AppError("input", `the picture is too large: ${width}x${height} pixels`, {
      hint: `a side may have ${PICTURE_SIDE_PX_MAX} pixels, the picture ${PICTURE_AREA_PX_MAX / 1e6} million; scale it down first`,
    });
  }
}

async function checkedHeader(bytes: Uint8Array): Promise<PictureHeader> {
  if (bytes.length === 0) throw new AppError("input", "the picture file is empty");
  if (bytes.length > PICTURE_FILE_BYTES_MAX) throw tooManyBytes(bytes.length);
  const header = readHeader(bytes);
  if (header === "short") throw new AppError("input", "the picture is cut short");
  if (header === undefined) {
    throw new AppError("input", "this is not a picture Vigía can read", { hint: `it reads ${FORMATS}` });
  }
  const whole = header.sizeKnown ? header : await headerFromDecoder(bytes, header);
  checkPictureSize(whole.width, whole.height);
  return whole;
}

async function headerFromDecoder(bytes: Uint8Array, header: PictureHeader): Promise<PictureHeader> {
  const sharp = await openSharp();
  try {
    const { width, height, pageHeight, orientation } = await sharp(bytes, {
      limitInputPixels: false,
    }).metadata();
    return { ...header, width, height: pageHeight ?? height, orientation: orientation ?? 1, sizeKnown: true };
  } catch (cause) {
    throw decodeError(cause);
  }
}

async function decodeChecked(
  bytes: Uint8Array,
  header: PictureHeader,
  options: DecodeOptions,
): Promise<Picture> {
  try {
    return await decodeStrictly(bytes, header, options, "warning");
  } catch (cause) {
    const error = cause instanceof AppError ? cause : decodeError(cause);
    // The decoder's warnings tell a cut picture that was closed with an end marker. They also tell of stray bytes
    // that harm nothing and that cheap cameras write, so any other complaint gets a second hearing.
    if (error.message.includes("cut short")) throw error;
    return await decodeStrictly(bytes, header, options, "error").catch((again) => {
      throw again instanceof AppError ? again : decodeError(again);
    });
  }
}

async function decodeStrictly(
  bytes: Uint8Array,
  header: PictureHeader,
  { maxSide, grey }: DecodeOptions,
  failOn: "warning" | "error",
): Promise<Picture> {
  const sharp = await openSharp();
  // Two formats that libvips as sharp ships it does not know.
  const netpbm = header.format === "netpbm" ? decodeNetpbm(bytes) : undefined;
  const source = header.format === "bmp" ? await new Bun.Image(bytes).png().bytes() : bytes;
  let image =
    netpbm === undefined
      ? sharp(source, { failOn, limitInputPixels: PICTURE_AREA_PX_MAX, autoOrient: true })
      : sharp(netpbm.data, { raw: { width: netpbm.width, height: netpbm.height, channels: 3 } });
  if (maxSide !== undefined) {
    image = image.resize({ width: maxSide, height: maxSide, fit: "inside", withoutEnlargement: true });
  }
  image = image.flatten({ background: "white" });
  if (grey === true) image = image.greyscale();
  const { data, info } = await image
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  const rgb = info.channels === 3 ? data : toThreeChannels(data, info.channels);
  return { width: info.width, height: info.height, data: rgb };
}

/** sharp gives one channel for some grey pictures; every `Picture` has three. */
function toThreeChannels(data: Uint8Array, channels: number): Uint8Array {
  const pixels = data.length / channels;
  const rgb = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) rgb.fill(data[i * channels]!, 3 * i, 3 * i + 3);
  return rgb;
}

function tooManyBytes(bytes: number): AppError {
  return new AppError(
    "input",
    `the picture file is too large: ${bytesText(bytes)}, at most ${bytesText(PICTURE_FILE_BYTES_MAX)}`,
  );
}

function decodeError(cause: unknown): AppError {
  const text = cause instanceof Error ? cause.message : String(cause);
  const cut = /premature end|truncated|unexpected end|end of (file|stream)|not enough data|read error/i.test(
    text,
  );
  return new AppError("input", cut ? "the picture is cut short" : "the picture is damaged", { cause });
}

function pictureError(path: string, cause: unknown): AppError {
  if (!(cause instanceof AppError)) return new AppError("bug", `decoding ${path} failed`, { cause });
  if (cause.message.includes(path)) return cause;
  return new AppError(cause.kind, `${path}: ${cause.message}`, { cause: cause.cause, hint: cause.hint });
}
