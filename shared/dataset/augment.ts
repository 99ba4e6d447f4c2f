import type { Random } from "../base/random.ts";
import type { Box } from "../detect/types.ts";
import { LETTERBOX_GREY } from "../image/resize.ts";
import type { Picture } from "../image/types.ts";
import { type ColourTransform, colourTransform, Painter, type Placement, type Rectangle } from "./painter.ts";

/** How far training pictures may move from what is on disk. All ranges are drawn evenly, scales evenly in their log. */
export interface Augmentation {
  /** Share of pictures made of four. */
  readonly mosaic: number;
  /** Scale of each of the four, in multiples of the size at which it would fill the canvas. */
  readonly mosaicScale: readonly [least: number, most: number];
  /** Scale of a picture alone. */
  readonly scale: readonly [least: number, most: number];
  /** Width over height changes by up to this share, both ways. */
  readonly aspect: number;
  /** A picture alone is moved by up to this share of the canvas. */
  readonly shift: number;
  /** Share of pictures mirrored left to right. */
  readonly mirror: number;
  /** Strength of the changes of hue, saturation, contrast and brightness; 1 is the usual, 0 none. */
  readonly colour: number;
  /** A box of which less is left in the picture is forgotten. */
  readonly visibleMin: number;
  /** `letterbox` keeps a picture's form and leaves bars; `stretch` fills the canvas. */
  readonly fit: "letterbox" | "stretch";
}

/** A labelled picture in memory, ready to be drawn from; boxes in shares of the sides, 0 to 1. */
export interface TrainingPicture {
  readonly full: Picture;
  readonly half: Picture;
  readonly labels: readonly { readonly classIndex: number; readonly box: Box }[];
}

/** A label on a training canvas, in its pixels. */
export interface CanvasLabel {
  readonly classIndex: number;
  readonly box: Box;
}

/** Boxes that lose a side to less than this are forgotten, in pixels. */
const SIDE_PX_MIN = 2;

/**
 * Draws training pictures: one picture, or a mosaic of four (Bochkovskiy et al. 2020), scaled, moved, mirrored and
 * recoloured. All choices come from the `random` that is handed in, so the same stream gives the same picture.
 */
export class Augmenter {
  readonly #pictures: readonly TrainingPicture[];
  readonly #settings: Augmentation;
  readonly #width: number;
  readonly #height: number;
  readonly #painter: Painter;

  /** @param canvas its size in pixels */
  constructor(
    pictures: readonly TrainingPicture[],
    settings: Augmentation,
    canvas: { readonly width: number; readonly height: number },
  ) {
    this.#pictures = pictures;
    this.#settings = settings;
    this.#width = canvas.width;
    this.#height = canvas.height;
    this.#painter = new Painter(canvas.width);
  }

