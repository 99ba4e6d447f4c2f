import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import sharp from "sharp";
import { AppError } from "../../../shared/base/errors.ts";
import { className, parseVoc, turnBox } from "../../../shared/dataset/voc.ts";
import type { Box } from "../../../shared/detect/types.ts";
import { decodePicture } from "../../../shared/image/codec.ts";
import { cpuMsOf } from "../../support/cpu-time.ts";
import { objectXml, vocXml } from "./voc-files.ts";

const parse = (text: string) => parseVoc(Buffer.from(text));

/** An object of whatever form. */
const objectOf = (shape: string) => `<object><name>car</name>${shape}</object>`;

function refusal(bytes: Uint8Array): AppError {
  try {
    parseVoc(bytes);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error("was not refused");
}

describe("a VOC file", () => {
  test("gives its size, names and boxes; parts of an object are not objects", () => {
    const person = objectXml("person", [1, 2, 30, 40]).replace(
      "</object>",
      "<part><name>head</name><bndbox><xmin>5</xmin><ymin>5</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></part></object>",
    );
    const read = parse(vocXml(person + objectXml("dog", [" 5.5", "6", "7e1", "8"])));
    expect(read).toMatchObject({ width: 100, height: 80, problems: [] });
    expect(read.objects).toEqual([
      { name: "person", box: [1, 2, 30, 40] },
      { name: "dog", box: [5.5, 6, 70, 8] },
    ]);
  });

  test("may write bare ampersands and decimal commas, and be of 16 bits without a mark", () => {
    const xml = vocXml(objectXml("Tom & Jerry &amp; &#241;", ["1,5", "2", "30,25", "40"]));
    const objects = [{ name: "Tom & Jerry & \u00f1", box: [1.5, 2, 30.25, 40] }];
    expect(parse(xml)).toMatchObject({ objects, problems: [] });
    expect(parseVoc(Buffer.from(xml, "utf16le")).objects).toEqual(objects as never);
  });

  test("may write its elements in capitals, after blank lines, and mark objects as difficult", () => {
    const hard = objectXml("car", [1, 2, 3, 4]).replace(">0</difficult", "> 1 </difficult");
    const read = parse(`\n\n${vocXml(hard + objectXml("Car", [1, 2, 3, 4]))}`);
    expect(read.objects.map(({ name, difficult }) => [name, difficult])).toEqual([
      ["car", true],
      ["Car", undefined],
    ]);
    const capitals = vocXml(hard).replace(
      /<(\/?)(\w)/g,
      (_, slash, letter) => `<${slash}${letter.toUpperCase()}`,
    );
    expect(parse(capitals)).toMatchObject({ width: 100, objects: [{ name: "car", box: [1, 2, 3, 4] }] });
  });

  test("may lack its end tag after a whole object, or have text after it, and this is said", () => {
    const whole = vocXml(objectXml("car", [1, 2, 3, 4]));
    const objects = [{ name: "car", box: [1, 2, 3, 4] as const }];
    const endless = parse(whole.replace("</annotation>", "\n"));
    expect(endless).toMatchObject({ objects, problems: [expect.stringContaining("lacks its end tag")] });
    const longer = parse(`${whole}\n</annotation >\n x`.replace("</annotation>", ""));
    expect(longer).toMatchObject({ objects, problems: [expect.stringContaining("text after its end tag")] });
    expect(refusal(Buffer.from(whole.replace("</bndbox></object></annotation>", ""))).message).toContain(
      "XML",
    );
  });

  test("without objects is a picture of nothing", () => {
    expect(parse(vocXml("")).objects).toEqual([]);
  });

  test.each([
    ["no name", objectXml("", [1, 2, 3, 4]), "has no name"],
    ["a name of blanks", objectXml(" \n ", [1, 2, 3, 4]), "has no name"],
    ["a very long name", objectXml("x".repeat(300), [1, 2, 3, 4]), "300 letters"],
    ["no box", "<object><name>car</name></object>", "no <bndbox>"],
    ["a polygon of a point", objectOf("<polygon><pt><x>1</x><y>1</y></pt></polygon>"), "no <bndbox>"],
    [
      "a polygon of words",
      objectOf("<polygon><x1>a</x1><y1>1</y1><x2>2</x2><y2>3</y2><x3>3</x3></polygon>"),
      "not four numbers",
    ],
    ["a turned box without an angle", objectOf("<robndbox><cx>1</cx></robndbox>"), "not four numbers"],
    ["NaN", objectXml("car", ["NaN", 2, 3, 4]), "not four numbers"],
    ["words", objectXml("car", ["left", 2, 3, 4]), "not four numbers"],
    ["an empty number", objectXml("car", ["", 2, 3, 4]), "not four numbers"],
    ["an absurd number", objectXml("car", [1, 2, 1e300, 4]), "not four numbers"],
    ["infinity", objectXml("car", [1, 2, "Infinity", 4]), "not four numbers"],
  ])("an object with %s is dropped and named, the others stay", (_, bad, why) => {
    const read = parse(vocXml(bad + objectXml("dog", [1, 2, 3, 4])));
    expect(read.objects.map((object) => object.name)).toEqual(["dog"]);
    expect(read.problems.join()).toContain(why);
    expect(read.problems.join()).toContain("object 1");
  });

  test.each([
    [
      "a polygon of numbered corners",
      "<polygon><x1>5</x1><y1>9</y1><x2>7</x2><y2>1</y2><x3>2</x3><y3>4</y3></polygon>",
    ],
    [
      "a polygon of points",
      "<polygon><pt><x>5</x><y>9</y></pt><pt><x>7</x><y>1</y></pt><pt><x>2</x><y>4,0</y></pt></polygon>",
    ],
    [
      "a turned box",
      "<robndbox><cx>4.5</cx><cy>5</cy><w>8</w><h>5</h><angle>1.5707963267948966</angle></robndbox>",
    ],
    [
      "a box beside a polygon",
      "<polygon><x1>50</x1></polygon><bndbox><xmin>2</xmin><ymin>1</ymin><xmax>7</xmax><ymax>9</ymax></bndbox>",
    ],
  ])("an object with %s has the box about it", (_, shape) => {
    const [object] = parse(vocXml(objectOf(shape))).objects;
    expect(object!.box.map((side) => Math.round(side * 1e6) / 1e6)).toEqual([2, 1, 7, 9]);
  });

  test("has no more than 2000 objects", () => {
    const read = parse(vocXml(objectXml("car", [1, 2, 3, 4]).repeat(2001)));
    expect(read.objects).toHaveLength(2000);
    expect(read.problems.join()).toContain("2001 objects");
  });

  test("may be UTF-8, UTF-16 or an older alphabet", () => {
    const text = vocXml(objectXml("piñón", [1, 2, 3, 4]));
    const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, "utf16le")]);
    for (const bytes of [
      Buffer.from(text),
      Buffer.from(`\ufeff${text}`),
      utf16,
      Buffer.from(text, "latin1"),
    ]) {
      expect(parseVoc(bytes).objects[0]?.name).toBe("piñón");
    }
  });

  test("escapes in names are undone; names that look the same are the same", () => {
    const names = ["Tom &amp; Jerry", "a &lt; b", "&#241;and&#xFA;"];
    const read = parse(vocXml(names.map((name) => objectXml(name, [1, 2, 3, 4])).join("")));
    expect(read.objects.map((object) => object.name)).toEqual(["Tom & Jerry", "a < b", "ñandú"]);
    expect(className("  caf\u0065\u0301 \t 1\u0007 ")).toBe("café 1");
  });
});

