import { Random } from "../../base/random.ts";
import { type Box, boxArea } from "../../detect/types.ts";
import type { Art } from "./art/art.ts";
import { artsOf } from "./art/catalogue.ts";
import { riderOf } from "./art/rider.ts";
import type { Stance } from "./canvas.ts";
import {
  fittedScale,
  type Ground,
  groundFor,
  groundScale,
  SCENE_WIDTH,
  type SceneDrawing,
  type SceneKind,
} from "./scenes/scene.ts";
import { pickResident } from "./scenes/scenery.ts";
import { toView, type View } from "./view.ts";

/** Somebody's way through a scene: all that is needed to draw it at any moment. */
export interface Passage {
  readonly objectId: number;
  readonly className: string;
  readonly art: Art;
  /** Names the individual. */
  readonly style: string;
  /** Drawn over it with the same stance. */
  readonly rider: Art | undefined;
  readonly fromMs: number;
  readonly toMs: number;
  readonly way: Way;
  readonly mirrored: boolean;
}

/** A path from one place to another, scene units. */
interface Way {
  readonly ground: Ground;
  readonly fromX: number;
  readonly toX: number;
  readonly fromY: number;
  readonly toY: number;
  /** Where on the way it stops (0 to 1), and for which share of the time; undefined: it does not. */
  readonly stop: { readonly at: number; readonly share: number } | undefined;
  /** Height above the ground, metres, and how far it goes up and down. */
  readonly flight: number;
  readonly waves: number;
  /** It comes down from above, stands, and is taken up again. */
  readonly lowered: boolean;
  readonly size: number;
}

/** Where a thing is at a moment. */
export interface Pose {
  readonly stance: Stance;
  /** Row of the ground under it, pixels. */
  readonly depth: number;
  readonly phase: number;
}

/** Time is cut in slots. What comes in a slot has left by its end, so that any moment can be drawn by itself. */
export const SLOT_MS = 8000;
const VISITORS_MAX = 3;
/** Draws for each visitor until it keeps clear of the others. */
const ATTEMPTS = 8;
/** A share of a lowered thing's time: to come down, and to be taken up. */
const LOWERING_SHARE = 0.16;

/** Who passes in a slot. Classes take turns, so that each of a scene's classes comes within as many slots. */
export function passagesIn(seed: number, slot: number, view: View, classes: readonly string[]): Passage[] {
  if (classes.length === 0) return [];
  const random = new Random("slot", seed, slot);
  const roll = random.unit();
  const count = roll < 0.6 ? 1 : roll < 0.88 ? 2 : VISITORS_MAX;
  const spanMs = view.scenery.kind === "belt" ? random.between(5600, 6800) : random.between(3900, 6300);
  const startMs = slot * SLOT_MS + random.between(0.05, 0.95) * (SLOT_MS - spanMs);
  const turn = new Random("turns", seed).below(classes.length);
  const passages: Passage[] = [];
  for (let i = 0; i < count; i++) {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const className = i === 0 ? classes[(turn + slot) % classes.length]! : pickResident(random, classes);
      const passage = passageOf(random, seed, slot, i, className, startMs, spanMs, view);
      // Two that go the same way together would be one behind the other all the time.
      if (passages.some((other) => meet(other, passage, view))) continue;
      passages.push(passage);
      break;
    }
  }
  return passages;
}

function passageOf(
  random: Random,
  seed: number,
  slot: number,
  place: number,
  className: string,
  startMs: number,
  spanMs: number,
  view: View,
): Passage {
  const { scenery } = view;
  const art = artFor(random, className, scenery.kind);
  // A belt runs one way at one speed, and what lies on it comes one after the other.
  const onBelt = scenery.kind === "belt";
  const lastsMs = spanMs * (onBelt ? 0.65 : random.between(place === 0 ? 0.85 : 0.7, 1));
  const fromMs = startMs + (onBelt ? place * 0.175 : random.unit() * (1 - lastsMs / spanMs)) * spanMs;
  const rightward = onBelt ? new Random("belt", seed).chance(0.5) : random.chance(0.5);
  const way = wayFor(random, scenery, art, rightward, place);
  return {
    objectId: slot * VISITORS_MAX + place,
    className,
    art,
    style: `movie ${seed} ${slot} ${place}`,
    rider: riderOf(className),
    fromMs,
    toMs: fromMs + lastsMs,
    way,
    mirrored: way.lowered ? random.chance(0.5) : !rightward,
  };
}

/** Whether two hide much of one another for much of the time that both are there. */
function meet(a: Passage, b: Passage, view: View): boolean {
  const fromMs = Math.max(a.fromMs, b.fromMs);
  const toMs = Math.min(a.toMs, b.toMs);
  const samples = 16;
  let close = 0;
  for (let i = 0; i < samples && toMs > fromMs; i++) {
    const ms = fromMs + ((i + 0.5) / samples) * (toMs - fromMs);
    const [one, other] = [roughBox(a, ms, view), roughBox(b, ms, view)];
    const shared = boxArea([
      Math.max(one[0], other[0]),
      Math.max(one[1], other[1]),
      Math.min(one[2], other[2]),
      Math.min(one[3], other[3]),
    ]);
    if (shared > 0.2 * Math.min(boxArea(one), boxArea(other))) close++;
  }
  return close > 0.25 * samples;
}

