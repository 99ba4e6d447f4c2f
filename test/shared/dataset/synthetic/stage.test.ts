import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { artsOf } from "../../../../shared/dataset/synthetic/art/catalogue.ts";
import { Canvas, type Stance } from "../../../../shared/dataset/synthetic/canvas.ts";
import type { Light } from "../../../../shared/dataset/synthetic/light.ts";
import { renderSprite } from "../../../../shared/dataset/synthetic/sprite.ts";
import { type Actor, drawStage, NO_TINT, type Stage } from "../../../../shared/dataset/synthetic/stage.ts";
import type { Box } from "../../../../shared/detect/types.ts";
import type { Picture } from "../../../../shared/image/types.ts";
import { BUSY_MACHINE_MS } from "../../../support/limits.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const PLAIN: Light = { name: "plain", gain: [1, 1, 1], contrast: 1, lamps: 0, noise: 0, softness: 0 };
const BACKDROP = 251;

function emptyStage(width = 200, height = 150): Stage {
  const backdrop = { width, height, data: new Uint8Array(width * height * 3).fill(BACKDROP) };
  return { backdrop, light: PLAIN, lamps: [], props: [] };
}

async function actor(className: string, stance: Partial<Stance>, depth = 0): Promise<Actor> {
  const art = artsOf(className)[0]!;
  const sprite = await renderSprite(art, "1", 0, 128);
  const whole = { x: 100, y: 120, scale: 80 / art.height, mirrored: false, angle: 0, ...stance };
  return { sprite, stance: whole, depth, shadow: false, tint: NO_TINT };
}

/** The box about every pixel that is no longer the backdrop. */
function changed({ width, height, data }: Picture): Box {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3).every((value) => value === BACKDROP))
        continue;
      left = Math.min(left, x);
      top = Math.min(top, y);
      right = Math.max(right, x + 1);
      bottom = Math.max(bottom, y + 1);
    }
  }
  return [left, top, right, bottom];
}

describe("a label", () => {
  const stances: [string, Partial<Stance>][] = [
    ["upright", {}],
    ["mirrored", { mirrored: true }],
    ["turned", { angle: 0.3 }],
    ["far", { scale: 0.12 }],
    ["near", { scale: 0.8 }],
    ["between two pixels", { x: 87.4, y: 101.7 }],
  ];
  for (const className of ["car", "orange", "banana", "bottle"]) {
    test.each(stances)(`is tight about the pixels of a ${className}, %s`, async (_, stance) => {
      const { picture, seen } = drawStage(emptyStage(), [await actor(className, stance)], 0);
      // A pixel less than half covered changes the picture and is not yet the thing.
      changed(picture).forEach((side, i) => {
        expect(Math.abs(side - seen[0]!.box[i]!)).toBeLessThanOrEqual(2);
      });
    });
  }

  test("keeps inside the picture and says how much of the thing does", async () => {
    const { seen } = drawStage(emptyStage(), [await actor("orange", { x: 0 })], 0);
    expect(seen[0]!.box[0]).toBe(0);
    expect(seen[0]!.share).toBeGreaterThan(0.44);
    expect(seen[0]!.share).toBeLessThan(0.56);
  });

  test("goes about what another thing leaves to be seen", async () => {
    const behind = await actor("orange", { x: 90 }, 1);
    const before = await actor("apple", { x: 125 }, 2);
    const alone = drawStage(emptyStage(), [behind], 0).seen[0]!;
    const { seen } = drawStage(emptyStage(), [before, behind], 0);
    const hidden = seen.find(({ actor: who }) => who === behind)!;
    expect(hidden.share).toBeLessThan(0.9 * alone.share);
    expect(hidden.box[2]).toBeLessThan(alone.box[2]);
    expect(hidden.box[0]).toBe(alone.box[0]);
    expect(seen.find(({ actor: who }) => who === before)!.share).toBeGreaterThan(0.97);
  });

  test("is not given to what clutter hides, or what is off the picture", async () => {
    const thing = await actor("orange", { scale: 0.2 }, 1);
    const clutter = await actor("bus", { scale: 0.6, y: 130 }, 2);
    expect(drawStage({ ...emptyStage(), props: [clutter] }, [thing], 0).seen).toEqual([]);
    expect(drawStage(emptyStage(), [await actor("car", { x: -500 })], 0).seen).toEqual([]);
  });
});

test("a sprite outside the canvas, or larger than it, writes no byte out of place", async () => {
  for (const stance of [
    { x: -1e4 },
    { y: 1e5 },
    { scale: 40 },
    { scale: 1e-3 },
    { angle: 2.2, x: 199, y: 1 },
  ]) {
    const { sprite, stance: at } = await actor("dog", stance);
    const canvas = new Canvas(emptyStage(31, 17).backdrop);
    canvas.draw(sprite, at, [1, 1, 1], 1);
    canvas.shade(at.x, at.y, 40, 10, 0.5);
    expect(canvas.data.length).toBe(31 * 17 * 3);
  }
});
