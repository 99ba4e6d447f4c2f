import { crop, resizeBilinear } from "../../image/resize.ts";
import type { Picture } from "../../image/types.ts";
import { type Light, lit } from "./light.ts";
import { SCENE_HEIGHT, SCENE_WIDTH } from "./scenes/scene.ts";
import type { Scenery } from "./scenes/scenery.ts";
import { type Actor, NO_TINT, type Stage } from "./stage.ts";
import { commonSprites } from "./studio.ts";

/** The part of a scene that a picture shows. */
export interface View {
  readonly scenery: Scenery;
  /** The left top corner, scene units. */
  readonly left: number;
  readonly top: number;
  /** Pixels to one scene unit. */
  readonly zoom: number;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

/**
 * A view of `share` of a scene's height, or of less when the picture is wide.
 *
 * @param x and @param y where it lies, 0 at the left and the top, 1 at the right and the bottom
 */
export function viewOf(
  scenery: Scenery,
  size: { readonly width: number; readonly height: number },
  share: number,
  x: number,
  y: number,
): View {
  const { width, height } = size;
  const across = Math.min(SCENE_WIDTH, (share * SCENE_HEIGHT * width) / height);
  const down = (across * height) / width;
  // A picture taller than the scene shows less of its width.
  const fit = Math.min(1, SCENE_HEIGHT / down);
  return {
    scenery,
    left: (SCENE_WIDTH - across * fit) * x,
    top: (SCENE_HEIGHT - down * fit) * y,
    zoom: width / (across * fit),
    width,
    height,
  };
}

/** A view's stage: the backdrop lit, its clutter in place. */
export async function openStage(view: View, light: Light): Promise<Stage> {
  const { scenery, left, top, zoom, height } = view;
  const lamps = scenery.lamps.map((lamp) => ({
    x: ((lamp.x * SCENE_HEIGHT - left) * zoom) / height,
    y: ((lamp.y * SCENE_HEIGHT - top) * zoom) / height,
    radius: (lamp.radius * SCENE_HEIGHT * zoom) / height,
  }));
  return { backdrop: lit(viewPicture(view), light, lamps), light, lamps, props: await propsIn(view) };
}

/** Pixels of a place in the scene. */
export function toView(view: View, x: number, y: number): { readonly x: number; readonly y: number } {
  return { x: (x - view.left) * view.zoom, y: (y - view.top) * view.zoom };
}

function viewPicture({ scenery, left, top, zoom, width, height }: View): Picture {
  const scale = scenery.scale;
  const { picture } = scenery;
  const x1 = Math.round(left * scale);
  const y1 = Math.round(top * scale);
  const x2 = Math.min(picture.width, x1 + Math.round((width / zoom) * scale));
  const y2 = Math.min(picture.height, y1 + Math.round((height / zoom) * scale));
  const whole = x1 === 0 && y1 === 0 && x2 === picture.width && y2 === picture.height;
  const part = whole ? picture : crop(picture, [x1, y1, x2, y2]);
  return part.width === width && part.height === height ? part : resizeBilinear(part, width, height);
}

async function propsIn(view: View): Promise<Actor[]> {
  return await Promise.all(
    view.scenery.props.map(async ({ art, style, x, y, scale }) => {
      const sprite = await commonSprites.get(art, style, 0, scale * view.zoom * art.height);
      const at = toView(view, x, y);
      const stance = { ...at, scale: scale * view.zoom, mirrored: false, angle: 0 };
      return { sprite, stance, depth: at.y, shadow: true, tint: NO_TINT };
    }),
  );
}