describe("a DOCTYPE", () => {
  const annotation = vocXml(objectXml("car", [1, 2, 3, 4])).replace(/^<\?xml.*?\?>/, "");
  test.each([
    ["a name", "<!DOCTYPE annotation>"],
    ["a file", `<!DOCTYPE annotation SYSTEM "http://host/voc.dtd">`],
    ["a public name", `<!doctype annotation PUBLIC "-//VOC//DTD >]" 'voc.dtd' >`],
    ["declarations", `<!DOCTYPE annotation [\n<!ELEMENT name (#PCDATA)><!-- ]> "it's --><?x ]> ?>\n]>`],
    ["what stands before it", `<?xml version="1.0"?>\n<!-- <!DOCTYPE y [ -->\n<!DOCTYPE annotation>`],
  ])("of %s is passed over", (_, doctype) => {
    expect(parse(` \n${doctype}${annotation}`).objects).toEqual([{ name: "car", box: [1, 2, 3, 4] }]);
  });

  const bomb = `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">${"abcdefgh"
    .split("")
    .map((name, i, all) => (i === 0 ? "" : `<!ENTITY ${name} "${`&${all[i - 1]};`.repeat(10)}">`))
    .join("")}]>`;
  test.each([
    ["that expand themselves", bomb, "h"],
    ["that read files", `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>`, "a"],
    ["that stand for themselves", `<!DOCTYPE x [<!ENTITY a "&a;">]>`, "a"],
  ])("with entities %s expands none", (_, doctype, entity) => {
    const read = parse(doctype + annotation.replace("car", `&${entity};`));
    expect(read.objects).toEqual([{ name: `&${entity};`, box: [1, 2, 3, 4] }]);
  });
});

