import type { Box } from "../../shared/detect/types.ts";
import { visitOf } from "./visits.ts";

/** Enough that whoever reads it while it is written sees half of it. */
const SIZE_BYTES_MIN = 1_000_000;

/** Bytes that tell which photo they are, and whether they are all of it. */
export function numberedPhoto(number: number): Uint8Array {
  return new Uint8Array(SIZE_BYTES_MIN + number).fill(1 + (number % 250));
}

/** The number of a whole photo; `undefined` where these bytes are none. */
export function numberOf(photo: Uint8Array): number | undefined {
  const number = photo.length - SIZE_BYTES_MIN;
  return number >= 0 && Buffer.from(numberedPhoto(number)).equals(photo) ? number : undefined;
}

/** What a row says that has the photo of this number: `box[2]` is the number. */
export function numberedSighting(number: number): ReturnType<typeof visitOf> {
  const box: Box = [0, 0, number, 1];
  return visitOf({ box });
}
