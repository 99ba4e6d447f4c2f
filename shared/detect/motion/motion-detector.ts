import type { Box } from "../types.ts";
import { blobBoxes } from "./blobs.ts";
import type { GreyPicture } from "./grey.ts";
import { sharedStructure } from "./structure.ts";

/**
 * What a frame shows beside the one before it. `calibrating`: the background is being learned. `lights`: the light
 * has changed over the whole picture, and what stood there still does. `cut`: another scene.
 */
export interface Motion {
  readonly kind: "calibrating" | "still" | "moving" | "lights" | "cut";
  /** Where something moves, in shares of the picture, the largest first; only when `moving`. */
  readonly boxes: readonly Box[];
}

/** Grey levels above the sensor's noise that count as a change. */
const CHANGE_MIN = 12;
const CHANGE_MAX = 40;
/** The same in standard deviations of the noise. */
const CHANGE_DEVIATIONS = 5;
/** Changed pixels next to each other that are motion. */
const AREA_MIN_PX = 6;
/** Beyond so many places the largest are enough. */
const BOXES_MAX = 12;
/** More of the picture than this does not move at once: the light has changed, or the scene. */
const SUDDEN_SHARE = 0.5;
/** Of two frames of one scene, so much at least shows the same; by night, with a bus before the camera, three quarters. */
const SAME_SCENE_SHARE = 0.25;
/** Calibration ends when so little changes, or at the latest after `CALIBRATE_MAX_MS`. */
const SETTLED_SHARE = 0.05;
const CALIBRATE_MIN_MS = 1000;
const CALIBRATE_MAX_MS = 8000;
/** Time constants with which the background follows: while calibrating, where nothing moves, where something does. */
const LEARN_FAST_MS = 300;
const LEARN_MS = 6000;
const LEARN_MOVING_MS = 40_000;

/**
 * Finds where the picture of one camera changes: by the distance of each pixel from a running background, measured
 * against the sensor's own noise, after a change of brightness that is the same everywhere is taken out.
 */
export class MotionDetector {
  #background: Float32Array | undefined;
  #last: GreyPicture | undefined;
  #mask: Uint8Array | undefined;
  #masks: readonly ((x: number, y: number) => boolean)[];
  #noise = 2;
  #calibratingSinceMs: number | undefined;
  #atMs = 0;

  /** @param masks places to leave out: each says of a point, in shares of the picture, whether it covers it */
  constructor(masks: readonly ((x: number, y: number) => boolean)[] = []) {
    this.#masks = masks;
  }

  /** Leaves other places out from now on. */
  useMasks(masks: readonly ((x: number, y: number) => boolean)[]): void {
    this.#masks = masks;
    this.#mask = undefined;
  }

  /**
   * @param picture as `forMotion` gives it
   * @param atMs never earlier than the last
   * @param isCut whether it is known to be another scene
   */
  step(picture: GreyPicture, atMs: number, isCut = false): Motion {
    const last = this.#last;
    this.#last = picture;
    const elapsedMs = Math.max(1, atMs - this.#atMs);
    this.#atMs = atMs;
    if (isCut || last?.width !== picture.width || last.height !== picture.height) {
      this.#mask = undefined;
      this.#restart(picture);
      return { kind: last === undefined ? "calibrating" : "cut", boxes: [] };
    }
    const changed = this.#changes(picture);
    const share = changed.count / Math.max(1, changed.considered);
    // Two scenes with plain backgrounds differ by a shift of brightness and a few things: not in most pixels.
    const isSame = share <= SETTLED_SHARE || sharedStructure(last, picture) >= SAME_SCENE_SHARE;
    if (share > SUDDEN_SHARE || !isSame) {
      const kind = isSame ? "lights" : "cut";
      // A background that is merely out of date does not mean that this frame differs from the last.
      this.#restart(picture);
      return { kind, boxes: [] };
    }
    const since = this.#calibratingSinceMs;
    if (since !== undefined) {
      const lasted = atMs - since;
      if ((lasted >= CALIBRATE_MIN_MS && share < SETTLED_SHARE) || lasted > CALIBRATE_MAX_MS) {
        this.#calibratingSinceMs = undefined;
      }
      this.#learn(picture, changed.mask, elapsedMs, LEARN_FAST_MS, LEARN_FAST_MS);
      return { kind: "calibrating", boxes: [] };
    }
    this.#learn(picture, changed.mask, elapsedMs, LEARN_MS, LEARN_MOVING_MS);
    const { width, height } = picture;
    const boxes = blobBoxes(changed.mask, width, height, AREA_MIN_PX)
      .slice(0, BOXES_MAX)
      .map((box): Box => [box[0] / width, box[1] / height, box[2] / width, box[3] / height]);
    return { kind: boxes.length > 0 ? "moving" : "still", boxes };
  }

  #restart({ grey }: GreyPicture): void {
    this.#background = Float32Array.from(grey);
    this.#calibratingSinceMs = this.#atMs;
  }

