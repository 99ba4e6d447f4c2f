import { describe, expect, setDefaultTimeout, test } from "bun:test";
import sharp from "sharp";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { type Files, greyJpeg, objectXml, read, vocXml, whats } from "./voc-files.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const jpeg = await greyJpeg(100, 80);

describe("boxes", () => {
  async function boxesOf(objects: string, picture = jpeg, size?: [number, number]) {
    const dataset = await read({
      "a.jpg": picture,
      "a.xml": vocXml(objects + objectXml("zzz", [1, 1, 9, 9]), size),
    });
    const [sample] = Object.values(dataset.splits).flat();
    return {
      boxes: sample!.labels.slice(0, -1).map((label) => label.box),
      defects: whats(dataset).join(),
      sample,
    };
  }

  test("with exchanged corners are mended, over the edge clipped, of no size or outside dropped", async () => {
    expect(await boxesOf(objectXml("car", [50, 40, 10, 10]))).toMatchObject({ boxes: [[10, 10, 50, 40]] });
    expect((await boxesOf(objectXml("car", [50, 40, 10, 10]))).defects).toContain("exchanged, mended");
    const clipped = await boxesOf(objectXml("car", [-20, 10, 140, 500]));
    expect(clipped.boxes).toEqual([[0, 10, 100, 80]]);
    expect(clipped.defects).toContain("clipped");
    const sizeless = await boxesOf(objectXml("car", [10, 10, 10, 40]) + objectXml("car", [5, 5, 5, 5]));
    expect(sizeless.boxes).toEqual([]);
    expect(sizeless.defects).toContain("no size, dropped");
    const outside = await boxesOf(objectXml("car", [200, 200, 300, 300]));
    expect(outside.boxes).toEqual([]);
    expect(outside.defects).toContain("outside the picture, dropped");
  });

  test("that count their last pixel in are no defect", async () => {
    const { boxes, defects } = await boxesOf(objectXml("car", [0, 0, 101, 81]));
    expect(boxes).toEqual([[0, 0, 100, 80]]);
    expect(defects).toBe("");
  });

  test("belong to the picture's own size, not to what the XML claims", async () => {
    const { boxes, defects, sample } = await boxesOf(objectXml("car", [10, 10, 50, 40]), jpeg, [4000, 3000]);
    expect(boxes).toEqual([[10, 10, 50, 40]]);
    expect(sample).toMatchObject({ width: 100, height: 80 });
    expect(defects).toContain("4000x3000");
  });

  test("are scaled where the picture was made smaller after it was labelled, and only there", async () => {
    const boxes = async (box: number[], size: [number, number]) =>
      (await boxesOf(objectXml("car", box), jpeg, size)).boxes;
    expect(await boxes([20, 40, 180, 120], [200, 160])).toEqual([[10, 20, 90, 60]]);
    expect(await boxes([20, 40, 90, 70], [200, 160])).toEqual([[20, 40, 90, 70]]);
    expect(await boxes([20, 40, 180, 70], [200, 100])).toEqual([[20, 40, 100, 70]]);
  });

  test("marked as difficult stay so", async () => {
    const objects = objectXml("car", [1, 1, 9, 9]).replace(">0</difficult", ">1</difficult");
    const { sample } = await boxesOf(objects);
    expect(sample!.labels.map(({ difficult }) => difficult)).toEqual([true, undefined]);
  });

  test("follow a turned picture: drawn on the pixels as stored, or on the upright picture", async () => {
    const turned = await sharp(jpeg).withMetadata({ orientation: 6 }).toBuffer();
    const asStored = await boxesOf(objectXml("car", [10, 10, 50, 40]), turned, [100, 80]);
    expect(asStored.sample).toMatchObject({ width: 80, height: 100 });
    expect(asStored.boxes).toEqual([[40, 10, 70, 50]]);
    const upright = await boxesOf(objectXml("car", [10, 10, 50, 40]), turned, [80, 100]);
    expect(upright.boxes).toEqual([[10, 10, 50, 40]]);
    expect(upright.defects).toBe("");
  });

  test("of a picture upside down, whose size tells nothing, are as in the data set's turned ones: upright, or as stored", async () => {
    const turned = (orientation: number) => sharp(jpeg).withMetadata({ orientation }).toBuffer();
    const [down, side] = await Promise.all([turned(3), turned(6)]);
    const object = objectXml("car", [10, 10, 50, 40]);
    const downwards = async (files: Files) => {
      const { splits } = await read({ "down.jpg": down, "down.xml": vocXml(object), ...files });
      return [splits.train, splits.test].flatMap((some) => some ?? []).find(({ id }) => id === "down")!
        .labels[0]!.box;
    };
    // Tools show pictures upright nowadays.
    expect(await downwards({})).toEqual([10, 10, 50, 40]);
    expect(await downwards({ "side.jpg": side, "side.xml": vocXml(object, [80, 100]) })).toEqual([
      10, 10, 50, 40,
    ]);
    expect(await downwards({ "side.jpg": side, "side.xml": vocXml(object, [100, 80]) })).toEqual([
      50, 40, 90, 70,
    ]);
  });
});
