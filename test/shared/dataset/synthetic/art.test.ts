import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { AppError } from "../../../../shared/base/errors.ts";
import {
  artsOf,
  SYNTHETIC_CLASSES,
  syntheticClasses,
} from "../../../../shared/dataset/synthetic/art/catalogue.ts";
import { INDOOR_CLUTTER, OUTDOOR_CLUTTER } from "../../../../shared/dataset/synthetic/art/clutter.ts";
import { riderOf } from "../../../../shared/dataset/synthetic/art/rider.ts";
import { renderSprite, type Sprite } from "../../../../shared/dataset/synthetic/sprite.ts";
import { BUSY_MACHINE_MS } from "../../../support/limits.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const ARTS = SYNTHETIC_CLASSES.flatMap((name) => artsOf(name));

/** How many of a sprite's outermost pixels are solid at the left, the top and the right of its view box. */
function cutPixels({ levels, left, top, right, art }: Sprite): number {
  const { width, height, data, unitsX, unitsY } = levels[0]!;
  const solid = (x: number, y: number) => data[4 * (y * width + x) + 3]! > 128;
  let count = 0;
  for (let y = 1; y < height - 1; y++) {
    if (left < unitsX / 2 && solid(1, y)) count++;
    if (right > art.width - unitsX / 2 && solid(width - 2, y)) count++;
  }
  for (let x = 1; x < width - 1; x++) if (top < unitsY / 2 && solid(x, 1)) count++;
  return count;
}

describe("the drawings", () => {
  test("of every class stand on the bottom edge of their view box, and no edge cuts them", async () => {
    for (const art of ARTS) {
      for (const [style, phase] of [
        ["1", 0],
        ["2", 0.25],
        ["3", 0.75],
      ] as const) {
        const sprite = await renderSprite(art, style, phase, 96);
        const what = `${art.name} ${style}`;
        expect([what, cutPixels(sprite) <= 8]).toEqual([what, true]);
        if (art.motion !== "flies") expect([what, sprite.bottom > 0.93 * art.height]).toEqual([what, true]);
        expect([what, sprite.solidArea > 0.08 * art.width * art.height]).toEqual([what, true]);
      }
    }
  });

  test("show one individual for one style, another for another", async () => {
    for (const art of ARTS) {
      const [one, again, other] = await Promise.all([
        renderSprite(art, "a", 0, 64),
        renderSprite(art, "a", 0, 64),
        renderSprite(art, "b", 0, 64),
      ]);
      expect(again.levels[0]!.data).toEqual(one.levels[0]!.data);
      expect(Buffer.compare(other.levels[0]!.data, one.levels[0]!.data)).not.toBe(0);
    }
  });

  test("of what walks, drives and flies move with the phase", async () => {
    for (const art of ARTS.filter(({ motion }) => ["walks", "drives", "flies"].includes(motion))) {
      const [one, other] = await Promise.all([
        renderSprite(art, "a", 0, 96),
        renderSprite(art, "a", 0.4, 96),
      ]);
      expect(Buffer.compare(one.levels[0]!.data, other.levels[0]!.data)).not.toBe(0);
    }
  });

  test("of clutter and riders come out as well", async () => {
    const arts = [...OUTDOOR_CLUTTER, ...INDOOR_CLUTTER, riderOf("bicycle")!, riderOf("motorbike")!];
    for (const art of arts) expect((await renderSprite(art, "1", 0, 48)).solidArea).toBeGreaterThan(0);
  });
});

describe("the classes", () => {
  test("begin with the demo's eight", () => {
    expect(syntheticClasses(8)).toEqual([
      "car",
      "bus",
      "bicycle",
      "orange",
      "banana",
      "parrot",
      "dog",
      "person",
    ]);
    expect(SYNTHETIC_CLASSES.length).toBeGreaterThanOrEqual(12);
  });

  test.each([[0], [99], [1.5], [[]], [["car", "unicorn"]]])("%p is refused with what there is", (wanted) => {
    expect(() => syntheticClasses(wanted)).toThrow(AppError);
  });
});
