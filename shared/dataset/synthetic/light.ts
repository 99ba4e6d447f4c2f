import type { Random } from "../../base/random.ts";
import type { Picture } from "../../image/types.ts";
import type { Gain } from "./canvas.ts";

/** A lamp that is on: a warm glow about a place, in shares of the picture's height from its left top corner. */
export interface Lamp {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

/** How a scene is lit and how well the camera sees it. */
export interface Light {
  readonly name: string;
  readonly gain: Gain;
  /** About mid grey; 1 leaves it. */
  readonly contrast: number;
  /** Strength of the scene's lamps, 0 for off. */
  readonly lamps: number;
  /** Standard deviation of the sensor's noise, in steps of 0..255. */
  readonly noise: number;
  /** 0 is sharp, 1 a lens out of focus. */
  readonly softness: number;
}

interface Mood {
  readonly name: string;
  readonly gain: Gain;
  readonly contrast: number;
  readonly lamps: number;
  readonly noise: number;
}

const OUTDOOR: readonly Mood[] = [
  { name: "overcast", gain: [0.86, 0.9, 0.97], contrast: 0.88, lamps: 0, noise: 4 },
  { name: "dusk", gain: [0.9, 0.7, 0.66], contrast: 0.95, lamps: 0.35, noise: 5 },
  { name: "sun", gain: [1.08, 1.02, 0.92], contrast: 1.08, lamps: 0, noise: 2 },
  { name: "day", gain: [1, 1, 1], contrast: 1, lamps: 0, noise: 3 },
  { name: "night", gain: [0.42, 0.46, 0.62], contrast: 0.95, lamps: 1, noise: 8 },
];

const INDOOR: readonly Mood[] = [
  { name: "daylight", gain: [1, 1, 1.02], contrast: 1, lamps: 0, noise: 3 },
  { name: "tube", gain: [0.93, 1, 0.96], contrast: 0.95, lamps: 0, noise: 4 },
  { name: "lamp", gain: [1.02, 0.9, 0.74], contrast: 1, lamps: 0.35, noise: 5 },
  { name: "evening", gain: [0.66, 0.58, 0.54], contrast: 0.95, lamps: 0.7, noise: 7 },
];

/** @param turn picks the mood in order; by chance when absent */
export function randomLight(random: Random, indoors: boolean, turn?: number): Light {
  const moods = indoors ? INDOOR : OUTDOOR;
  const mood = turn === undefined ? random.pick(moods) : moods[turn % moods.length]!;
  const level = random.between(0.9, 1.1);
  const [red, green, blue] = mood.gain;
  return {
    name: mood.name,
    gain: [
      red * level * random.between(0.97, 1.03),
      green * level,
      blue * level * random.between(0.97, 1.03),
    ],
    contrast: mood.contrast * random.between(0.94, 1.06),
    lamps: mood.lamps,
    noise: mood.noise * random.between(0.5, 1.3),
    softness: random.chance(0.3) ? random.between(0.3, 1) : 0,
  };
}

/** The light that falls on a thing at a place of the picture, in pixels. */
export function lightAt(light: Light, lamps: readonly Lamp[], x: number, y: number, heightPx: number): Gain {
  if (light.lamps === 0) return light.gain;
  const glow = light.lamps * glowAt(lamps, x / heightPx, y / heightPx);
  const [red, green, blue] = light.gain;
  return [red + 0.55 * glow, green + 0.46 * glow, blue + 0.26 * glow];
}

/** A picture drawn at noon, as `light` shows it. */
export function lit(picture: Picture, light: Light, lamps: readonly Lamp[]): Picture {
  const { width, height } = picture;
  const data = picture.data.slice();
  const tables = light.gain.map((gain) => toneTable(gain, light.contrast));
  for (let channel = 0; channel < 3; channel++) {
    const table = tables[channel]!;
    for (let at = channel; at < data.length; at += 3) data[at] = table[data[at]!]!;
  }
  if (light.lamps > 0 && lamps.length > 0) addGlow(picture, data, light, lamps);
  const result = { width, height, data };
  return light.softness > 0 ? blurred(result, light.softness) : result;
}

/** Adds a sensor's noise in place. @param moment picks the noise: another for each frame */
export function addNoise(picture: Picture, deviation: number, moment: number): void {
  if (deviation < 0.5) return;
  const noise = noiseTable(Math.round(deviation));
  const data = new Uint8ClampedArray(picture.data.buffer, picture.data.byteOffset, picture.data.length);
  let at = (Math.imul(moment | 0, 0x9e3779b1) >>> 8) & NOISE_MASK;
  for (let i = 0; i < data.length; i++) {
    data[i] = data[i]! + noise[at]!;
    at = (at + 1) & NOISE_MASK;
  }
}

/** A blur over three by three pixels. @param strength 0 leaves it, 1 is the binomial 1 2 1 */
export function blurred(picture: Picture, strength: number): Picture {
  const { width, height, data } = picture;
  const side = Math.round(64 * strength);
  const middle = 256 - 2 * side;
  const across = new Uint8Array(data.length);
  const stride = 3 * width;
  for (let y = 0; y < height; y++) {
    const row = y * stride;
    for (let i = 0; i < stride; i++) {
      const before = i >= 3 ? data[row + i - 3]! : data[row + i]!;
      const after = i + 3 < stride ? data[row + i + 3]! : data[row + i]!;
      across[row + i] = (data[row + i]! * middle + (before + after) * side + 128) >> 8;
    }
  }
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    const row = y * stride;
    const above = y > 0 ? row - stride : row;
    const below = y + 1 < height ? row + stride : row;
    for (let i = 0; i < stride; i++) {
      out[row + i] =
        (across[row + i]! * middle + (across[above + i]! + across[below + i]!) * side + 128) >> 8;
    }
  }
  return { width, height, data: out };
}

