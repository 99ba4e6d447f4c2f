import { Random } from "../../base/random.ts";
import type { Picture } from "../../image/types.ts";

/** A grain over part of a picture: long cells across make wood, small round ones asphalt, tall ones grass. */
export interface Texture {
  /** Rows it covers, in shares of the height. */
  readonly top: number;
  readonly bottom: number;
  /** Size of a cell, in shares of the picture's height. */
  readonly cellX: number;
  readonly cellY: number;
  /** Brightness goes up and down by this share. */
  readonly strength: number;
}

const LATTICE_SIDE = 64;

/** Lays value noise in two octaves over a picture, in place. */
export function addTexture(picture: Picture, texture: Texture, seed: number): void {
  const { width, height, data } = picture;
  const lattice = latticeOf(seed);
  const top = Math.max(0, Math.round(texture.top * height));
  const bottom = Math.min(height, Math.round(texture.bottom * height));
  const stepX = 1 / Math.max(1, texture.cellX * height);
  const stepY = 1 / Math.max(1, texture.cellY * height);
  const coarse = new Float32Array(width);
  const fine = new Float32Array(width);
  const strength = 2 * texture.strength;
  for (let y = top; y < bottom; y++) {
    noiseRow(lattice, coarse, 0, stepX, y * stepY);
    noiseRow(lattice, fine, 17, 2.7 * stepX, 2.7 * y * stepY + 5);
    for (let x = 0, at = 3 * y * width; x < width; x++, at += 3) {
      const factor = 1 + strength * (0.65 * coarse[x]! + 0.35 * fine[x]! - 0.5);
      data[at] = Math.min(255, data[at]! * factor);
      data[at + 1] = Math.min(255, data[at + 1]! * factor);
      data[at + 2] = Math.min(255, data[at + 2]! * factor);
    }
  }
}

function latticeOf(seed: number): Float32Array {
  const random = new Random("lattice", seed);
  return Float32Array.from({ length: LATTICE_SIDE ** 2 }, () => random.unit());
}

/** A row of value noise, 0 to 1: random numbers on a lattice, and straight lines between them. */
function noiseRow(lattice: Float32Array, row: Float32Array, from: number, step: number, y: number): void {
  const mask = LATTICE_SIDE - 1;
  const line = Math.floor(y);
  const fy = y - line;
  const upper = (line & mask) * LATTICE_SIDE;
  const lower = ((line + 1) & mask) * LATTICE_SIDE;
  let cell = Number.NaN;
  let left = 0;
  let slope = 0;
  for (let i = 0, x = from; i < row.length; i++, x += step) {
    const column = Math.floor(x);
    if (column !== cell) {
      cell = column;
      const near = column & mask;
      const far = (column + 1) & mask;
      left = lattice[upper + near]! * (1 - fy) + lattice[lower + near]! * fy;
      slope = lattice[upper + far]! * (1 - fy) + lattice[lower + far]! * fy - left;
    }
    row[i] = left + slope * (x - column);
  }
}
