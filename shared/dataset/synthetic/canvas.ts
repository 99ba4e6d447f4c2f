import type { Box } from "../../detect/types.ts";
import type { Picture } from "../../image/types.ts";
import { SOLID_ALPHA, type Sprite, type SpriteLevel } from "./sprite.ts";

/** Where a sprite stands and how it is turned. */
export interface Stance {
  /** Pixels: where the middle of the view box's bottom edge comes to lie. */
  readonly x: number;
  readonly y: number;
  /** Pixels to one unit of the drawing. */
  readonly scale: number;
  /** Facing left. */
  readonly mirrored: boolean;
  /** Radians about (x, y), clockwise. */
  readonly angle: number;
}

/** Factors for red, green and blue. */
export type Gain = readonly [red: number, green: number, blue: number];

/** What of a thing is seen. */
export interface Visible {
  /** Tight about the pixels that are at least half the thing; right and bottom lie outside. */
  readonly box: Box;
  /** Of the whole thing, parts off the picture counted: 0 to 1. */
  readonly share: number;
}

/**
 * A picture being put together. Beside the colours it keeps for each pixel which thing it shows, so that a label is
 * counted from what is seen and not from what was meant.
 */
export class Canvas {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
  readonly #owners: Uint8Array;

  /** @param backdrop is copied */
  constructor(backdrop: Picture) {
    this.width = backdrop.width;
    this.height = backdrop.height;
    this.data = backdrop.data.slice();
    this.#owners = new Uint8Array(backdrop.width * backdrop.height);
  }

  /** The picture; it shares its bytes with the canvas. */
  get picture(): Picture {
    return { width: this.width, height: this.height, data: this.data };
  }

