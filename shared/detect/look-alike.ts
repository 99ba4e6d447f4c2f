import { decodePicture } from "../image/codec.ts";
import { crop, resizeBilinear } from "../image/resize.ts";
import type { Picture } from "../image/types.ts";
import { sharedStructure } from "./motion/structure.ts";
import type { Box } from "./types.ts";

/** A thing in a photo. */
export interface Shown {
  readonly jpeg: Uint8Array;
  /** In pixels of the photo. */
  readonly box: Box;
}

/** Both things are made so large: finer than that is noise. */
const SIDE_PX = 48;
/** So much of the two must show the same structure... */
const SAME_STRUCTURE_SHARE = 0.6;
/** ... in the same colours: mean distance of their red and blue from grey, in levels, tile by tile. */
const COLOUR_DISTANCE_MAX = 14;
const COLOUR_TILES = 3;
/** Standard deviation of grey levels below which there is nothing to compare. */
const FLAT_DEVIATION = 6;

/**
 * Whether two photos seem to show the very same thing, standing as it stood: by the structure of its parts, whatever
 * the brightness, and by their colours. Where little is to be seen, the answer is no.
 */
export async function looksAlike(before: Shown, now: Shown): Promise<boolean> {
  const [one, other] = await Promise.all([before, now].map(cutOut));
  return isAlike(one!, other!);
}

/** The same of two pictures of things, both [48, 48]. */
export function isAlike(one: Picture, other: Picture): boolean {
  const [a, b] = [greyOf(one), greyOf(other)];
  if (deviationOf(a.grey) < FLAT_DEVIATION || deviationOf(b.grey) < FLAT_DEVIATION) return false;
  return sharedStructure(a, b) >= SAME_STRUCTURE_SHARE && colourDistance(one, other) <= COLOUR_DISTANCE_MAX;
}

async function cutOut({ jpeg, box }: Shown): Promise<Picture> {
  return resizeBilinear(crop(await decodePicture(jpeg), box), SIDE_PX, SIDE_PX);
}

function greyOf({ width, height, data }: Picture): { width: number; height: number; grey: Uint8Array } {
  const grey = Uint8Array.from(
    { length: width * height },
    (_, i) => 0.299 * data[3 * i]! + 0.587 * data[3 * i + 1]! + 0.114 * data[3 * i + 2]!,
  );
  return { width, height, grey };
}

function deviationOf(grey: Uint8Array): number {
  const mean = grey.reduce((sum, level) => sum + level, 0) / grey.length;
  return Math.sqrt(grey.reduce((sum, level) => sum + (level - mean) ** 2, 0) / grey.length);
}

function colourDistance(one: Picture, other: Picture): number {
  const [a, b] = [colours(one), colours(other)];
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
}

/** Red minus green and blue minus green, on average over each tile. */
function colours({ width, height, data }: Picture): number[] {
  const sums = new Array<number>(2 * COLOUR_TILES ** 2).fill(0);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const row = Math.floor((y * COLOUR_TILES) / height);
      const tile = 2 * (row * COLOUR_TILES + Math.floor((x * COLOUR_TILES) / width));
      const at = 3 * (y * width + x);
      sums[tile]! += data[at]! - data[at + 1]!;
      sums[tile + 1]! += data[at + 2]! - data[at + 1]!;
    }
  }
  return sums.map((sum) => (sum * COLOUR_TILES ** 2) / (width * height));
}
