import type { Art } from "./art/art.ts";
import { AsyncCache } from "./cache.ts";
import type { SceneKind } from "./scenes/scene.ts";
import { renderScenery, type Scenery } from "./scenes/scenery.ts";
import { renderSprite, type Sprite } from "./sprite.ts";

/** Poses of one cycle that are drawn; more would not be seen at ten frames a second. */
const PHASE_COUNT = 8;

/** Sprites are drawn at one of these heights of the view box, so that near sizes share one. */
const SPRITE_HEIGHTS_PX = [48, 64, 96, 128, 192, 256, 384] as const;

/** Sprites that were drawn, the ones used last: drawing one takes milliseconds. */
export class Sprites {
  readonly #kept: AsyncCache<Sprite>;

  constructor(sizeBytesMax: number) {
    this.#kept = new AsyncCache(sizeBytesMax, ({ levels }) =>
      levels.reduce((sum, { data }) => sum + data.length, 0),
    );
  }

  /**
   * One individual of `art` in one pose.
   *
   * @param style names the individual
   * @param phase any number; its fraction is the point of the cycle
   * @param heightPx the view box's height as it will be shown; above 384 px the sprite has to be enlarged
   */
  get(art: Art, style: string, phase: number, heightPx: number): Promise<Sprite> {
    const pose = Math.floor((phase - Math.floor(phase)) * PHASE_COUNT) % PHASE_COUNT;
    const height =
      SPRITE_HEIGHTS_PX.find((step) => step >= heightPx) ?? SPRITE_HEIGHTS_PX[SPRITE_HEIGHTS_PX.length - 1]!;
    // Arts of one class share a name; their view boxes tell them apart.
    const key = `${art.name} ${art.width}x${art.height} ${style} ${pose} ${height}`;
    return this.#kept.get(key, () => renderSprite(art, style, pose / PHASE_COUNT, height));
  }
}

/** What comes again in many pictures: clutter, and the individuals of training pictures. */
export const commonSprites = new Sprites(96 * 1024 * 1024);

const sceneries = new AsyncCache<Scenery>(64 * 1024 * 1024, ({ picture }) => picture.data.length);

/** A scene at noon, drawn or from the cache. */
export function sceneryOf(kind: SceneKind, seed: string, heightPx: number): Promise<Scenery> {
  return sceneries.get(`${kind} ${seed} ${heightPx}`, () => renderScenery(kind, seed, heightPx));
}