  /**
   * @param index of the picture that is drawn (in a mosaic, that is one of the four)
   * @param mosaicOf how many of the pictures, from the first, may join it in a mosaic; 0 for no mosaic
   * @param canvas [height, width, 3], overwritten
   */
  draw(random: Random, index: number, mosaicOf: number, canvas: Uint8ClampedArray): CanvasLabel[] {
    const mosaic = random.chance(this.#settings.mosaic) && mosaicOf > 0;
    const colours = drawColours(random, this.#settings.colour);
    this.#painter.fill(canvas, LETTERBOX_GREY, colours);
    return mosaic
      ? this.#drawMosaic(random, index, mosaicOf, canvas, colours)
      : this.#drawAlone(random, index, canvas, colours);
  }

  #drawAlone(
    random: Random,
    index: number,
    canvas: Uint8ClampedArray,
    colours: ColourTransform,
  ): CanvasLabel[] {
    const { shift, scale } = this.#settings;
    const picture = this.#pictures[index]!;
    const [width, height] = this.#drawSize(random, picture, scale);
    const at: Placement = {
      left: (this.#width - width) / 2 + random.between(-shift, shift) * this.#width,
      top: (this.#height - height) / 2 + random.between(-shift, shift) * this.#height,
      width,
      height,
      mirrored: random.chance(this.#settings.mirror),
    };
    const clip = { left: 0, top: 0, right: this.#width, bottom: this.#height };
    return this.#place(picture, canvas, clip, at, colours);
  }

  #drawMosaic(
    random: Random,
    index: number,
    mosaicOf: number,
    canvas: Uint8ClampedArray,
    colours: ColourTransform,
  ): CanvasLabel[] {
    const x = Math.floor(random.between(0.3, 0.7) * this.#width);
    const y = Math.floor(random.between(0.3, 0.7) * this.#height);
    const tiles: Rectangle[] = [
      { left: 0, top: 0, right: x, bottom: y },
      { left: x, top: 0, right: this.#width, bottom: y },
      { left: 0, top: y, right: x, bottom: this.#height },
      { left: x, top: y, right: this.#width, bottom: this.#height },
    ];
    return tiles.flatMap((tile, i) => {
      const picture = this.#pictures[i === 0 ? index : random.below(mosaicOf)]!;
      const [width, height] = this.#drawSize(random, picture, this.#settings.mosaicScale);
      const at: Placement = {
        left: tile.left + random.unit() * (tile.right - tile.left - width),
        top: tile.top + random.unit() * (tile.bottom - tile.top - height),
        width,
        height,
        mirrored: random.chance(this.#settings.mirror),
      };
      return this.#place(picture, canvas, tile, at, colours);
    });
  }

  #drawSize(
    random: Random,
    { full }: TrainingPicture,
    range: readonly [number, number],
  ): [width: number, height: number] {
    const scale = Math.exp(random.between(Math.log(range[0]), Math.log(range[1])));
    const aspect = random.between(1 - this.#settings.aspect, 1 + this.#settings.aspect);
    let wide = this.#width / full.width;
    let high = this.#height / full.height;
    if (this.#settings.fit === "letterbox") wide = high = Math.min(wide, high);
    return [full.width * wide * scale * aspect, (full.height * high * scale) / aspect];
  }

  #place(
    picture: TrainingPicture,
    canvas: Uint8ClampedArray,
    clip: Rectangle,
    at: Placement,
    colours: ColourTransform,
  ): CanvasLabel[] {
    const painted = this.#painter.paint(canvas, clip, picture, at, colours);
    if (painted === undefined) return [];
    const labels: CanvasLabel[] = [];
    for (const { classIndex, box } of picture.labels) {
      const visible = visibleBox(placedBox(box, at), painted, this.#settings.visibleMin);
      if (visible !== undefined) labels.push({ classIndex, box: visible });
    }
    return labels;
  }
}

function placedBox(box: Box, at: Placement): Box {
  const x1 = at.mirrored ? 1 - box[2] : box[0];
  const x2 = at.mirrored ? 1 - box[0] : box[2];
  return [
    at.left + x1 * at.width,
    at.top + box[1] * at.height,
    at.left + x2 * at.width,
    at.top + box[3] * at.height,
  ];
}

function visibleBox(box: Box, clip: Rectangle, visibleMin: number): Box | undefined {
  const x1 = Math.max(box[0], clip.left);
  const y1 = Math.max(box[1], clip.top);
  const x2 = Math.min(box[2], clip.right);
  const y2 = Math.min(box[3], clip.bottom);
  if (x2 - x1 <= SIDE_PX_MIN || y2 - y1 <= SIDE_PX_MIN) return undefined;
  const share = ((x2 - x1) * (y2 - y1)) / ((box[2] - box[0]) * (box[3] - box[1]));
  return share >= visibleMin ? [x1, y1, x2, y2] : undefined;
}

/**
 * Hue, saturation, contrast and brightness as one matrix and an offset: a rotation and scaling of I and Q in the YIQ
 * colour space (NTSC 1953), which leaves grey grey, then contrast about 45% grey, then brightness.
 */
function drawColours(random: Random, strength: number): ColourTransform {
  const angle = random.between(-0.06, 0.06) * strength * Math.PI;
  const around = (range: number): number => random.between(1 - range * strength, 1 + range * strength);
  const saturation = around(0.5);
  const contrast = around(0.3);
  const brightness = around(0.3);
  const cos = saturation * Math.cos(angle);
  const sin = saturation * Math.sin(angle);
  const matrix: number[] = [];
  for (const [fromI, fromQ] of RGB_FROM_IQ) {
    for (let channel = 0; channel < 3; channel++) {
      const i = I_FROM_RGB[channel]!;
      const q = Q_FROM_RGB[channel]!;
      const value = LUMA[channel]! + fromI * (cos * i - sin * q) + fromQ * (sin * i + cos * q);
      matrix.push(value * contrast * brightness);
    }
  }
  return colourTransform(matrix, 255 * 0.45 * (1 - contrast) * brightness);
}

const LUMA = [0.299, 0.587, 0.114] as const;
const I_FROM_RGB = [0.5959, -0.2746, -0.3213] as const;
const Q_FROM_RGB = [0.2115, -0.5227, 0.3112] as const;
const RGB_FROM_IQ = [
  [0.956, 0.619],
  [-0.272, -0.647],
  [-1.106, 1.703],
] as const;
