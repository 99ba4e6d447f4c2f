import { Random } from "../../base/random.ts";
import { type Box, boxArea } from "../../detect/types.ts";
import type { Picture } from "../../image/types.ts";
import { syntheticClasses } from "./art/catalogue.ts";
import { stanceBox } from "./canvas.ts";
import { randomLight } from "./light.ts";
import type { SceneKind } from "./scenes/scene.ts";
import { residents, sceneKindsFor } from "./scenes/scenery.ts";
import type { Sprite } from "./sprite.ts";
import { type Actor, drawStage, NO_TINT, type Stage, withProps } from "./stage.ts";
import { Sprites, sceneryOf } from "./studio.ts";
import { openStage, type View, viewOf } from "./view.ts";
import { type Passage, type Pose, passagesIn, poseAt, SLOT_MS } from "./visit.ts";

export interface SyntheticMovieOptions {
  /** Pixels; 640 by 360 when absent. */
  readonly width?: number;
  readonly height?: number;
  /** Names, or the first so many of `SYNTHETIC_CLASSES`. */
  readonly classes: readonly string[] | number;
}

/** A thing on a frame. */
interface SyntheticObject {
  /** The same for one thing from its coming to its leaving. */
  readonly objectId: number;
  readonly className: string;
  /** Tight about what is seen of it, inside the picture. */
  readonly box: Box;
  /** Of the whole thing, 0 to 1. */
  readonly visibleShare: number;
}

export interface SyntheticFrame {
  readonly picture: Picture;
  readonly objects: readonly SyntheticObject[];
}

/** A thing's stay before the camera: the truth that sightings are held against. */
export interface SyntheticVisit {
  readonly objectId: number;
  readonly className: string;
  /** While at least half of it is inside the picture and it is large enough to tell what it is. */
  readonly enterMs: number;
  readonly leaveMs: number;
  /** Where it is seen largest. */
  readonly bestBox: Box;
}

/** Where a movie plays. */
interface Place {
  readonly view: View;
  readonly stage: Stage;
  /** Classes that come here. */
  readonly residents: readonly string[];
}

/** An actor with who it is. */
interface MovieActor extends Actor {
  readonly objectId: number;
  readonly className: string | undefined;
}

const SPRITES_SIZE_BYTES = 12 * 1024 * 1024;
const INSIDE_SHARE_MIN = 0.5;
/** A thing whose shorter side is under this share of the picture's height is too small to be told. */
const SHORT_SIDE_SHARE_MIN = 0.035;
const TRUTH_STEP_MS = 50;
/** Riders get numbers of their own, far above those of what they ride. */
const RIDER_ID_OFFSET = 1_000_000_000;

/**
 * What an endless camera would see: a place where drawn things come, pass, stop and leave, with nothing at all for a
 * third of the time or more. Each moment is a function of the seed and the time alone, so any frame can be drawn
 * without those before it. Seeds in a row show different kinds of places.
 */
export class SyntheticMovie {
  readonly width: number;
  readonly height: number;
  readonly classes: readonly string[];
  readonly #seed: number;
  /** Nobody who passes comes again, so a few are enough. */
  readonly #sprites = new Sprites(SPRITES_SIZE_BYTES);
  /** The slot drawn last: the next frame is most often of the same. */
  #slot: { readonly number: number; readonly passages: readonly Passage[] } | undefined;
  #open: Promise<Place> | undefined;

  /** @throws {AppError} `usage` for no classes, or for one that nobody drew */
  constructor(seed: number, options: SyntheticMovieOptions) {
    const { width = 640, height = 360, classes } = options;
    this.width = width;
    this.height = height;
    this.classes = syntheticClasses(classes);
    this.#seed = seed;
  }

