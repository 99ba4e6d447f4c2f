import { beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { AppError, errorKind } from "../../shared/base/errors.ts";
import { decodePicture, encodeJpeg, encodePng } from "../../shared/image/codec.ts";
import { readHeader } from "../../shared/image/header.ts";
import type { Picture } from "../../shared/image/types.ts";

const picture: Picture = {
  width: 24,
  height: 16,
  data: Uint8Array.from({ length: 24 * 16 * 3 }, (_, i) => (i * 37) & 255),
};

let seeds: Uint8Array[] = [];
beforeAll(async () => {
  const ppm = Buffer.concat([Buffer.from("P6 24 16 255\n"), picture.data]);
  seeds = [await encodeJpeg(picture, 80), await encodePng(picture), ppm];
});

/** A real file with a few bytes changed, and perhaps its end cut off. */
const damaged = fc
  .record({
    seed: fc.nat(2),
    changes: fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), { maxLength: 4 }),
    keep: fc.double({ min: 0, max: 1, noNaN: true }),
    isCut: fc.boolean(),
  })
  .map(({ seed, changes, keep, isCut }) => {
    const bytes = Uint8Array.from(seeds[seed]!);
    for (const [place, value] of changes) bytes[Math.floor(place * (bytes.length - 1))] = value;
    return isCut ? bytes.subarray(0, Math.floor(keep * bytes.length)) : bytes;
  });

test("whatever the bytes, decoding gives a whole picture or an `input` error", async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(damaged, fc.uint8Array({ maxLength: 200 })), async (bytes) => {
      try {
        const { width, height, data } = await decodePicture(bytes, { maxSide: 64 });
        expect(data.length).toBe(width * height * 3);
      } catch (error) {
        expect(error).toBeInstanceOf(AppError);
        expect(errorKind(error)).toBe("input");
      }
    }),
    { seed: 17, numRuns: 400 },
  );
});

test("a header never reads past its bytes, wherever they end", () => {
  for (const seed of seeds) {
    const whole = readHeader(seed);
    expect(whole).toMatchObject({ width: 24, height: 16 });
    for (let length = 0; length < Math.min(seed.length, 700); length++) {
      const header = readHeader(seed.subarray(0, length));
      if (typeof header === "object") expect<unknown>(header).toEqual(whole);
    }
  }
});
