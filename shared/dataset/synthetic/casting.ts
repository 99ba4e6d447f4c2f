import { Random } from "../../base/random.ts";
import { type Box, boxArea } from "../../detect/types.ts";
import type { Art } from "./art/art.ts";
import { artsOf } from "./art/catalogue.ts";
import { INDOOR_CLUTTER, OUTDOOR_CLUTTER } from "./art/clutter.ts";
import { riderOf } from "./art/rider.ts";
import { type Gain, type Stance, stanceBox } from "./canvas.ts";
import { fittedScale, groundFor, groundScale, type SceneKind } from "./scenes/scene.ts";
import { pickResident, residents } from "./scenes/scenery.ts";
import type { Sprite } from "./sprite.ts";
import { type Actor, NO_TINT } from "./stage.ts";
import { commonSprites } from "./studio.ts";
import { toView, type View } from "./view.ts";

/** An actor of a training picture; clutter has no class. */
export interface Extra extends Actor {
  readonly className: string | undefined;
}

/** Individuals of a class that one seed draws. */
const STYLE_COUNT = 48;
/** Sprites of training pictures are drawn once, with this longest side. */
const SPRITE_SIDE_PX = 256;
const PLACE_ATTEMPTS = 8;

/** The class that a seed's picture is about: every class once in each `classes.length` pictures, in changing order. */
export function classAt(seed: number, index: number, classes: readonly string[]): string {
  const turn = Math.floor(index / classes.length);
  const order = new Random("classes", seed, turn).permutation(classes.length);
  return classes[order[index % classes.length]!]!;
}

/** Names the things of a picture: often one or two, at times none, at most eight. */
export function castOf(random: Random, first: string, kind: SceneKind, classes: readonly string[]): string[] {
  const roll = random.unit();
  const count =
    roll < 0.07
      ? 0
      : roll < 0.38
        ? 1
        : roll < 0.62
          ? 2
          : roll < 0.78
            ? 3
            : roll < 0.88
              ? 4
              : 5 + random.below(4);
  if (count === 0) return [];
  const fitting = residents(kind, classes);
  const more = Array.from({ length: count - 1 }, () =>
    fitting.length > 0 && random.chance(0.7) ? pickResident(random, fitting) : random.pick(classes),
  );
  return [first, ...more];
}

/**
 * A thing on its ground in perspective, or anywhere where it does not belong; with a rider when it needs one. Nothing
 * when no free place was found.
 *
 * @param whole wholly inside the picture, and alone
 */
export async function castThing(
  random: Random,
  seed: number,
  view: View,
  name: string,
  classes: readonly string[],
  others: readonly Extra[],
  whole: boolean,
): Promise<Extra[]> {
  const art = random.pick(artsOf(name));
  const styleNumber = random.below(STYLE_COUNT);
  const style = `${seed}-${styleNumber}`;
  const phase = styleNumber * 0.377;
  const sprite = await commonSprites.get(art, style, phase, spriteHeight(art));
  const belongs = !whole && view.scenery.kind !== "wall" && residents(view.scenery.kind, [name]).length > 0;
  const tint = randomTint(random);
  for (let attempt = 0; attempt < PLACE_ATTEMPTS; attempt++) {
    const { stance, depth } =
      belongs && random.chance(0.85) ? onGround(random, view, art) : anywhere(random, view, sprite, whole);
    const box = stanceBox(sprite, stance);
    if (insideShare(box, view) < (whole ? 1 : 0.4)) continue;
    if (
      others.some(
        (other) => other.className !== undefined && covers(box, stanceBox(other.sprite, other.stance)),
      )
    )
      continue;
    const thing: Extra = { className: name, sprite, stance, depth, shadow: belongs, tint };
    const ridingArt = riderOf(name);
    if (ridingArt === undefined || whole || random.chance(0.4)) return [thing];
    const rider = await commonSprites.get(ridingArt, style, phase, spriteHeight(ridingArt));
    const className = classes.includes(ridingArt.name) ? ridingArt.name : undefined;
    return [thing, { className, sprite: rider, stance, depth: depth + 0.01, shadow: false, tint }];
  }
  return [];
}

