import { Random } from "../../base/random.ts";
import type { Box } from "../../detect/types.ts";
import type { Picture } from "../../image/types.ts";
import { castOf, castThing, classAt, type Extra, occluders } from "./casting.ts";
import { addNoise, blurred, randomLight } from "./light.ts";
import type { SceneKind } from "./scenes/scene.ts";
import { sceneKindsFor } from "./scenes/scenery.ts";
import { drawStage } from "./stage.ts";
import { sceneryOf } from "./studio.ts";
import { openStage, viewOf } from "./view.ts";

export interface SyntheticLabel {
  readonly className: string;
  /** Tight about what is seen of the thing, whole pixels. */
  readonly box: Box;
}

export interface SyntheticPicture {
  readonly picture: Picture;
  readonly labels: readonly SyntheticLabel[];
}

export interface SyntheticPictureOptions {
  /** Pixels; one of the usual sizes of cameras by chance when absent. */
  readonly size?: { readonly width: number; readonly height: number };
  /** Exactly one thing, whole and in plain view: for a network that gives a single box. */
  readonly oneObject?: boolean;
}

/** Places of a kind that one seed draws, and their height: each costs milliseconds once. */
const PLACE_COUNT = 16;
const PLACE_HEIGHT_PX = 400;

/** What is hidden more than this gets no label. */
const VISIBLE_SHARE_MIN = 0.25;
const LABEL_SIDE_PX_MIN = 12;

const SIZES = [
  { width: 480, height: 360 },
  { width: 640, height: 360 },
  { width: 512, height: 384 },
  { width: 640, height: 480 },
  { width: 416, height: 416 },
  { width: 480, height: 270 },
] as const;

/**
 * Draws one labelled picture: none to eight things of the classes in a place with clutter, under some light. The same
 * arguments give the same bytes.
 *
 * @param index which picture of the seed's endless row; of every `classes.length` in a row each is about another class
 */
export async function syntheticPicture(
  seed: number,
  index: number,
  classes: readonly string[],
  options: SyntheticPictureOptions = {},
): Promise<SyntheticPicture> {
  const alone = options.oneObject === true;
  const random = new Random("picture", seed, index);
  const first = classAt(seed, index, classes);
  const kind: SceneKind = random.chance(0.15) ? "wall" : random.pick(sceneKindsFor([first]));
  const scenery = await sceneryOf(kind, `${seed}-${random.below(PLACE_COUNT)}`, PLACE_HEIGHT_PX);
  const size = options.size ?? random.pick(SIZES);
  // Things stand on the lower part of a scene: a view of less than all of it looks there.
  const view = viewOf(scenery, size, random.between(0.6, 1), random.unit(), random.between(0.5, 1));
  const light = randomLight(random, scenery.indoors);
  // Blur and noise come last here, over things and place alike.
  const stage = await openStage(view, { ...light, softness: 0, noise: 0 });
  const actors: Extra[] = [];
  for (const name of alone ? [first] : castOf(random, first, kind, classes)) {
    actors.push(...(await castThing(random, seed, view, name, classes, actors, alone)));
  }
  if (!alone) actors.push(...(await occluders(random, view, actors)));
  const { picture, seen } = drawStage(alone ? { ...stage, props: [] } : stage, actors, index);
  const labels = seen.flatMap(({ actor: { className }, box, share }) =>
    className === undefined || share < VISIBLE_SHARE_MIN || shortSide(box) < LABEL_SIDE_PX_MIN
      ? []
      : [{ className, box }],
  );
  const taken = light.softness > 0 ? blurred(picture, light.softness) : picture;
  addNoise(taken, light.noise, index);
  return { picture: taken, labels };
}

function shortSide(box: Box): number {
  return Math.min(box[2] - box[0], box[3] - box[1]);
}
