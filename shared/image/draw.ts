import type { Box } from "../detect/types.ts";
import { decodePicture, encodeJpeg } from "./codec.ts";
import { GLYPH_HEIGHT, GLYPH_WIDTH, glyphsOf } from "./font.ts";
import type { Picture } from "./types.ts";

/** A box to draw and what to write on it. */
export interface LabelledBox {
  /** Pixels of the picture. */
  readonly box: Box;
  readonly label: string;
  /** 0 to 1; written after the label as a percentage. */
  readonly score?: number;
  /** Boxes of one number get one colour; without it, boxes of one label do. */
  readonly classIndex?: number;
}

export type Colour = readonly [red: number, green: number, blue: number];

/**
 * A JPEG of the picture with each box drawn on it: a line in the class's colour between two dark ones, and a plate
 * with name and score, so that both are readable on any background. Needs no font of the system.
 *
 * @param source a picture, or the bytes of a picture file
 * @param quality of the JPEG, 1 to 100
 */
export async function drawDetections(
  source: Picture | Uint8Array,
  boxes: readonly LabelledBox[],
  { quality = 85 }: { quality?: number } = {},
): Promise<Uint8Array> {
  const decoded = source instanceof Uint8Array ? await decodePicture(source) : source;
  const { width, height } = decoded;
  const picture = { width, height, data: source instanceof Uint8Array ? decoded.data : decoded.data.slice() };
  drawBoxes(picture, boxes);
  return await encodeJpeg(picture, quality);
}

/** Draws into the picture itself. Larger boxes first, so that none hides a smaller one's label. */
export function drawBoxes(picture: Picture, boxes: readonly LabelledBox[]): void {
  const size = (item: LabelledBox) => (item.box[2] - item.box[0]) * (item.box[3] - item.box[1]);
  const ordered = boxes.filter((item) => item.box.every(Number.isFinite)).sort((a, b) => size(b) - size(a));
  const dot = Math.max(1, Math.round(Math.max(picture.width, picture.height) / 640));
  for (const item of ordered) outline(picture, item.box, dot, colourOf(item));
  for (const item of ordered) plate(picture, item, dot);
}

/** A colour of its own for each class: hues a golden angle apart, so that neighbours differ. */
export function classColour(classIndex: number): Colour {
  const hue = (classIndex * 137.508 + 35) % 360;
  const lightness = 0.55 + 0.12 * (Math.floor(classIndex / 7) % 2);
  return hslToRgb(hue, 0.85, lightness);
}

function colourOf(item: LabelledBox): Colour {
  if (item.classIndex !== undefined) return classColour(item.classIndex);
  let hash = 0;
  for (const character of item.label) hash = (Math.imul(hash, 31) + character.codePointAt(0)!) >>> 0;
  return classColour(hash % 97);
}

const DARK: Colour = [16, 16, 16];
const LIGHT: Colour = [255, 255, 255];

function outline(picture: Picture, box: Box, dot: number, colour: Colour): void {
  // The box may reach over the picture's edge; its line is drawn along the edge then.
  const left = Math.max(0, Math.round(box[0]));
  const top = Math.max(0, Math.round(box[1]));
  const right = Math.min(picture.width, Math.round(box[2]));
  const bottom = Math.min(picture.height, Math.round(box[3]));
  if (right <= left || bottom <= top) return;
  frame(picture, left, top, right, bottom, 4 * dot, DARK);
  frame(picture, left + dot, top + dot, right - dot, bottom - dot, 2 * dot, colour);
}

function frame(
  picture: Picture,
  left: number,
  top: number,
  right: number,
  bottom: number,
  thick: number,
  colour: Colour,
): void {
  fill(picture, left, top, right, Math.min(bottom, top + thick), colour);
  fill(picture, left, Math.max(top, bottom - thick), right, bottom, colour);
  fill(picture, left, top, Math.min(right, left + thick), bottom, colour);
  fill(picture, Math.max(left, right - thick), top, right, bottom, colour);
}

function plate(picture: Picture, item: LabelledBox, dot: number): void {
  const score = item.score === undefined ? "" : ` ${Math.round(item.score * 100)}%`;
  const scale = 2 * dot;
  const letterWidth = (GLYPH_WIDTH + 1) * scale;
  const margin = scale;
  const room = Math.max(1, Math.floor((picture.width - 2 * margin) / letterWidth));
  const glyphs = glyphsOf(shortened(item.label, room - score.length) + score).slice(0, room);
  const width = glyphs.length * letterWidth - scale + 2 * margin;
  const height = GLYPH_HEIGHT * scale + 2 * margin;
  const left = Math.max(0, Math.min(Math.round(item.box[0]), picture.width - width));
  const above = Math.round(item.box[1]) - height;
  const top = Math.max(0, Math.min(above >= 0 ? above : Math.round(item.box[1]), picture.height - height));
  const colour = colourOf(item);
  fill(picture, left, top, left + width, top + height, colour);
  const ink = luma(colour) > 140 ? DARK : LIGHT;
  glyphs.forEach((glyph, place) => {
    const x0 = left + margin + place * letterWidth;
    glyph.forEach((row, y) => {
      for (let x = 0; x < GLYPH_WIDTH; x++) {
        if ((row & (1 << (GLYPH_WIDTH - 1 - x))) === 0) continue;
        const dotLeft = x0 + x * scale;
        const dotTop = top + margin + y * scale;
        fill(picture, dotLeft, dotTop, dotLeft + scale, dotTop + scale, ink);
      }
    });
  });
}

function shortened(label: string, room: number): string {
  return label.length <= room ? label : `${label.slice(0, Math.max(0, room - 2))}..`;
}

/** Fills a rectangle, clipped to the picture. */
function fill(
  picture: Picture,
  left: number,
  top: number,
  right: number,
  bottom: number,
  colour: Colour,
): void {
  const { width, height, data } = picture;
  const x2 = Math.min(width, right);
  const y2 = Math.min(height, bottom);
  for (let y = Math.max(0, top); y < y2; y++) {
    for (let x = Math.max(0, left); x < x2; x++) data.set(colour, (y * width + x) * 3);
  }
}

/** Rec. 601 brightness, 0 to 255. */
function luma([red, green, blue]: Colour): number {
  return 0.299 * red + 0.587 * green + 0.114 * blue;
}

/** Hue in degrees; saturation and lightness 0 to 1 (CSS Color 4, section 7.1). */
function hslToRgb(hue: number, saturation: number, lightness: number): Colour {
  const amplitude = saturation * Math.min(lightness, 1 - lightness);
  const channel = (n: number) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (lightness - amplitude * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}
