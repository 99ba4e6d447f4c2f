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
  for (let y = top; y < bottom; y++) {
    for (let x = 0; x < width; x++) {
      const noise =
        valueNoise(lattice, x * stepX, y * stepY) * 0.65 +
        valueNoise(lattice, x * stepX * 2.7 + 17, y * stepY * 2.7 + 5) * 0.35;
      const factor = 1 + texture.strength * 2 * (noise - 0.5);
      const at = 3 * (y * width + x);
      for (let c = 0; c < 3; c++) data[at + c] = Math.min(255, data[at + c]! * factor);
    }
  }
}

function latticeOf(seed: number): Float32Array {
  const random = new Random("lattice", seed);
  return Float32Array.from({ length: LATTICE_SIDE ** 2 }, () => random.unit());
}

function valueNoise(lattice: Float32Array, x: number, y: number): number {
  const column = Math.floor(x);
  const row = Math.floor(y);
  const fx = x - column;
  const fy = y - row;
  const x0 = column & (LATTICE_SIDE - 1);
  const x1 = (column + 1) & (LATTICE_SIDE - 1);
  const y0 = (row & (LATTICE_SIDE - 1)) * LATTICE_SIDE;
  const y1 = ((row + 1) & (LATTICE_SIDE - 1)) * LATTICE_SIDE;
  const upper = lattice[y0 + x0]! * (1 - fx) + lattice[y0 + x1]! * fx;
  const lower = lattice[y1 + x0]! * (1 - fx) + lattice[y1 + x1]! * fx;
  return upper * (1 - fy) + lower * fy;
}
