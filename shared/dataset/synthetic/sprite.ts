import { Random } from "../../base/random.ts";
import { openSharp } from "../../image/sharp.ts";
import type { Art } from "./art/art.ts";
import { svgDocument } from "./art/svg.ts";

/** One size of a sprite: RGBA with colours multiplied by alpha, and a clear border of one pixel all round. */
export interface SpriteLevel {
  /** With the border. */
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
  /** Drawing units that one pixel covers, across and down. */
  readonly unitsX: number;
  readonly unitsY: number;
}

/** A drawing turned into pixels once, trimmed to what is not clear, at its full size and at halves of it. */
export interface Sprite {
  readonly art: Art;
  /** The trimmed part in the drawing's units. */
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  /** Largest first. */
  readonly levels: readonly SpriteLevel[];
  /** Area of what is at least half opaque, in square drawing units. */
  readonly solidArea: number;
}

/** Alpha from which a pixel counts as the thing itself: half covered. */
export const SOLID_ALPHA = 128;

const LEVEL_SIDE_PX_MIN = 24;

/**
 * Draws one individual of `art`.
 *
 * @param style names the individual: its colours and proportions
 * @param phase 0 to 1, the point of its motion's cycle
 * @param heightPx of the whole view box
 */
export async function renderSprite(
  art: Art,
  style: string,
  phase: number,
  heightPx: number,
): Promise<Sprite> {
  const widthPx = Math.max(1, Math.round((heightPx * art.width) / art.height));
  const content = art.draw(new Random("style", art.name, style), phase);
  const sharp = await openSharp();
  const svg = svgDocument(art.width, art.height, widthPx, heightPx, content);
  const pixels = await sharp(Buffer.from(svg)).ensureAlpha().raw().toBuffer();
  return trimmedSprite(art, pixels, widthPx, heightPx);
}

function trimmedSprite(art: Art, pixels: Uint8Array, widthPx: number, heightPx: number): Sprite {
  let [left, top, right, bottom] = [widthPx, heightPx, 0, 0];
  let solid = 0;
  for (let y = 0; y < heightPx; y++) {
    for (let x = 0; x < widthPx; x++) {
      const alpha = pixels[4 * (y * widthPx + x) + 3]!;
      if (alpha < 8) continue;
      if (alpha >= SOLID_ALPHA) solid++;
      if (x < left) left = x;
      if (x >= right) right = x + 1;
      if (y < top) top = y;
      bottom = y + 1;
    }
  }
  if (right <= left) [left, top, right, bottom] = [0, 0, 1, 1];
  const unitsX = art.width / widthPx;
  const unitsY = art.height / heightPx;
  const levels = [premultiplied(pixels, widthPx, left, top, right, bottom, unitsX, unitsY)];
  for (;;) {
    const last = levels[levels.length - 1]!;
    if (Math.max(last.width, last.height) < 2 * LEVEL_SIDE_PX_MIN) break;
    levels.push(halved(last));
  }
  return {
    art,
    left: left * unitsX,
    top: top * unitsY,
    right: right * unitsX,
    bottom: bottom * unitsY,
    levels,
    solidArea: solid * unitsX * unitsY,
  };
}

function premultiplied(
  pixels: Uint8Array,
  stride: number,
  left: number,
  top: number,
  right: number,
  bottom: number,
  unitsX: number,
  unitsY: number,
): SpriteLevel {
  const width = right - left + 2;
  const height = bottom - top + 2;
  const data = new Uint8Array(width * height * 4);
  for (let y = top; y < bottom; y++) {
    let from = 4 * (y * stride + left);
    let to = 4 * ((y - top + 1) * width + 1);
    for (let x = left; x < right; x++, from += 4, to += 4) {
      const alpha = pixels[from + 3]!;
      data[to] = (pixels[from]! * alpha + 127) / 255;
      data[to + 1] = (pixels[from + 1]! * alpha + 127) / 255;
      data[to + 2] = (pixels[from + 2]! * alpha + 127) / 255;
      data[to + 3] = alpha;
    }
  }
  return { width, height, data, unitsX, unitsY };
}

/** The mean of each two by two pixels; what is left over at the right and the bottom meets clear pixels. */
function halved(source: SpriteLevel): SpriteLevel {
  const width = Math.ceil((source.width - 2) / 2) + 2;
  const height = Math.ceil((source.height - 2) / 2) + 2;
  const data = new Uint8Array(width * height * 4);
  for (let y = 1; y < height - 1; y++) {
    const upper = 2 * y - 1;
    const lower = Math.min(upper + 1, source.height - 1);
    for (let x = 1; x < width - 1; x++) {
      const leftX = 2 * x - 1;
      const rightX = Math.min(leftX + 1, source.width - 1);
      for (let c = 0; c < 4; c++) {
        const sum =
          source.data[4 * (upper * source.width + leftX) + c]! +
          source.data[4 * (upper * source.width + rightX) + c]! +
          source.data[4 * (lower * source.width + leftX) + c]! +
          source.data[4 * (lower * source.width + rightX) + c]!;
        data[4 * (y * width + x) + c] = (sum + 2) >> 2;
      }
    }
  }
  return { width, height, data, unitsX: source.unitsX * 2, unitsY: source.unitsY * 2 };
}
