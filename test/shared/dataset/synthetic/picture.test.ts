import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { SYNTHETIC_CLASSES } from "../../../../shared/dataset/synthetic/art/catalogue.ts";
import { type SyntheticPicture, syntheticPicture } from "../../../../shared/dataset/synthetic/picture.ts";
import { cpuMsOf } from "../../../support/cpu-time.ts";
import { LONG_WORK_MS } from "../../../support/limits.ts";

setDefaultTimeout(LONG_WORK_MS);

const CLASSES = SYNTHETIC_CLASSES.slice(2, 7);
const SIZE = { width: 160, height: 120 };

async function pictures(count: number, oneObject = false): Promise<SyntheticPicture[]> {
  const found: SyntheticPicture[] = [];
  for (let i = 0; i < count; i++)
    found.push(await syntheticPicture(3, i, CLASSES, { size: SIZE, oneObject }));
  return found;
}

describe("drawn pictures", () => {
  test("are the same for the same seed and number, and others otherwise", async () => {
    const print = async (seed: number, index: number) => {
      const { picture, labels } = await syntheticPicture(seed, index, CLASSES);
      return Bun.hash(picture.data).toString(36) + JSON.stringify(labels);
    };
    expect(await print(1, 7)).toBe(await print(1, 7));
    expect(await print(1, 7)).not.toBe(await print(1, 8));
    expect(await print(1, 7)).not.toBe(await print(2, 7));
  });

  test("hold each class about as often, some none at all, and boxes that lie inside", async () => {
    const counts = new Map(CLASSES.map((name) => [name, 0]));
    let empty = 0;
    for (const { picture, labels } of await pictures(150)) {
      if (labels.length === 0) empty++;
      expect(picture.data.length).toBe(SIZE.width * SIZE.height * 3);
      for (const { className, box } of labels) {
        counts.set(className, counts.get(className)! + 1);
        const [x1, y1, x2, y2] = box;
        expect(
          x1 >= 0 && y1 >= 0 && x2 <= SIZE.width && y2 <= SIZE.height && x2 - x1 >= 12 && y2 - y1 >= 12,
        ).toBe(true);
        expect(box.every(Number.isInteger)).toBe(true);
      }
    }
    expect(empty).toBeGreaterThan(3);
    expect(empty).toBeLessThan(38);
    const rarest = Math.min(...counts.values());
    expect(rarest).toBeGreaterThan(30);
    expect(Math.max(...counts.values())).toBeLessThan(2.5 * rarest);
  });

  test("hold exactly one whole thing when asked, each class in turn", async () => {
    const found = await pictures(2 * CLASSES.length, true);
    const names = found.map(({ labels }) => {
      expect(labels.length).toBe(1);
      return labels[0]!.className;
    });
    expect(names.slice(0, CLASSES.length).sort()).toEqual([...CLASSES].sort());
    expect(names.slice(CLASSES.length).sort()).toEqual([...CLASSES].sort());
  });

  test("take a few milliseconds each once the sprites are drawn", async () => {
    const size = { width: 320, height: 240 };
    for (let i = 0; i < 12; i++) await syntheticPicture(3, i, CLASSES, { size });
    const drawAgain = async () => {
      for (let i = 0; i < 12; i++) await syntheticPicture(3, i, CLASSES, { size });
    };
    // 5 ms; the bound only catches a cache that stopped to work.
    expect((await cpuMsOf(drawAgain)) / 12).toBeLessThan(60);
  });
});
