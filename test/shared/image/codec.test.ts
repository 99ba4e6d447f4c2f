import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import type { AppError } from "../../../shared/base/errors.ts";
import {
  decodePicture,
  decodePictureFile,
  encodeJpeg,
  encodePng,
  pictureFileSize,
  readPictureFile,
} from "../../../shared/image/codec.ts";
import type { Picture } from "../../../shared/image/types.ts";
import { appErrorOf } from "../../support/app-error.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { tempFolder } from "../../support/temp.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const WIDTH = 48;
const HEIGHT = 32;

/** Left half red, right half blue, the top left quarter green: turned or mirrored, it looks different. */
function flag(): Picture {
  const data = new Uint8Array(WIDTH * HEIGHT * 3);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const isLeft = x < WIDTH / 2;
      const colour = isLeft ? (y < HEIGHT / 2 ? [0, 200, 0] : [220, 0, 0]) : [0, 0, 230];
      data.set(colour, (y * WIDTH + x) * 3);
    }
  }
  return { width: WIDTH, height: HEIGHT, data };
}

function flagSharp(): Sharp {
  const { width, height, data } = flag();
  return sharp(data, { raw: { width, height, channels: 3 } });
}

/** The largest channel's letter a quarter into the picture and three quarters into it. */
function cornersOf(picture: Picture): string {
  const letter = (x: number, y: number) => {
    const at = (Math.floor(y * picture.height) * picture.width + Math.floor(x * picture.width)) * 3;
    const [red = 0, green = 0, blue = 0] = picture.data.subarray(at, at + 3);
    if (red > green && red > blue) return "R";
    return green > blue ? "G" : "B";
  };
  return letter(0.2, 0.2) + letter(0.8, 0.2) + letter(0.2, 0.8) + letter(0.8, 0.8);
}

async function refusal(work: Promise<unknown>): Promise<AppError> {
  const error = await appErrorOf(work);
  expect(error.kind).toBe("input");
  return error;
}

let jpeg: Uint8Array;
beforeAll(async () => {
  jpeg = await encodeJpeg(flag(), 95);
});

