import { Random } from "../../../base/random.ts";
import { openSharp } from "../../../image/sharp.ts";
import type { Picture } from "../../../image/types.ts";
import { svgDocument } from "../art/svg.ts";
import { addTexture } from "../texture.ts";
import { belt, plainWall, room, table } from "./indoors.ts";
import { park } from "./park.ts";
import { SCENE_HEIGHT, SCENE_WIDTH, type SceneDrawing, type SceneKind } from "./scene.ts";
import { street } from "./street.ts";

const DRAW: Readonly<Record<SceneKind, (random: Random) => SceneDrawing>> = {
  street,
  park,
  table,
  belt,
  room,
  wall: plainWall,
};

/** Which things belong in which scene. A wall holds anything. */
const RESIDENTS: Readonly<Record<Exclude<SceneKind, "wall">, readonly string[]>> = {
  street: ["car", "bus", "bicycle", "truck", "motorbike", "person", "dog"],
  table: ["orange", "banana", "apple", "bottle", "cup", "parrot"],
  park: ["person", "dog", "bicycle", "parrot", "cat"],
  belt: ["orange", "banana", "apple", "bottle", "cup"],
  room: ["cat", "dog", "person", "parrot"],
};

/** The classes that may come up in a scene of this kind, in the order given. */
export function residents(kind: SceneKind, classes: readonly string[]): string[] {
  if (kind === "wall") return [...classes];
  return classes.filter((name) => RESIDENTS[kind].includes(name));
}

/** The kinds of scenes where at least one of the classes belongs, each with a ground. */
export function sceneKindsFor(classes: readonly string[]): SceneKind[] {
  const kinds = Object.keys(RESIDENTS) as SceneKind[];
  return kinds.filter((kind) => residents(kind, classes).length > 0);
}

/** One of `names` by chance; who has many kinds of scenes to be in comes up less often in each. */
export function pickResident(random: Random, names: readonly string[]): string {
  const weights = names.map((name) => 1 / Math.max(1, sceneKindsFor([name]).length));
  let left = random.unit() * weights.reduce((sum, weight) => sum + weight, 0);
  for (let i = 0; i < names.length; i++) {
    left -= weights[i]!;
    if (left < 0) return names[i]!;
  }
  return names[names.length - 1]!;
}

/** A place drawn at noon, without things. */
export interface Scenery extends SceneDrawing {
  readonly picture: Picture;
  /** Pixels to one scene unit. */
  readonly scale: number;
}

/** @param heightPx of the picture; its width follows the view box, 16:9 */
export async function renderScenery(kind: SceneKind, seed: string, heightPx: number): Promise<Scenery> {
  const random = new Random("scene", kind, seed);
  const drawing = DRAW[kind](random);
  const widthPx = Math.round((heightPx * SCENE_WIDTH) / SCENE_HEIGHT);
  const sharp = await openSharp();
  const document = (content: string) =>
    Buffer.from(svgDocument(SCENE_WIDTH, SCENE_HEIGHT, widthPx, heightPx, content));
  const back = await sharp(document(drawing.back)).removeAlpha().raw().toBuffer();
  const picture = { width: widthPx, height: heightPx, data: new Uint8Array(back) };
  drawing.textures.forEach((texture, i) => {
    addTexture(picture, texture, random.below(2 ** 30) + i);
  });
  if (drawing.front === "") return { ...drawing, picture, scale: heightPx / SCENE_HEIGHT };
  const front = await sharp(document(drawing.front)).ensureAlpha().raw().toBuffer();
  layOver(picture.data, front);
  return { ...drawing, picture, scale: heightPx / SCENE_HEIGHT };
}

function layOver(under: Uint8Array, over: Uint8Array): void {
  for (let from = 0, to = 0; from < over.length; from += 4, to += 3) {
    const alpha = over[from + 3]!;
    if (alpha === 0) continue;
    for (let c = 0; c < 3; c++) {
      under[to + c] = (under[to + c]! * (255 - alpha) + over[from + c]! * alpha + 127) / 255;
    }
  }
}
