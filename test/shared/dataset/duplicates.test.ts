import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { findDuplicates } from "../../../shared/dataset/duplicates.ts";
import { fingerprintPictures, signatureOf } from "../../../shared/dataset/duplicates-signature.ts";
import { syntheticPicture } from "../../../shared/dataset/synthetic/picture.ts";
import { encodeJpeg, encodePng } from "../../../shared/image/codec.ts";
import { resizeBilinear } from "../../../shared/image/resize.ts";
import type { Picture } from "../../../shared/image/types.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { tempFolder } from "../../support/temp.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

async function drawn(index: number): Promise<Picture> {
  const size = { width: 320, height: 240 };
  return (await syntheticPicture(5, index, ["car", "bus", "parrot"], { size })).picture;
}

/** Writes the files, reads them as `vigia inspect` does, and names the groups' members. */
async function groupsOf(files: Readonly<Record<string, Uint8Array>>): Promise<string[]> {
  using folder = tempFolder();
  const names = Object.keys(files);
  const paths = names.map((name) => join(folder.path, name));
  names.forEach((name, i) => {
    writeFileSync(paths[i]!, files[name]!);
  });
  const groups = findDuplicates(await fingerprintPictures(paths));
  return groups.map(({ kind, members }) => `${kind}: ${members.map((member) => names[member]).join(" ")}`);
}

describe("copies", () => {
  test("of the same bytes are exact, saved again or resized they are near, and other pictures are neither", async () => {
    const [first, second, third] = [await drawn(0), await drawn(1), await drawn(2)];
    const jpeg = await encodeJpeg(first, 90);
    const groups = await groupsOf({
      "first.jpg": jpeg,
      "second.jpg": await encodeJpeg(second, 90),
      "first again.jpg": jpeg,
      "third.jpg": await encodeJpeg(third, 90),
      "second, poor.jpg": await encodeJpeg(second, 25),
      "second, half.png": await encodePng(resizeBilinear(second, 160, 120)),
    });
    expect(groups).toEqual([
      "exact: first.jpg first again.jpg",
      "near: second.jpg second, poor.jpg second, half.png",
    ]);
  });

  test("that are brighter are found, for brightness plays no part", async () => {
    const picture = await drawn(0);
    const brighter = { ...picture, data: picture.data.map((level) => Math.min(255, level + 12)) };
    expect(await groupsOf({ a: await encodePng(picture), b: await encodePng(brighter) })).toEqual([
      "near: a b",
    ]);
  });

  test("are told from frames of one camera in which something else stands", async () => {
    const before = await drawn(0);
    const after = { ...before, data: before.data.slice() };
    for (let y = 90; y < 150; y++)
      after.data.fill(y < 120 ? 0 : 255, (y * 320 + 100) * 3, (y * 320 + 160) * 3);
    expect(await groupsOf({ a: await encodePng(before), b: await encodePng(after) })).toEqual([]);
  });

  test("are not claimed of empty pictures, which have nothing to be recognised by", async () => {
    const flat = (level: number): Picture => ({
      width: 64,
      height: 64,
      data: new Uint8Array(64 * 64 * 3).fill(level),
    });
    expect(await groupsOf({ a: await encodePng(flat(10)), b: await encodePng(flat(200)) })).toEqual([]);
  });
});

test("a picture that cannot be decoded is said to be damaged, and its copies are still found", async () => {
  using folder = tempFolder();
  const whole = await encodeJpeg(await drawn(0), 90);
  const paths = ["a.jpg", "b.jpg", "missing.jpg"].map((name) => join(folder.path, name));
  for (const path of paths.slice(0, 2)) writeFileSync(path, whole.subarray(0, whole.length / 2));
  const read = await fingerprintPictures(paths);
  expect(read.map(({ damage }) => damage?.includes("cut short"))).toEqual([true, true, false]);
  expect(read[2]!.damage).toContain("cannot be opened");
  expect(findDuplicates(read)).toEqual([{ kind: "exact", members: [0, 1], difference: 0 }]);
});

test("a signature hardly depends on the picture's size", async () => {
  const picture = await drawn(3);
  const small = signatureOf(resizeBilinear(picture, 64, 64));
  signatureOf(picture).forEach((level, i) => {
    expect(Math.abs(level - small[i]!)).toBeLessThan(3);
  });
});