/** About the view box of a passage's thing, before any drawing. */
function roughBox(passage: Passage, ms: number, view: View): Box {
  const { art, rider } = passage;
  const { x, y, scale } = poseAt(passage, ms, view)!.stance;
  const half = (scale * art.width) / 2;
  return [x - half, y - scale * (rider ?? art).height, x + half, y];
}

/** Where a passage's thing is `ms` into the movie; undefined before and after. */
export function poseAt(passage: Passage, ms: number, view: View): Pose | undefined {
  const { way, art, mirrored, fromMs, toMs } = passage;
  const time = (ms - fromMs) / (toMs - fromMs);
  if (time < 0 || time > 1) return undefined;
  const done = way.lowered ? time : progress(time, way.stop);
  const x = way.fromX + (way.toX - way.fromX) * done;
  const groundY = way.fromY + (way.toY - way.fromY) * done;
  const metre = groundScale(way.ground, groundY) * view.zoom * way.size;
  const scale = fittedScale(art, metre, view.height);
  const ground = toView(view, x, groundY);
  const wave = Math.sin(done * way.waves * 2 * Math.PI);
  const lift = way.lowered
    ? lowering(time) * ground.y
    : (way.flight + wave * 0.25 * Math.min(1, way.flight)) * metre;
  // Legs and wheels keep to the ground covered; wings beat on.
  const metres = (Math.abs(way.toX - way.fromX) * done * view.zoom) / metre;
  const cycles = art.cycleMetres > 0 ? metres / art.cycleMetres : (ms - fromMs) / 2000;
  const tilt = art.motion === "flies" ? Math.cos(done * way.waves * 2 * Math.PI) * 0.12 : 0;
  return {
    stance: { x: ground.x, y: ground.y - lift, scale, mirrored, angle: mirrored ? tilt : -tilt },
    depth: ground.y,
    phase: way.lowered ? 0 : cycles,
  };
}

/** Share of the way done after a share of the time, slowing to a stop in between. */
function progress(time: number, stop: Way["stop"]): number {
  if (stop === undefined) return time;
  const moving = 1 - stop.share;
  const arrive = moving * stop.at;
  if (time < arrive) return stop.at * easeOut(time / arrive);
  if (time < arrive + stop.share) return stop.at;
  return (
    stop.at + (1 - stop.at) * (1 - easeOut(1 - (time - arrive - stop.share) / (1 - arrive - stop.share)))
  );
}

function easeOut(share: number): number {
  return 1 - (1 - share) ** 1.6;
}

/** Share of its height above the ground: 1 out of sight, 0 standing. */
function lowering(time: number): number {
  const near = Math.min(time, 1 - time) / LOWERING_SHARE;
  return near >= 1 ? 0 : (1 - near) ** 2;
}

/** A drawing of the class that can go through this kind of scene. */
function artFor(random: Random, className: string, kind: SceneKind): Art {
  const arts = artsOf(className);
  const onTop = kind === "table" || kind === "belt";
  const fitting = arts.filter((art) => onTop === (art.motion === "stands" || art.motion === "rolls"));
  return random.pick(fitting.length > 0 ? fitting : arts);
}

/** @param place which visitor of its slot: two at once keep to different depths */
function wayFor(random: Random, scene: SceneDrawing, art: Art, rightward: boolean, place: number): Way {
  const ground = groundFor(scene, art.motion);
  const depth = ((place + random.between(0.15, 0.85)) / VISITORS_MAX + (rightward ? 0.5 : 0)) % 1;
  const near = art.motion === "drives" && scene.kind === "street" ? (rightward ? 0.85 : 0.12) : depth;
  const y = ground.top + (ground.bottom - ground.top) * near;
  const size = scene.kind === "table" ? random.between(0.85, 1.35) : random.between(0.95, 1.2);
  const lowered = scene.kind === "table" && (art.motion === "stands" || random.chance(0.45));
  if (lowered) {
    const x = SCENE_WIDTH * (0.14 + 0.72 * ((place * 0.37 + random.unit()) % 1));
    return {
      ground,
      fromX: x,
      toX: x,
      fromY: y,
      toY: y,
      stop: undefined,
      flight: 0,
      waves: 0,
      lowered,
      size,
    };
  }
  const drift =
    random.chance(0.35) && scene.kind !== "belt"
      ? (ground.bottom - ground.top) * random.between(-0.6, 0.6)
      : 0;
  const toY = Math.max(ground.top, Math.min(ground.bottom + 6, y + drift));
  const reach = (fromTo: number) =>
    (groundScale(ground, fromTo) * size * art.heightMetres * art.width) / art.height / 2;
  const [left, right] = [(at: number) => -reach(at), (at: number) => SCENE_WIDTH + reach(at)];
  const stops = art.motion !== "flies" && scene.kind !== "belt" && random.chance(0.35);
  return {
    ground,
    fromX: rightward ? left(y) : right(y),
    toX: rightward ? right(toY) : left(toY),
    fromY: y,
    toY,
    stop: stops ? { at: random.between(0.35, 0.65), share: random.between(0.2, 0.4) } : undefined,
    flight: art.motion === "flies" ? random.between(0.5, 1.9) : 0,
    waves: random.between(0.6, 1.6),
    lowered,
    size,
  };
}