describe("a hostile file is refused and costs nothing", () => {
  test.each([
    ["a DOCTYPE without an end", `<!DOCTYPE x [${"<!-- ".repeat(500_000)}${vocXml("")}`, "DOCTYPE"],
    ["a quote without an end", `<!DOCTYPE x "${vocXml("").replaceAll('"', "")}`, "DOCTYPE"],
    ["an empty file", "", "empty"],
    ["blanks", " \n ", "empty"],
    ["text", "hello", "XML"],
    ["a cut file", vocXml(objectXml("car", [1, 2, 3, 4])).slice(0, 200), "XML"],
    ["crossed elements", "<annotation><object></annotation></object>", "XML"],
    ["another root", "<html><body/></html>", "<annotation>"],
    ["100,000 nested elements", "<a>".repeat(100_000) + "</a>".repeat(100_000), "XML"],
    ["5 MB", `<annotation>${" ".repeat(5e6)}</annotation>`, "too large"],
  ])("%s", async (_, text, why) => {
    const tookMs = await cpuMsOf(() => {
      const error = refusal(Buffer.from(text));
      expect(error.kind).toBe("input");
      expect(error.message).toContain(why);
    });
    expect(tookMs).toBeLessThan(2000);
  });

  test("any bytes at all", () => {
    const text = vocXml(objectXml("car", [1, 2, 3, 4]));
    const cutAndChanged = fc.tuple(fc.nat(text.length - 1), fc.string({ maxLength: 6 })).map(([at, put]) => {
      return Buffer.from(text.slice(0, at) + put + text.slice(at + put.length));
    });
    const anything = fc.oneof(fc.uint8Array({ maxLength: 300 }), cutAndChanged);
    fc.assert(
      fc.property(anything, (bytes) => {
        try {
          for (const { name, box } of parseVoc(bytes).objects) {
            expect(name.length).toBeGreaterThan(0);
            expect(box.every(Number.isFinite)).toBe(true);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(AppError);
        }
      }),
      { seed: 11, numRuns: 300 },
    );
  });

  test("names like __proto__ are names", () => {
    const read = parse(vocXml(objectXml("__proto__", [1, 2, 3, 4]) + objectXml("constructor", [1, 2, 3, 4])));
    expect(read.objects.map((object) => object.name)).toEqual(["__proto__", "constructor"]);
  });
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  "a box turns with its picture by EXIF orientation %d",
  async (orientation) => {
    const [width, height] = [40, 24];
    const box: Box = [4, 6, 20, 10];
    const data = new Uint8Array(width * height * 3);
    for (let y = box[1]; y < box[3]; y++) data.fill(255, (y * width + box[0]) * 3, (y * width + box[2]) * 3);
    const stored = sharp(data, { raw: { width, height, channels: 3 } });
    const picture = await decodePicture(await stored.png().withMetadata({ orientation }).toBuffer());

    const [x1, y1, x2, y2] = turnBox(box, orientation, width, height);
    expect([x1 < x2, y1 < y2]).toEqual([true, true]);
    for (let y = 0; y < picture.height; y++) {
      for (let x = 0; x < picture.width; x++) {
        const isInside = x >= x1 && x < x2 && y >= y1 && y < y2;
        expect(picture.data[(y * picture.width + x) * 3]).toBe(isInside ? 255 : 0);
      }
    }
  },
);