  /** Draws the frame at a time, milliseconds since the movie began. */
  async frameAt(ms: number): Promise<SyntheticFrame> {
    const { view, stage, residents } = await this.#place();
    const slot = Math.floor(ms / SLOT_MS);
    const actors: MovieActor[] = [];
    if (this.#slot?.number !== slot) {
      this.#slot = { number: slot, passages: passagesIn(this.#seed, slot, view, residents) };
    }
    for (const passage of this.#slot.passages) {
      const pose = poseAt(passage, ms, view);
      if (pose !== undefined) actors.push(...(await this.#actors(passage, pose)));
    }
    const { picture, seen } = drawStage(stage, actors, Math.round(ms));
    const objects = seen.flatMap(({ actor: { objectId, className }, box, share }) =>
      className === undefined ? [] : [{ objectId, className, box, visibleShare: share }],
    );
    return { picture, objects };
  }

  /** Every visit that began before a time, in order of coming. */
  async visits(untilMs: number): Promise<SyntheticVisit[]> {
    const { view, residents } = await this.#place();
    const found: SyntheticVisit[] = [];
    for (let slot = 0; slot * SLOT_MS < untilMs; slot++) {
      for (const passage of passagesIn(this.#seed, slot, view, residents)) {
        found.push(...(await this.#visitsOf(passage, view)));
      }
    }
    return found.filter((visit) => visit.enterMs < untilMs).sort((a, b) => a.enterMs - b.enterMs);
  }

  #place(): Promise<Place> {
    this.#open ??= openPlace(this.#seed, this.classes, this.width, this.height).catch((error) => {
      this.#open = undefined;
      throw error;
    });
    return this.#open;
  }

  async #actors(passage: Passage, pose: Pose): Promise<MovieActor[]> {
    const { objectId, className, art, style, rider } = passage;
    const { stance, depth, phase } = pose;
    const sprite = await this.#sprites.get(art, style, phase, stance.scale * art.height);
    const actors: MovieActor[] = [
      { objectId, className, sprite, stance, depth, shadow: true, tint: NO_TINT },
    ];
    if (rider !== undefined) {
      const riding = await this.#sprites.get(rider, style, phase, stance.scale * rider.height);
      actors.push({
        objectId: objectId + RIDER_ID_OFFSET,
        className: this.classes.includes(rider.name) ? rider.name : undefined,
        sprite: riding,
        stance,
        depth: depth + 0.01,
        shadow: false,
        tint: NO_TINT,
      });
    }
    return actors;
  }

  async #visitsOf(passage: Passage, view: View): Promise<SyntheticVisit[]> {
    const pose = poseAt(passage, passage.fromMs, view)!;
    const actors = await this.#actors(passage, { ...pose, phase: 0 });
    return actors.flatMap(({ objectId, className, sprite }) => {
      const visit = className === undefined ? undefined : visitOf(passage, sprite, view);
      return visit === undefined ? [] : [{ objectId, className: className!, ...visit }];
    });
  }
}

/**
 * The kinds of places take turns, so that cameras of neighbouring seeds show all of them: of seeds 1 to 4 a kitchen
 * table, a street, a belt and a park.
 */
function kindOf(seed: number, classes: readonly string[]): SceneKind {
  const turns: readonly SceneKind[] = [
    "park",
    Math.floor(seed / 4) % 2 === 0 ? "table" : "room",
    "street",
    "belt",
  ];
  const possible = sceneKindsFor(classes);
  const fitting = turns.filter((kind) => possible.includes(kind));
  const kinds = fitting.length > 0 ? fitting : possible;
  return kinds[((seed % kinds.length) + kinds.length) % kinds.length]!;
}

/** The place a seed shows and its light; clutter behind the ground becomes part of it. */
async function openPlace(
  seed: number,
  classes: readonly string[],
  width: number,
  height: number,
): Promise<Place> {
  const random = new Random("movie", seed);
  const kind = kindOf(seed, classes);
  // A scene is wide: drawn as high as the picture needs, cut at its sides or its top.
  const scenery = await sceneryOf(kind, `movie ${seed}`, Math.ceil(Math.max(height, (width * 9) / 16)));
  const view = viewOf(scenery, { width, height }, 1, 0.5, 1);
  const stage = await openStage(view, randomLight(random, scenery.indoors, Math.abs(Math.floor(seed / 2))));
  const { drive, walk, rest } = scenery.grounds;
  const far = (Math.min(drive.top, walk.top, rest.top) - view.top) * view.zoom;
  const behind = stage.props.filter((prop) => prop.depth < far);
  const before = stage.props.filter((prop) => prop.depth >= far);
  return { view, stage: withProps({ ...stage, props: before }, behind), residents: residents(kind, classes) };
}

/** When and where a thing with this outline is to be seen, by its path; clutter before it is left out of account. */
function visitOf(
  passage: Passage,
  sprite: Sprite,
  view: View,
): Pick<SyntheticVisit, "enterMs" | "leaveMs" | "bestBox"> | undefined {
  let enterMs: number | undefined;
  let leaveMs = 0;
  let bestBox: Box = [0, 0, 0, 0];
  for (let ms = Math.ceil(passage.fromMs); ms <= passage.toMs; ms += TRUTH_STEP_MS) {
    const pose = poseAt(passage, ms, view);
    if (pose === undefined) continue;
    const whole = stanceBox(sprite, pose.stance);
    const box: Box = [
      Math.max(0, whole[0]),
      Math.max(0, whole[1]),
      Math.min(view.width, whole[2]),
      Math.min(view.height, whole[3]),
    ];
    const short = Math.min(box[2] - box[0], box[3] - box[1]);
    if (short < SHORT_SIDE_SHARE_MIN * view.height || boxArea(box) < INSIDE_SHARE_MIN * boxArea(whole))
      continue;
    enterMs ??= ms;
    leaveMs = ms;
    if (boxArea(box) > boxArea(bestBox)) bestBox = box;
  }
  return enterMs === undefined ? undefined : { enterMs, leaveMs, bestBox };
}