  /**
   * Lays a sprite over what is there, bilinear from the size nearest above.
   *
   * @param owner 1 to 255: who the pixels now belong to; 0 takes them from everyone (clutter)
   * @param softness 0 is sharp; 1 takes the next smaller sprite, as a lens out of focus would
   */
  draw(sprite: Sprite, stance: Stance, gain: Gain, owner: number, softness = 0): void {
    const level = levelFor(sprite, stance.scale, softness);
    const cos = Math.cos(stance.angle);
    const sin = Math.sin(stance.angle);
    const bounds = this.#bounds(sprite, stance);
    const side = stance.mirrored ? -1 : 1;
    // Pixel to place in the sprite, both affine: u = u0 + ux * px + uy * py, in the level's pixels with its border.
    const ux = (side * cos) / (stance.scale * level.unitsX);
    const uy = (side * sin) / (stance.scale * level.unitsX);
    const vx = -sin / (stance.scale * level.unitsY);
    const vy = cos / (stance.scale * level.unitsY);
    const u0 =
      (sprite.art.width / 2 - sprite.left) / level.unitsX +
      0.5 -
      (stance.x - 0.5) * ux -
      (stance.y - 0.5) * uy;
    const v0 =
      (sprite.art.height - sprite.top) / level.unitsY + 0.5 - (stance.x - 0.5) * vx - (stance.y - 0.5) * vy;
    const uMax = level.width - 1.001;
    const vMax = level.height - 1.001;
    for (let py = bounds.top; py < bounds.bottom; py++) {
      const uRow = u0 + uy * py;
      const vRow = v0 + vy * py;
      const [fromU, toU] = span(uRow, ux, uMax);
      const [fromV, toV] = span(vRow, vx, vMax);
      const from = Math.max(bounds.left, Math.ceil(Math.max(fromU, fromV)));
      const to = Math.min(bounds.right - 1, Math.floor(Math.min(toU, toV)));
      if (from <= to)
        this.#drawRow(
          level,
          py * this.width + from,
          to - from + 1,
          uRow + ux * from,
          vRow + vx * from,
          ux,
          vx,
          gain,
          owner,
        );
    }
  }

  /** Darkens the ground in a soft ellipse. @param depth 0 to 1, how dark at its middle */
  shade(x: number, y: number, radiusX: number, radiusY: number, depth: number): void {
    const { data } = this;
    this.#eachInEllipse(x, y, radiusX, radiusY, (at, far) => {
      const keep = 1 - depth * (1 - far);
      for (let c = at; c < at + 3; c++) data[c] = data[c]! * keep;
    });
  }

  /** Adds warm light in a soft ellipse. @param strength 0 to 1, how bright at its middle */
  glow(x: number, y: number, radiusX: number, radiusY: number, strength: number): void {
    const { data } = this;
    this.#eachInEllipse(x, y, radiusX, radiusY, (at, far) => {
      const more = strength * (1 - far) ** 2;
      data[at] = Math.min(255, data[at]! + 235 * more);
      data[at + 1] = Math.min(255, data[at + 1]! + 215 * more);
      data[at + 2] = Math.min(255, data[at + 2]! + 150 * more);
    });
  }

  /** What is seen of a thing that was drawn as `owner`; undefined when nothing is. */
  visible(owner: number, sprite: Sprite, stance: Stance): Visible | undefined {
    const bounds = this.#bounds(sprite, stance);
    let [left, top, right, bottom, count] = [this.width, this.height, 0, 0, 0];
    for (let py = bounds.top; py < bounds.bottom; py++) {
      const row = py * this.width;
      for (let px = bounds.left; px < bounds.right; px++) {
        if (this.#owners[row + px] !== owner) continue;
        count++;
        if (px < left) left = px;
        if (px >= right) right = px + 1;
        if (py < top) top = py;
        bottom = py + 1;
      }
    }
    if (count === 0) return undefined;
    const whole = sprite.solidArea * stance.scale ** 2;
    return { box: [left, top, right, bottom], share: Math.min(1, count / Math.max(1, whole)) };
  }

  /** @param paint gets a pixel's place in `data`, and the square of its distance: 0 in the middle, 1 on the rim */
  #eachInEllipse(
    x: number,
    y: number,
    radiusX: number,
    radiusY: number,
    paint: (at: number, far: number) => void,
  ): void {
    const top = Math.max(0, Math.ceil(y - radiusY));
    const bottom = Math.min(this.height - 1, Math.floor(y + radiusY));
    const left = Math.max(0, Math.ceil(x - radiusX));
    const right = Math.min(this.width - 1, Math.floor(x + radiusX));
    for (let py = top; py <= bottom; py++) {
      const dy = ((py - y) / radiusY) ** 2;
      for (let px = left; px <= right; px++) {
        const far = dy + ((px - x) / radiusX) ** 2;
        if (far < 1) paint(3 * (py * this.width + px), far);
      }
    }
  }

  #drawRow(
    level: SpriteLevel,
    pixel: number,
    count: number,
    uStart: number,
    vStart: number,
    ux: number,
    vx: number,
    gain: Gain,
    owner: number,
  ): void {
    const { data, width } = level;
    const out = this.data;
    const owners = this.#owners;
    const stride = 4 * width;
    const [red, green, blue] = gain;
    let u = uStart;
    let v = vStart;
    for (let i = 0, to = 3 * pixel; i < count; i++, to += 3, u += ux, v += vx) {
      const column = u | 0;
      const line = v | 0;
      const fx = u - column;
      const fy = v - line;
      const at = line * stride + 4 * column;
      const w11 = fx * fy;
      const w10 = fy - w11;
      const w01 = fx - w11;
      const w00 = 1 - fx - w10;
      const alpha =
        data[at + 3]! * w00 +
        data[at + 7]! * w01 +
        data[at + stride + 3]! * w10 +
        data[at + stride + 7]! * w11;
      if (alpha < 1) continue;
      const keep = 1 - alpha / 255;
      const r =
        data[at]! * w00 + data[at + 4]! * w01 + data[at + stride]! * w10 + data[at + stride + 4]! * w11;
      const g =
        data[at + 1]! * w00 +
        data[at + 5]! * w01 +
        data[at + stride + 1]! * w10 +
        data[at + stride + 5]! * w11;
      const b =
        data[at + 2]! * w00 +
        data[at + 6]! * w01 +
        data[at + stride + 2]! * w10 +
        data[at + stride + 6]! * w11;
      out[to] = Math.min(255, out[to]! * keep + r * red + 0.5);
      out[to + 1] = Math.min(255, out[to + 1]! * keep + g * green + 0.5);
      out[to + 2] = Math.min(255, out[to + 2]! * keep + b * blue + 0.5);
      if (alpha >= SOLID_ALPHA) owners[pixel + i] = owner;
    }
  }

  /** The pixels that the turned sprite may touch, cut to the picture. */
  #bounds(sprite: Sprite, stance: Stance): { left: number; top: number; right: number; bottom: number } {
    const [left, top, right, bottom] = stanceBox(sprite, stance);
    return {
      left: Math.max(0, Math.floor(left) - 1),
      top: Math.max(0, Math.floor(top) - 1),
      right: Math.min(this.width, Math.ceil(right) + 1),
      bottom: Math.min(this.height, Math.ceil(bottom) + 1),
    };
  }
}

/** The box about a sprite as it would be drawn, not cut to any picture. */
export function stanceBox(sprite: Sprite, stance: Stance): Box {
  const cos = Math.cos(stance.angle) * stance.scale;
  const sin = Math.sin(stance.angle) * stance.scale;
  const side = stance.mirrored ? -1 : 1;
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const u of [sprite.left, sprite.right]) {
    for (const v of [sprite.top, sprite.bottom]) {
      const dx = side * (u - sprite.art.width / 2);
      const dy = v - sprite.art.height;
      const x = stance.x + dx * cos - dy * sin;
      const y = stance.y + dx * sin + dy * cos;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
  }
  return [left, top, right, bottom];
}

function levelFor(sprite: Sprite, scale: number, softness: number): SpriteLevel {
  const wanted = 1 / scale;
  let best = 0;
  // A level may be enlarged by a fifth before that shows; so none is shrunk below 0.6, where pixels would be skipped.
  while (best + 1 < sprite.levels.length && sprite.levels[best + 1]!.unitsY <= wanted * (1.2 + softness))
    best++;
  return sprite.levels[best]!;
}

/** The whole range of pixels for which `start + step * pixel` stays in [0, max]. */
function span(start: number, step: number, max: number): [number, number] {
  if (Math.abs(step) < 1e-12) return start >= 0 && start <= max ? [-Infinity, Infinity] : [1, 0];
  const a = -start / step;
  const b = (max - start) / step;
  return a < b ? [a, b] : [b, a];
}
