import { availableParallelism } from "node:os";
import { AppError, errorLine } from "../base/errors.ts";
import { throwIfAborted } from "../base/wait.ts";
import { decodePicture, readPictureFile } from "../image/codec.ts";
import { resizeBilinear } from "../image/resize.ts";
import type { Picture } from "../image/types.ts";

/** Cells along each side of a signature. */
const SIDE = 16;
export const SIGNATURE_CELLS = SIDE * SIDE;
/** Decoded no larger than this: JPEG then skips most of its work. */
const DECODE_SIDE_PX = 64;

/**
 * A small perceptual hash: the picture's grey levels in 16x16 cells, less their mean, so that brightness plays no
 * part and the shape of the picture neither.
 */
export function signatureOf(picture: Picture): Float32Array {
  const { data } = resizeBilinear(picture, SIDE, SIDE);
  const cells = new Float32Array(SIGNATURE_CELLS);
  let sum = 0;
  for (let i = 0; i < SIGNATURE_CELLS; i++) {
    cells[i] = 0.299 * data[3 * i]! + 0.587 * data[3 * i + 1]! + 0.114 * data[3 * i + 2]!;
    sum += cells[i]!;
  }
  const mean = sum / SIGNATURE_CELLS;
  return cells.map((level) => level - mean);
}

/** What tells whether two picture files show the same. */
export interface Fingerprint {
  /** Of the file's bytes. */
  readonly hash: string;
  /** `undefined` of a picture that cannot be decoded. */
  readonly signature: Float32Array | undefined;
}

/** A picture file that was read whole. */
export interface ReadPicture extends Fingerprint {
  /** Why the picture cannot be decoded: its header alone did not show it. */
  readonly damage: string | undefined;
}

/**
 * Reads and decodes every picture: its content hash (SHA-256), its signature, and whether it is whole.
 *
 * @param onDone called after each picture with how many are done
 */
export async function fingerprintPictures(
  paths: readonly string[],
  { signal, onDone }: { readonly signal?: AbortSignal; readonly onDone?: (count: number) => void } = {},
): Promise<ReadPicture[]> {
  const read = new Array<ReadPicture>(paths.length);
  let next = 0;
  let done = 0;
  const lane = async (): Promise<void> => {
    while (next < paths.length) {
      throwIfAborted(signal, "looking for duplicates was stopped");
      const place = next++;
      read[place] = await fingerprint(paths[place]!);
      onDone?.(++done);
    }
  };
  await Promise.all(Array.from({ length: 2 * availableParallelism() }, lane));
  return read;
}

async function fingerprint(path: string): Promise<ReadPicture> {
  // A file that cannot even be read is like no other.
  let hash = `unread:${path}`;
  try {
    const bytes = await readPictureFile(path);
    hash = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
    const picture = await decodePicture(bytes, { maxSide: DECODE_SIDE_PX });
    return { hash, signature: signatureOf(picture), damage: undefined };
  } catch (error) {
    if (!(error instanceof AppError) || error.kind !== "input") throw error;
    return { hash, signature: undefined, damage: errorLine(error) };
  }
}