describe("decoding", () => {
  test("a PNG comes back as it went in", async () => {
    const decoded = await decodePicture(await encodePng(flag()));
    expect(decoded).toMatchObject({
      width: WIDTH,
      height: HEIGHT,
      originalWidth: WIDTH,
      originalHeight: HEIGHT,
    });
    expect(Buffer.compare(decoded.data, flag().data)).toBe(0);
  });

  const forms: [string, () => Promise<Uint8Array>][] = [
    ["JPEG", () => flagSharp().jpeg().toBuffer()],
    ["progressive JPEG", () => flagSharp().jpeg({ progressive: true }).toBuffer()],
    ["CMYK JPEG", () => flagSharp().toColourspace("cmyk").jpeg().toBuffer()],
    ["16-bit PNG", () => flagSharp().toColourspace("rgb16").png().toBuffer()],
    ["palette PNG", () => flagSharp().png({ palette: true }).toBuffer()],
    ["PNG with alpha", () => flagSharp().ensureAlpha().png().toBuffer()],
    ["WebP", () => flagSharp().webp().toBuffer()],
    ["GIF", () => flagSharp().gif().toBuffer()],
    ["TIFF", () => flagSharp().tiff().toBuffer()],
    ["AVIF", () => flagSharp().avif({ effort: 0 }).toBuffer()],
    ["BMP", async () => bmpOf(flag())],
    [
      "PPM",
      async () => Buffer.concat([Buffer.from(`P6\n# made here\n${WIDTH} ${HEIGHT}\n255\n`), flag().data]),
    ],
    ["PPM of text", async () => Buffer.from(`P3 ${WIDTH} ${HEIGHT} 255\n${flag().data.join(" ")}\n`)],
  ];
  test.each(forms)("%s gives three channels of 8 bits", async (_, make) => {
    const decoded = await decodePicture(await make());
    expect(decoded).toMatchObject({ width: WIDTH, height: HEIGHT });
    expect(decoded.data.length).toBe(WIDTH * HEIGHT * 3);
    expect(cornersOf(decoded)).toBe("GBRB");
  });

  test.each([
    ["grey JPEG", () => flagSharp().greyscale().jpeg().toBuffer()],
    ["grey PNG with alpha", () => flagSharp().greyscale().ensureAlpha().png().toBuffer()],
    ["16-bit grey PNG", () => flagSharp().toColourspace("grey16").png().toBuffer()],
    [
      "PGM of 16 bits",
      async () => Buffer.concat([Buffer.from("P5 2 1 65535\n"), Buffer.from([255, 255, 0, 0])]),
    ],
  ])("%s gives three equal channels", async (_, make) => {
    const { data, width, height } = await decodePicture(await make());
    expect(data.length).toBe(width * height * 3);
    expect(data.every((value, i) => value === data[i - (i % 3)])).toBe(true);
  });

  test("transparent places are white", async () => {
    const clear = { create: { width: 8, height: 8, channels: 4, background: "#00000000" } } as const;
    const { data } = await decodePicture(await sharp(clear).png().toBuffer());
    expect(data.every((value) => value === 255)).toBe(true);
  });

  test("of an animation the first frame is taken", async () => {
    const colours = ["#ff0000", "#0000ff"];
    const frames = colours.map((background) =>
      sharp({ create: { width: 20, height: 10, channels: 3, background } })
        .png()
        .toBuffer(),
    );
    const film = sharp(await Promise.all(frames), { join: { animated: true } });
    const decoded = await decodePicture(await film.gif().toBuffer());
    expect(decoded).toMatchObject({ width: 20, height: 10 });
    expect([...decoded.data.subarray(0, 3)]).toEqual([255, 0, 0]);
  });

  test("the longest side is reduced to maxSide and never enlarged", async () => {
    expect(await decodePicture(jpeg, { maxSide: 24 })).toMatchObject({
      width: 24,
      height: 16,
      originalWidth: 48,
    });
    expect(await decodePicture(jpeg, { maxSide: 400 })).toMatchObject({ width: WIDTH, height: HEIGHT });
  });

  test("grey keeps only brightness", async () => {
    const { data } = await decodePicture(jpeg, { grey: true });
    expect(data.every((value, i) => value === data[i - (i % 3)])).toBe(true);
    expect(new Set(data).size).toBeGreaterThan(2);
  });

  const upright = ["GBRB", "BGBR", "BRBG", "RBGB", "GRBB", "RGBB", "BBRG", "BBGR"];
  test.each(upright.map((corners, i) => [i + 1, corners] as const))(
    "EXIF orientation %d is turned upright, in pixels and in size",
    async (orientation, corners) => {
      const bytes = await flagSharp().jpeg().withMetadata({ orientation }).toBuffer();
      const decoded = await decodePicture(bytes);
      const [width, height] = orientation >= 5 ? [HEIGHT, WIDTH] : [WIDTH, HEIGHT];
      expect(decoded).toMatchObject({ width, height, originalWidth: width, originalHeight: height });
      expect(cornersOf(decoded)).toBe(corners);
    },
  );
});

test("a JPEG is turned upright also where its EXIF comes after the frame's header", async () => {
  const turned = await flagSharp().jpeg().withMetadata({ orientation: 6 }).toBuffer();
  const from = turned.indexOf(Buffer.from([0xff, 0xe1]));
  const exif = turned.subarray(from, from + 2 + turned.readUInt16BE(from + 2));
  const rest = Buffer.concat([turned.subarray(0, from), turned.subarray(from + exif.length)]);
  const scan = rest.indexOf(Buffer.from([0xff, 0xda]));
  const late = await decodePicture(Buffer.concat([rest.subarray(0, scan), exif, rest.subarray(scan)]));
  expect([late.width, late.height]).toEqual([HEIGHT, WIDTH]);
  expect(late).toMatchObject({ originalWidth: HEIGHT, originalHeight: WIDTH });
});

