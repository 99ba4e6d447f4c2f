import type { Picture } from "../../image/types.ts";
import { Canvas, type Gain, type Stance, stanceBox, type Visible } from "./canvas.ts";
import { addNoise, type Lamp, type Light, lightAt } from "./light.ts";
import type { Sprite } from "./sprite.ts";

/** Something to be drawn on a stage. */
export interface Actor {
  readonly sprite: Sprite;
  readonly stance: Stance;
  /** Row of the ground under it, pixels: what is nearer to the camera is drawn later. */
  readonly depth: number;
  /** Whether it throws a shadow on the ground. */
  readonly shadow: boolean;
  /** A tint of its own over the scene's light. */
  readonly tint: Gain;
}

export const NO_TINT: Gain = [1, 1, 1];

/** A place with its light, ready for things to come. */
export interface Stage {
  /** Lit. */
  readonly backdrop: Picture;
  readonly light: Light;
  /** In shares of the picture's height. */
  readonly lamps: readonly Lamp[];
  /** Clutter that may stand before a thing. */
  readonly props: readonly Actor[];
}

/** What is seen of an actor. */
export interface Seen<A extends Actor> extends Visible {
  readonly actor: A;
}

/** From this strength of a scene's lamps on, drivers have theirs on too. */
const HEADLAMPS_FROM = 0.6;

/** Actors on one picture are told apart by a byte; nobody needs more. */
const ACTORS_MAX = 254;

/**
 * Draws actors and clutter from the far to the near and counts what is seen of each actor.
 *
 * @param moment picks the sensor's noise
 */
export function drawStage<A extends Actor>(
  stage: Stage,
  actors: readonly A[],
  moment: number,
): { picture: Picture; seen: Seen<A>[] } {
  const canvas = new Canvas(stage.backdrop);
  const cast = actors.slice(0, ACTORS_MAX);
  const order: { actor: Actor; owner: number }[] = [
    ...cast.map((actor, i) => ({ actor, owner: i + 1 })),
    ...stage.props.map((actor) => ({ actor, owner: 0 })),
  ];
  order.sort((a, b) => a.actor.depth - b.actor.depth);
  for (const { actor, owner } of order) drawActor(canvas, stage, actor, owner);
  const seen = cast.flatMap((actor, i) => {
    const visible = canvas.visible(i + 1, actor.sprite, actor.stance);
    return visible === undefined ? [] : [{ actor, ...visible }];
  });
  addNoise(canvas.picture, stage.light.noise, moment);
  return { picture: canvas.picture, seen };
}

/** The backdrop with clutter that nothing ever passes behind. */
export function withProps(stage: Stage, props: readonly Actor[]): Stage {
  const canvas = new Canvas(stage.backdrop);
  for (const prop of [...props].sort((a, b) => a.depth - b.depth)) drawActor(canvas, stage, prop, 0);
  return { ...stage, backdrop: canvas.picture };
}

function drawActor(canvas: Canvas, stage: Stage, actor: Actor, owner: number): void {
  const { sprite, stance, tint } = actor;
  const [left, top, right, bottom] = stanceBox(sprite, stance);
  if (actor.shadow) {
    const radius = (right - left) / 2;
    const above = Math.max(0, actor.depth - stance.y) / Math.max(1, bottom - top);
    canvas.shade(
      (left + right) / 2,
      actor.depth - radius * 0.03,
      radius * 1.08,
      Math.max(2, radius * 0.13),
      0.5 / (1 + above),
    );
  }
  const [red, green, blue] = lightAt(stage.light, stage.lamps, stance.x, (top + bottom) / 2, canvas.height);
  canvas.draw(sprite, stance, [red * tint[0], green * tint[1], blue * tint[2]], owner, stage.light.softness);
  const lamp = sprite.art.headlamp;
  if (lamp === undefined || stage.light.lamps < HEADLAMPS_FROM) return;
  const side = stance.mirrored ? -1 : 1;
  const x = stance.x + side * (lamp[0] - sprite.art.width / 2) * stance.scale;
  const y = stance.y + (lamp[1] - sprite.art.height) * stance.scale;
  const reach = Math.min(0.2 * canvas.height, 0.45 * sprite.art.height * stance.scale);
  canvas.glow(x, y, 0.4 * reach, 0.4 * reach, 0.9);
  canvas.glow(x + side * 1.4 * reach, actor.depth, 1.5 * reach, 0.3 * reach, 0.4);
}
