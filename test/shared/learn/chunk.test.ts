import { expect, test } from "bun:test";
import { inputBytes } from "../../../shared/detect/input.ts";
import { ChunkDrawer } from "../../../shared/learn/chunk.ts";
import { packPictures, unpackPictures } from "../../../shared/learn/picture-pack.ts";
import { planFor } from "../../../shared/learn/plan.ts";
import { InlineSource, ThreadSource } from "../../../shared/learn/preparer.ts";
import { blockPictures } from "../../support/blocks.ts";

const pictures = blockPictures(12, 3, 60);
const plan = planFor(
  { network: { kind: "detector", size: 64, variant: "small" }, chunkSize: 4 },
  { classes: ["a", "b", "c"], pictures: pictures.length },
);
const still = { ...plan, augmentation: { ...plan.augmentation, visibleMin: 0, shift: 0 } };

test("packed pictures come back as they were", () => {
  unpackPictures(packPictures(pictures)).forEach(({ full, labels }, i) => {
    expect(full).toEqual(pictures[i]!.picture);
    expect(labels).toEqual(pictures[i]!.labels);
  });
});

test("every epoch shows every picture once, whichever chunks are drawn where", () => {
  const drawer = new ChunkDrawer(still, unpackPictures(packPictures(pictures)));
  const pixels = new Uint8Array(4 * inputBytes(plan.network));
  const classes = (chunks: number[]): number[] =>
    chunks.flatMap((chunk) => [...drawer.draw(chunk, { mosaic: false }, pixels).classes]).sort();
  const each = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2];
  expect(classes([0, 1, 2])).toEqual(each);
  expect(classes([5, 4, 3])).toEqual(each);
});

test("a thread beside draws what this thread would draw, also when another chunk was expected", async () => {
  const pack = packPictures(pictures);
  await using inline = new InlineSource(plan, pack);
  await using thread = new ThreadSource(plan, pack);
  const mosaic = { mosaic: true };
  for (const [chunk, expected] of [
    [0, 1],
    [1, 7],
    [2, 3],
    [3, 4],
  ] as const) {
    const theirs = await thread.get(chunk, mosaic);
    thread.expect(expected, mosaic);
    const ours = await inline.get(chunk, mosaic);
    expect(theirs.targets).toEqual(ours.targets);
    expect(theirs.pixels).toEqual(ours.pixels);
  }
  // Prepared with mosaics, asked for without.
  const plain = await thread.get(4, { mosaic: false });
  expect(plain.pixels).toEqual((await inline.get(4, { mosaic: false })).pixels);
});

test("a chunk that is waited for is refused when the source closes", async () => {
  const thread = new ThreadSource(plan, packPictures(pictures));
  const waiting = thread.get(0, { mosaic: true });
  await thread[Symbol.asyncDispose]();
  await expect(waiting).rejects.toMatchObject({ kind: "cancelled" });
  await expect(thread.get(1, { mosaic: true })).rejects.toMatchObject({ kind: "cancelled" });
});

test("the face network's pictures are grey and fill its input", () => {
  const faces = planFor({ network: { kind: "mlp" }, chunkSize: 2 }, { classes: ["a", "b"], pictures: 12 });
  const drawer = new ChunkDrawer(faces, unpackPictures(packPictures(pictures)));
  const pixels = new Uint8Array(2 * 80 * 96);
  const { starts } = drawer.draw(0, { mosaic: true }, pixels);
  expect([...starts]).toEqual([0, 1, 2]);
  expect(new Set(pixels).size).toBeGreaterThan(20);
});