describe("what is no good picture is refused, and why is said", () => {
  test("an empty file", async () => {
    expect((await refusal(decodePicture(new Uint8Array()))).message).toContain("empty");
  });

  test.each([
    ["text", Buffer.from("name,score\ncar,0.9\n")],
    ["an SVG", Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')],
    ["random bytes", Buffer.from(Array.from({ length: 400 }, (_, i) => (i * 167 + 13) & 255))],
  ])("%s", async (_, bytes) => {
    const error = await refusal(decodePicture(bytes));
    expect(error.message).toContain("not a picture");
    expect(error.hint).toContain("JPEG");
  });

  test.each([3, 20, 200, 0.3, 0.6, 0.95])("a JPEG cut at %p (bytes, or share of the file)", async (at) => {
    const length = at < 1 ? Math.floor(jpeg.length * at) : at;
    expect((await refusal(decodePicture(jpeg.subarray(0, length)))).message).toContain("cut short");
  });

  test("a cut JPEG that was closed with an end marker", async () => {
    const closed = Buffer.concat([jpeg.subarray(0, jpeg.length * 0.7), Buffer.from([0xff, 0xd9])]);
    expect((await refusal(decodePicture(closed))).message).toMatch(/cut short|damaged/);
  });

  test("stray bytes before a JPEG's end marker do no harm", async () => {
    const stray = Buffer.concat([jpeg.subarray(0, -2), Buffer.from([0, 1, 2, 3, 0xff, 0xd9])]);
    expect(cornersOf(await decodePicture(stray))).toBe("GBRB");
  });

  test("stray bytes between a JPEG's segments do no harm", async () => {
    const at = Buffer.from(jpeg).indexOf(Buffer.from([0xff, 0xc0]));
    const stray = Buffer.concat([jpeg.subarray(0, at), Buffer.from([0, 7, 1]), jpeg.subarray(at)]);
    expect(cornersOf(await decodePicture(stray))).toBe("GBRB");
  });

  test.each(["png", "webp", "gif", "tiff", "avif"] as const)("a cut %s", async (format) => {
    const whole = await flagSharp()[format]().toBuffer();
    await refusal(decodePicture(whole.subarray(0, Math.floor(whole.length * 0.6))));
    await refusal(decodePicture(whole.subarray(0, 14)));
  });

  test("a header that claims 60000 x 60000 pixels, before anything is decoded", async () => {
    const bomb = Buffer.from(jpeg);
    const frame = bomb.indexOf(Buffer.from([0xff, 0xc0]));
    bomb.writeUInt16BE(60_000, frame + 5);
    bomb.writeUInt16BE(60_000, frame + 7);
    expect((await refusal(decodePicture(bomb))).message).toContain("60000x60000");
    const text = Buffer.from("P3 16000 6000 255\n1 2 3");
    expect((await refusal(decodePicture(text))).message).toContain("cut short");
  });
});

describe("files", () => {
  test("a picture's size is read from its header alone, and turned", async () => {
    using folder = tempFolder();
    const path = join(folder.path, "turned.jpg");
    await Bun.write(path, await flagSharp().jpeg().withMetadata({ orientation: 6 }).toBuffer());
    expect(await pictureFileSize(path)).toEqual({ width: HEIGHT, height: WIDTH, orientation: 6 });
    // The header is there still, the last pixels are not: the size is known, and decoding says what is wrong.
    await truncate(path, Bun.file(path).size - 20);
    expect(await pictureFileSize(path)).toMatchObject({ width: HEIGHT });
    expect((await refusal(decodePictureFile(path))).message).toBe(`${path}: the picture is cut short`);
  });

  test("what is missing, a folder, or a device is refused by name", async () => {
    expect((await refusal(readPictureFile("/nowhere/a.jpg"))).message).toContain("/nowhere/a.jpg");
    expect((await refusal(decodePictureFile(tmpdir()))).message).toContain(tmpdir());
    expect((await refusal(pictureFileSize("/dev/zero"))).message).toContain("not a file");
  });
});

/** A 24-bit BMP, rows from bottom to top. */
function bmpOf({ width, height, data }: Picture): Uint8Array {
  const stride = (width * 3 + 3) & ~3;
  const out = Buffer.alloc(54 + stride * height);
  out.write("BM");
  out.writeUInt32LE(out.length, 2);
  out.writeUInt32LE(54, 10);
  out.writeUInt32LE(40, 14);
  out.writeInt32LE(width, 18);
  out.writeInt32LE(height, 22);
  out.writeUInt16LE(1, 26);
  out.writeUInt16LE(24, 28);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * 3;
      const to = 54 + (height - 1 - y) * stride + x * 3;
      for (let channel = 0; channel < 3; channel++) out[to + channel] = data[from + 2 - channel]!;
    }
  }
  return out;
}
