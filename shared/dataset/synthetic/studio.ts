import type { Art } from "./art/art.ts";
import { AsyncCache } from "./cache.ts";
import type { SceneKind } from "./scenes/scene.ts";
import { renderScenery, type Scenery } from "./scenes/scenery.ts";
import { renderSprite, type Sprite } from "./sprite.ts";

/** Poses of one cycle that are drawn; more would not be seen at ten frames a second. */
const PHASE_COUNT = 8;

/** Sprites are drawn at one of these heights of the view box, so that near sizes share one. */
const SPRITE_HEIGHTS_PX = [48, 64, 96, 128, 192, 256, 384] as const;

const sprites = new AsyncCache<Sprite>(96 * 1024 * 1024, (sprite) =>
  sprite.levels.reduce((sum, level) => sum + level.data.length, 0),
);
const sceneries = new AsyncCache<Scenery>(64 * 1024 * 1024, (scenery) => scenery.picture.data.length);

/**
 * One individual of `art` in one pose, drawn or from the cache: drawing takes milliseconds.
 *
 * @param style names the individual
 * @param phase any number; its fraction is the point of the cycle
 * @param heightPx the view box's height as it will be shown; above 384 px the sprite has to be enlarged
 */
export function spriteOf(art: Art, style: string, phase: number, heightPx: number): Promise<Sprite> {
  const pose = Math.floor((phase - Math.floor(phase)) * PHASE_COUNT) % PHASE_COUNT;
  const height =
    SPRITE_HEIGHTS_PX.find((step) => step >= heightPx) ?? SPRITE_HEIGHTS_PX[SPRITE_HEIGHTS_PX.length - 1]!;
  // Arts of one class share a name; their view boxes tell them apart.
  const key = `${art.name} ${art.width}x${art.height} ${style} ${pose} ${height}`;
  return sprites.get(key, () => renderSprite(art, style, pose / PHASE_COUNT, height));
}

/** A scene at noon, drawn or from the cache. */
export function sceneryOf(kind: SceneKind, seed: string, heightPx: number): Promise<Scenery> {
  return sceneries.get(`${kind} ${seed} ${heightPx}`, () => renderScenery(kind, seed, heightPx));
}