/** Clutter before some of the things, and at times more of it elsewhere. */
export async function occluders(random: Random, view: View, things: readonly Extra[]): Promise<Extra[]> {
  const arts = view.scenery.indoors ? INDOOR_CLUTTER : OUTDOOR_CLUTTER;
  const found: Extra[] = [];
  for (const thing of things) {
    if (!random.chance(0.16)) continue;
    const [left, top, right, bottom] = stanceBox(thing.sprite, thing.stance);
    found.push(
      await clutter(random, random.pick(arts), {
        x: random.between(left, right),
        y: bottom + random.between(-0.1, 0.25) * (bottom - top),
        heightPx: random.between(0.25, 0.8) * (bottom - top),
        depth: thing.depth + 0.5,
      }),
    );
  }
  const loose = random.chance(0.45) ? 1 + random.below(3) : 0;
  for (let i = 0; i < loose; i++) {
    const y = random.between(0.5, 1.1) * view.height;
    found.push(
      await clutter(random, random.pick(arts), {
        x: random.between(0, view.width),
        y,
        heightPx: random.between(0.08, 0.4) * view.height,
        depth: y,
      }),
    );
  }
  return found;
}

async function clutter(
  random: Random,
  art: Art,
  at: { x: number; y: number; heightPx: number; depth: number },
): Promise<Extra> {
  const sprite = await commonSprites.get(art, String(random.below(12)), 0, spriteHeight(art));
  const stance: Stance = {
    x: at.x,
    y: at.y,
    scale: at.heightPx / art.height,
    mirrored: random.chance(0.5),
    angle: 0,
  };
  return { className: undefined, sprite, stance, depth: at.depth, shadow: true, tint: NO_TINT };
}

function onGround(random: Random, view: View, art: Art): { stance: Stance; depth: number } {
  const ground = groundFor(view.scenery, art.motion);
  const groundY = random.between(ground.top, ground.bottom);
  const nearer = 1.5 ** random.between(-0.7, 1.2);
  const metre = groundScale(ground, groundY) * view.zoom * nearer;
  const flight = art.motion === "flies" ? random.between(0.4, 2.4) * metre : 0;
  const scale = fittedScale(art, metre, view.height);
  const half = (scale * art.width) / 2;
  const y = toView(view, 0, groundY).y;
  return {
    stance: {
      x: random.between(-0.4 * half, view.width + 0.4 * half),
      y: y - flight,
      scale,
      mirrored: random.chance(0.5),
      angle: art.motion === "flies" ? random.between(-0.2, 0.2) : random.between(-0.03, 0.03),
    },
    depth: y,
  };
}

function anywhere(
  random: Random,
  view: View,
  sprite: Sprite,
  whole: boolean,
): { stance: Stance; depth: number } {
  const { art } = sprite;
  const side =
    Math.min(view.width, view.height) * (whole ? 0.25 : 0.12) * (whole ? 3.4 : 6.2) ** random.unit();
  const scale = side / Math.max(sprite.right - sprite.left, sprite.bottom - sprite.top);
  const y = random.between(whole ? 0.2 : 0.1, 1.1) * view.height;
  return {
    stance: {
      x: random.between(0, view.width),
      y: y + (art.height - sprite.bottom) * scale,
      scale,
      mirrored: random.chance(0.5),
      angle: random.chance(0.5) ? random.between(-0.25, 0.25) : 0,
    },
    depth: y,
  };
}

function spriteHeight(art: Art): number {
  return SPRITE_SIDE_PX * Math.min(1, art.height / art.width);
}

function randomTint(random: Random): Gain {
  const level = random.between(0.88, 1.1);
  return [level * random.between(0.96, 1.04), level, level * random.between(0.96, 1.04)];
}

/** Which share of a box lies inside the picture. */
function insideShare(box: Box, view: View): number {
  const inside: Box = [
    Math.max(0, box[0]),
    Math.max(0, box[1]),
    Math.min(view.width, box[2]),
    Math.min(view.height, box[3]),
  ];
  return boxArea(inside) / Math.max(1e-9, boxArea(box));
}

/** Whether two boxes share more than half of the smaller one. */
function covers(a: Box, b: Box): boolean {
  const shared = boxArea([
    Math.max(a[0], b[0]),
    Math.max(a[1], b[1]),
    Math.min(a[2], b[2]),
    Math.min(a[3], b[3]),
  ]);
  return shared > 0.5 * Math.min(boxArea(a), boxArea(b));
}
