import type { Random } from "../../../base/random.ts";
import type { Art, Motion } from "../art/art.ts";
import type { Lamp } from "../light.ts";
import type { Texture } from "../texture.ts";

/** Scenes are drawn in a view box of this size. */
export const SCENE_WIDTH = 640;
export const SCENE_HEIGHT = 360;

/** Least and most of a picture's height that a thing on its ground may take. */
const HEIGHT_SHARE_MIN = 0.1;
const HEIGHT_SHARE_MAX = 0.66;

export type SceneKind = "street" | "park" | "table" | "room" | "belt" | "wall";

/** Ground that things move on: where their feet may be, and how large they are there. Scene units. */
export interface Ground {
  readonly top: number;
  readonly bottom: number;
  /** Scene units to a metre at the top and at the bottom: between them in proportion, as on flat ground. */
  readonly scaleTop: number;
  readonly scaleBottom: number;
}

/** Clutter that stands in a scene. */
export interface Prop {
  readonly art: Art;
  readonly style: string;
  /** Its foot, scene units. */
  readonly x: number;
  readonly y: number;
  /** Scene units to one unit of the drawing. */
  readonly scale: number;
}

/** A place without the things that come and go. */
export interface SceneDrawing {
  readonly kind: SceneKind;
  readonly indoors: boolean;
  /** SVG of what is opaque and gets the textures, then of what lies over them. */
  readonly back: string;
  readonly textures: readonly Texture[];
  readonly front: string;
  /** Lamps in shares of the height. */
  readonly lamps: readonly Lamp[];
  readonly grounds: { readonly drive: Ground; readonly walk: Ground; readonly rest: Ground };
  readonly props: readonly Prop[];
}

/** Scene units to a metre where a foot stands at `y`. */
export function groundScale(ground: Ground, y: number): number {
  const share = (y - ground.top) / Math.max(1, ground.bottom - ground.top);
  return ground.scaleTop + (ground.scaleBottom - ground.scaleTop) * share;
}

/** Clutter on a ground, drawn in perspective. */
export function propsOn(
  random: Random,
  arts: readonly Art[],
  ground: Ground,
  count: number,
  size = 1,
): Prop[] {
  return Array.from({ length: count }, () => {
    const art = random.pick(arts);
    const y = random.between(ground.top, ground.bottom);
    const metres = (groundScale(ground, y) * art.heightMetres * size * random.between(0.8, 1.2)) / art.height;
    return {
      art,
      style: String(random.below(12)),
      x: random.between(-10, SCENE_WIDTH + 10),
      y,
      scale: metres,
    };
  });
}

/** Where things that move in this way go in a scene. */
export function groundFor(scene: SceneDrawing, motion: Motion): Ground {
  if (motion === "drives") return scene.grounds.drive;
  return motion === "walks" || motion === "flies" ? scene.grounds.walk : scene.grounds.rest;
}

/**
 * Scale of a drawing in a view: what perspective says, within what can be told and still fits the picture.
 *
 * @param metre pixels to a metre where it stands; @param heightPx of the picture
 * @returns pixels to one unit of the drawing
 */
export function fittedScale(art: Art, metre: number, heightPx: number): number {
  const shown = Math.max(
    HEIGHT_SHARE_MIN * heightPx,
    Math.min(HEIGHT_SHARE_MAX * heightPx, metre * art.heightMetres),
  );
  return shown / art.height;
}
