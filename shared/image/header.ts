/**
 * What a picture file says of itself in its first bytes: format, size, orientation. Read without decoding anything,
 * so that a picture's claims are held against the limits before any memory is set aside for them.
 */

export type PictureFormat = "jpeg" | "png" | "gif" | "bmp" | "webp" | "tiff" | "avif" | "netpbm";

export interface PictureHeader {
  readonly format: PictureFormat;
  /** Pixels as stored, before `orientation`; 0 for the formats whose size only the decoder knows (see `sizeKnown`). */
  readonly width: number;
  readonly height: number;
  /** False for WebP, TIFF and AVIF: ask the decoder. */
  readonly sizeKnown: boolean;
  /** EXIF 2.32 tag 0x0112: 1 as stored; 2 to 8 mirrored and turned; 5 to 8 swap width and height. */
  readonly orientation: number;
}

/** Bytes from a file's start that hold the header of nearly every picture. */
export const HEADER_SIZE_BYTES = 64 * 1024;

/**
 * The header in `bytes`, which may be only the start of the file. `undefined` when it is no picture Vigía reads;
 * `"short"` when it is one, and its size lies beyond these bytes.
 */
export function readHeader(bytes: Uint8Array): PictureHeader | "short" | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (starts(bytes, 0xff, 0xd8, 0xff)) return jpegHeader(view);
  if (starts(bytes, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return pngHeader(view);
  if (ascii(bytes, 0, 4) === "GIF8") {
    return view.byteLength < 10 ? "short" : known("gif", view.getUint16(6, true), view.getUint16(8, true));
  }
  if (ascii(bytes, 0, 2) === "BM") {
    if (view.byteLength < 26) return "short";
    // A negative height means rows from top to bottom.
    return known("bmp", view.getInt32(18, true), Math.abs(view.getInt32(22, true)));
  }
  if (ascii(bytes, 0, 4) === "RIFF" && ascii(bytes, 8, 12) === "WEBP") return unknownSize("webp");
  if (starts(bytes, 0x49, 0x49, 0x2a, 0) || starts(bytes, 0x4d, 0x4d, 0, 0x2a)) return unknownSize("tiff");
  if (ascii(bytes, 4, 8) === "ftyp" && /^avi[fs]/.test(ascii(bytes, 8, 12))) return unknownSize("avif");
  if (/^P[2356]\s/.test(ascii(bytes, 0, 3))) {
    const fields = netpbmFields(bytes);
    return fields === undefined ? "short" : known("netpbm", fields.width, fields.height);
  }
  return undefined;
}

/** Whether pictures of this orientation are stored with width and height exchanged. */
export function isTurned(orientation: number): boolean {
  return orientation >= 5;
}

/** The text header of a PGM or PPM file (netpbm's pgm(5), ppm(5)); `dataAt` is where the samples begin. */
export interface NetpbmFields {
  readonly kind: "P2" | "P3" | "P5" | "P6";
  readonly width: number;
  readonly height: number;
  readonly maxValue: number;
  readonly dataAt: number;
}

/** @returns `undefined` when the header is not complete or not in form */
export function netpbmFields(bytes: Uint8Array): NetpbmFields | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 4096)).toString(
    "latin1",
  );
  const gap = "(?:\\s|#[^\\n\\r]*[\\n\\r])+";
  const form = new RegExp(`^(P[2356])${gap}(\\d{1,6})${gap}(\\d{1,6})${gap}(\\d{1,5})\\s`);
  const found = form.exec(head);
  if (found === null) return undefined;
  const [all, kind, width, height, maxValue] = found;
  return {
    kind: kind as NetpbmFields["kind"],
    width: Number(width),
    height: Number(height),
    maxValue: Number(maxValue),
    dataAt: all.length,
  };
}

function known(format: PictureFormat, width: number, height: number, orientation = 1): PictureHeader {
  return { format, width, height, sizeKnown: true, orientation };
}

function unknownSize(format: PictureFormat): PictureHeader {
  return { format, width: 0, height: 0, sizeKnown: false, orientation: 1 };
}

/** ITU-T T.81 annex B: walk the segments to the scan, noting the frame's size and an EXIF segment on the way. */
function jpegHeader(view: DataView): PictureHeader | "short" | undefined {
  let orientation = 1;
  let size: readonly [width: number, height: number] | undefined;
  // Of a frame whose size is known, EXIF may follow.
  const header = () => size && known("jpeg", ...size, orientation);
  for (let at = 2; at + 4 <= view.byteLength; ) {
    const marker = view.getUint8(at + 1);
    // Decoders pass over stray bytes before a marker, and fill bytes.
    if (view.getUint8(at) !== 0xff || marker === 0xff || marker === 0) {
      at++;
      continue;
    }
    if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += 2; // these stand alone
      continue;
    }
    const length = view.getUint16(at + 2);
    if (length < 2 || marker === 0xd9 || marker === 0xda) return header();
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) {
      if (at + 9 > view.byteLength) return "short";
      size = [view.getUint16(at + 7), view.getUint16(at + 5)];
    }
    if (marker === 0xe1 && orientation === 1 && at + 10 <= view.byteLength) {
      const isExif = view.getUint32(at + 4) === 0x45786966 && view.getUint16(at + 8) === 0;
      const end = Math.min(at + 2 + length, view.byteLength);
      if (isExif) orientation = exifOrientation(view, at + 10, end);
    }
    at += 2 + length;
  }
  return header() ?? "short";
}

/** PNG (third edition) 11.2.2 IHDR; and eXIf, which decoders honour, when it comes before the pixels. */
function pngHeader(view: DataView): PictureHeader | "short" | undefined {
  if (view.byteLength < 33) return "short";
  if (view.getUint32(12) !== 0x49484452) return undefined;
  let orientation = 1;
  for (let at = 33; at + 8 <= view.byteLength; ) {
    const length = view.getUint32(at);
    const type = view.getUint32(at + 4);
    if (type === 0x65584966) {
      orientation = exifOrientation(view, at + 8, Math.min(at + 8 + length, view.byteLength));
    }
    if (type === 0x49444154) break;
    at += 12 + length;
  }
  return known("png", view.getUint32(16), view.getUint32(20), orientation);
}

/** The orientation in the first directory of a TIFF block (TIFF 6.0 section 2); 1 when it is not there or not sane. */
function exifOrientation(view: DataView, from: number, to: number): number {
  if (from + 8 > to) return 1;
  const little = view.getUint16(from) === 0x4949;
  const directory = from + view.getUint32(from + 4, little);
  if (directory + 2 > to) return 1;
  const count = view.getUint16(directory, little);
  for (let i = 0; i < count; i++) {
    const entry = directory + 2 + 12 * i;
    if (entry + 12 > to) return 1;
    if (view.getUint16(entry, little) !== 0x0112) continue;
    const value = view.getUint16(entry + 8, little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

function starts(bytes: Uint8Array, ...magic: number[]): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}

function ascii(bytes: Uint8Array, from: number, to: number): string {
  return String.fromCharCode(...bytes.subarray(from, to));
}
