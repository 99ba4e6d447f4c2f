import { describe, expect, test } from "bun:test";
import { decodePicture, encodeJpeg } from "../../../shared/image/codec.ts";
import { classColour, drawBoxes, drawDetections } from "../../../shared/image/draw.ts";
import { GLYPH_HEIGHT, glyphsOf } from "../../../shared/image/font.ts";
import type { Picture } from "../../../shared/image/types.ts";

function plain(width: number, height: number, value: number): Picture {
  return { width, height, data: new Uint8Array(width * height * 3).fill(value) };
}

function coloursIn({ data }: Picture): Set<string> {
  const found = new Set<string>();
  for (let at = 0; at < data.length; at += 3) found.add(data.subarray(at, at + 3).join());
  return found;
}

describe("drawing detections", () => {
  test.each([0, 128, 255])("a box and its label show on a background of %d", (value) => {
    const picture = plain(200, 120, value);
    drawBoxes(picture, [{ box: [40, 50, 120, 100], label: "coche", score: 0.87, classIndex: 0 }]);
    const colours = coloursIn(picture);
    expect(colours).toContain(classColour(0).join());
    expect(colours).toContain("16,16,16");
    const inside = (75 * 200 + 80) * 3;
    expect([...picture.data.subarray(inside, inside + 3)]).toEqual([value, value, value]);
  });

  test("neighbouring classes have colours far apart", () => {
    for (let i = 0; i < 20; i++) {
      const [a, b] = [classColour(i), classColour(i + 1)];
      expect(Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2])).toBeGreaterThan(90);
    }
  });

  test("boxes over the edge, of no size or no number, and labels without end harm nothing", () => {
    const picture = plain(60, 40, 200);
    drawBoxes(picture, [
      { box: [-500, -500, 9000, 9000], label: "x".repeat(5000), score: 1 },
      { box: [30, 30, 30, 30], label: "" },
      { box: [59, 39, 70, 70], label: "ñandú" },
      { box: [Number.NaN, 0, 10, 10], label: "nothing" },
      { box: [0, 0, Number.POSITIVE_INFINITY, 10], label: "nothing" },
    ]);
    expect(picture.data.length).toBe(60 * 40 * 3);
  });

  test("a JPEG goes in and a JPEG of the same size comes out; a picture is not drawn into", async () => {
    const picture = plain(90, 60, 90);
    const boxes = [{ box: [10, 30, 60, 50], label: "perro", score: 0.5 }] as const;
    const fromJpeg = await drawDetections(await encodeJpeg(picture, 90), boxes);
    expect(await decodePicture(fromJpeg)).toMatchObject({ width: 90, height: 60 });
    await drawDetections(picture, boxes);
    expect(coloursIn(picture)).toEqual(new Set(["90,90,90"]));
  });
});

describe("letters", () => {
  test("every printable ASCII letter has a shape of its own", () => {
    const text = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).join("");
    const shapes = glyphsOf(text).map((glyph) => glyph.join());
    expect(new Set(shapes).size).toBe(94);
    expect(glyphsOf(" ")[0]).toEqual(new Array(GLYPH_HEIGHT).fill(0));
  });

  test("Spanish letters are drawn with their marks, composed or not", () => {
    const text = "áéíóúüñÁÉÍÓÚÜÑ¿¡";
    const bare = "aeiouunAEIOUUN?!";
    const shapes = glyphsOf(text).map(String);
    expect(new Set(shapes).size).toBe([...text].length);
    glyphsOf(bare).forEach((glyph, i) => {
      expect(shapes[i]).not.toBe(String(glyph));
    });
    expect(glyphsOf(text.normalize("NFD")).map(String)).toEqual(shapes);
  });

  test("a letter without a shape is a box, a control character nothing", () => {
    expect(String(glyphsOf("日"))).toBe(String(glyphsOf("本")));
    expect(glyphsOf("a\u0000\n\u001bb")).toHaveLength(2);
  });
});