function addGlow(noon: Picture, data: Uint8Array, light: Light, lamps: readonly Lamp[]): void {
  const { width, height } = noon;
  // The glow is smooth: one value for each four by four pixels will do.
  for (let top = 0; top < height; top += 4) {
    for (let left = 0; left < width; left += 4) {
      const glow = light.lamps * glowAt(lamps, (left + 2) / height, (top + 2) / height);
      if (glow < 0.005) continue;
      for (let y = top; y < Math.min(height, top + 4); y++) {
        const end = 3 * (y * width + Math.min(width, left + 4));
        for (let at = 3 * (y * width + left); at < end; at += 3) {
          // What is lit, and a little haze in front of it.
          data[at] = Math.min(255, data[at]! + glow * (noon.data[at]! * 0.55 + 22));
          data[at + 1] = Math.min(255, data[at + 1]! + glow * (noon.data[at + 1]! * 0.46 + 17));
          data[at + 2] = Math.min(255, data[at + 2]! + glow * (noon.data[at + 2]! * 0.26 + 6));
        }
      }
    }
  }
}

function glowAt(lamps: readonly Lamp[], x: number, y: number): number {
  let sum = 0;
  for (const lamp of lamps) {
    const far = ((x - lamp.x) ** 2 + (y - lamp.y) ** 2) / lamp.radius ** 2;
    if (far < 1) sum += (1 - far) ** 2;
  }
  return Math.min(1.3, sum);
}

function toneTable(gain: number, contrast: number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, value) =>
    Math.max(0, Math.min(255, Math.round(((value - 128) * contrast + 128) * gain))),
  );
}

const NOISE_MASK = 0xffff;
const noiseTables = new Map<number, Int8Array>();

/** Rounded normal numbers, 65,536 of them: enough that no pattern shows. */
function noiseTable(deviation: number): Int8Array {
  let table = noiseTables.get(deviation);
  if (table === undefined) {
    table = new Int8Array(NOISE_MASK + 1);
    let state = 0x2545f491 ^ deviation;
    const next = () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 0) / 2 ** 32;
    };
    for (let i = 0; i < table.length; i++) {
      // The sum of four uniform numbers is near enough to normal for noise.
      const value = (next() + next() + next() + next() - 2) * Math.sqrt(3) * deviation;
      table[i] = Math.max(-127, Math.min(127, Math.round(value)));
    }
    noiseTables.set(deviation, table);
  }
  return table;
}