  /** Which pixels have left the background behind; masked ones never have. */
  #changes({ grey, width, height }: GreyPicture): {
    readonly mask: Uint8Array;
    readonly count: number;
    readonly considered: number;
  } {
    const background = this.#background!;
    this.#mask ??= this.#drawMask(width, height);
    const hidden = this.#mask;
    const differences = new Uint16Array(511);
    let considered = 0;
    // Here `| 0` rounds as Math.round does, in a fraction of the time.
    for (let i = 0; i < grey.length; i++) {
      if (hidden[i] === 1) continue;
      considered++;
      differences[(grey[i]! - background[i]! + 255.5) | 0]!++;
    }
    const shift = medianOf(differences, considered) - 255;
    const deviations = new Uint16Array(512);
    const limit = Math.min(CHANGE_MAX, Math.max(CHANGE_MIN, CHANGE_DEVIATIONS * this.#noise));
    const mask = new Uint8Array(grey.length);
    let count = 0;
    for (let i = 0; i < grey.length; i++) {
      if (hidden[i] === 1) continue;
      const distance = Math.abs(grey[i]! - background[i]! - shift);
      deviations[Math.min(511, (2 * distance + 0.5) | 0)]!++;
      if (distance > limit) {
        mask[i] = 1;
        count++;
      }
    }
    // The median of absolute deviations times 1.4826 is the standard deviation of normal noise.
    const noise = (1.4826 * medianOf(deviations, considered)) / 2;
    this.#noise += 0.1 * (Math.min(noise, CHANGE_MAX) - this.#noise);
    return { mask, count, considered };
  }

  #learn(
    { grey }: GreyPicture,
    changed: Uint8Array,
    elapsedMs: number,
    stillMs: number,
    movingMs: number,
  ): void {
    const background = this.#background!;
    const still = 1 - Math.exp(-elapsedMs / stillMs);
    const moving = 1 - Math.exp(-elapsedMs / movingMs);
    for (let i = 0; i < grey.length; i++) {
      background[i]! += (changed[i] === 1 ? moving : still) * (grey[i]! - background[i]!);
    }
  }

  #drawMask(width: number, height: number): Uint8Array {
    const mask = new Uint8Array(width * height);
    if (this.#masks.length === 0) return mask;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [atX, atY] = [(x + 0.5) / width, (y + 0.5) / height];
        if (this.#masks.some((covers) => covers(atX, atY))) mask[y * width + x] = 1;
      }
    }
    return mask;
  }
}

/** The place in a histogram that half of `count` lie at or below. */
function medianOf(histogram: Uint16Array, count: number): number {
  let left = count / 2;
  for (let place = 0; place < histogram.length; place++) {
    left -= histogram[place]!;
    if (left <= 0) return place;
  }
  return 0;
}
