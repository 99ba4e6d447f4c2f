import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { AppError, errorKind } from "../../../shared/base/errors.ts";
import { Random } from "../../../shared/base/random.ts";
import {
  decodeShard,
  encodeShard,
  type PreparedPicture,
  preparePicture,
} from "../../../shared/dataset/prepared.ts";
import { splitByHash } from "../../../shared/dataset/split.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { greyJpeg } from "./voc-files.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

function prepared(seed: number): PreparedPicture {
  const random = new Random(seed);
  const width = 1 + random.below(30);
  const height = 1 + random.below(30);
  const [x1, y1] = [random.unit() / 2, random.unit() / 2];
  return {
    id: `picture ñ ${seed}`,
    picture: {
      width,
      height,
      data: Uint8Array.from({ length: width * height * 3 }, () => random.below(256)),
    },
    originalWidth: width * 3,
    originalHeight: height * 3,
    labels: [
      { classIndex: random.below(5), box: [x1, y1, x1 + 0.4, y1 + 0.3] },
      { classIndex: 0, box: [0, 0, 1, 1], difficult: true },
    ],
  };
}

describe("preparing a picture", () => {
  const label = { classIndex: 2, box: [10, 20, 100, 80] as const, difficult: true };
  const sample = { id: "a", path: "a.jpg", labels: [label] };

  test("reduces it to the cache's side and puts its boxes in shares", async () => {
    const got = await preparePicture(sample, 50, await greyJpeg(100, 80));
    expect(got).toMatchObject({ id: "a", originalWidth: 100, originalHeight: 80 });
    expect(got.picture).toMatchObject({ width: 50, height: 40 });
    expect(got.labels).toEqual([{ ...label, box: [0.1, 0.25, 1, 1] }]);
  });

  test("never enlarges it", async () => {
    const got = await preparePicture(sample, 500, await greyJpeg(100, 80));
    expect(got.picture).toMatchObject({ width: 100, height: 80 });
  });

  test("names a picture that cannot be decoded", async () => {
    const cut = (await greyJpeg(100, 80)).subarray(0, -8);
    await expect(preparePicture(sample, 50, cut)).rejects.toThrow("a.jpg: the picture is cut short");
  });
});

describe("a shard", () => {
  test("gives back what was put in", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { maxLength: 6 }), (seeds) => {
        const pictures = seeds.map(prepared);
        expect(decodeShard(encodeShard(pictures))).toEqual(pictures);
      }),
      { seed: 5, numRuns: 30 },
    );
  });

  test("is the same bytes for the same pictures", () => {
    const pictures = [prepared(1), prepared(2)];
    const again = encodeShard(decodeShard(encodeShard(pictures)));
    expect(Buffer.compare(again, encodeShard(pictures))).toBe(0);
  });

  test("that is cut, changed or not one is refused, never misread", () => {
    const shard = encodeShard([prepared(1), prepared(2), prepared(3)]);
    fc.assert(
      fc.property(
        fc.nat(shard.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        (at, change, cut) => {
          const bad = cut
            ? shard.slice(0, at)
            : Uint8Array.from(shard, (b, i) => (i === at ? b ^ change : b));
          try {
            for (const { picture, labels } of decodeShard(bad)) {
              expect(picture.data.length).toBe(picture.width * picture.height * 3);
              for (const { box } of labels) expect(Math.min(...box) >= 0 && Math.max(...box) <= 1).toBe(true);
            }
          } catch (error) {
            expect(error).toBeInstanceOf(AppError);
            expect(errorKind(error)).toBe("input");
          }
        },
      ),
      { seed: 2, numRuns: 200 },
    );
  });

  test("cannot make the reader set aside more than it claims", () => {
    const bomb = zstdCompressSync(Buffer.alloc(100e6));
    const head = Buffer.from("VGSH\u0001\0\0\0\0\0\0\0", "latin1");
    for (const claimed of [10, 0xffffffff]) {
      head.writeUInt32LE(claimed, 8);
      expect(() => decodeShard(Buffer.concat([head, bomb]))).toThrow("the shard cannot be used");
    }
  });

  test("refuses sides, labels and sizes out of bounds", () => {
    const good = prepared(4);
    const { width, height, data } = good.picture;
    const bad: PreparedPicture[] = [
      { ...good, picture: { width: 0, height, data: new Uint8Array() } },
      { ...good, picture: { width, height: height + 1, data } },
      { ...good, originalWidth: 60_000 },
      { ...good, labels: [{ classIndex: 0, box: [0.5, 0, 0.5, 1] }] },
      { ...good, labels: [{ classIndex: 0, box: [0, 0, 1.5, 1] }] },
      { ...good, labels: [{ classIndex: 60_000, box: [0, 0, 1, 1] }] },
    ];
    for (const picture of bad)
      expect(() => decodeShard(encodeShard([picture]))).toThrow("the shard cannot be used");
  });
});

test("splitting by hash depends on ids alone and leaves no group empty-handed", () => {
  const items = Array.from({ length: 50 }, (_, i) => ({ id: `p${i}`, group: String(i % 7) }));
  const { kept, taken } = splitByHash(items, 0.2, (item) => [item.group]);
  expect(splitByHash(items.toReversed(), 0.2, (item) => [item.group])).toEqual({ kept, taken });
  expect(kept.length + taken.length).toBe(50);
  expect(new Set(taken.map((item) => item.group)).size).toBe(7);
  expect(splitByHash([{ id: "one" }], 0.5)).toEqual({ kept: [{ id: "one" }], taken: [] });
});

test("splitting by hash gives each class its share, and keeps the only picture of one", () => {
  const classesOf = (i: number) => [
    i % 3 === 0 ? [] : ["common"],
    i < 10 ? ["rare"] : [],
    i === 7 ? ["once"] : [],
  ];
  const items = Array.from({ length: 100 }, (_, i) => ({ id: `p${i}`, classes: classesOf(i).flat() }));
  const { taken } = splitByHash(items, 0.2, (item) => item.classes);
  const count = (name: string) => taken.filter(({ classes }) => classes.includes(name)).length;
  expect([count("common"), count("rare"), count("once")]).toEqual([13, 2, 0]);
  expect(Math.abs(taken.length - 20)).toBeLessThanOrEqual(1);
  const only = [
    { id: "a", classes: ["x"] },
    { id: "b", classes: ["x", "y"] },
  ];
  expect(splitByHash(only, 0.2, (item) => item.classes).taken.map(({ id }) => id)).toEqual(["a"]);
});
