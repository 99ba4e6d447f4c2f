import { expect, test } from "bun:test";
import { inputBytes } from "../../../shared/detect/input.ts";
import { ChunkDrawer } from "../../../shared/learn/chunk.ts";
import { packPictures, unpackPictures } from "../../../shared/learn/picture-pack.ts";
import { type LearningPlan, planFor } from "../../../shared/learn/plan.ts";
import { InlineSource, ThreadSource } from "../../../shared/learn/preparer.ts";
import { blockPictures } from "../../support/blocks.ts";

const pictures = blockPictures(12, 3, 60).toSorted((a, b) => (a.id < b.id ? -1 : 1));
const plan = planFor(
  { network: { kind: "detector", size: 64, variant: "small" }, chunkSize: 4 },
  { classes: ["a", "b", "c"], pictures: pictures.length },
);
const still = { ...plan, augmentation: { ...plan.augmentation, visibleMin: 0, shift: 0 } };

const PLAIN = { mosaic: false, heldOutToo: false };

function drawerOf(plan: LearningPlan, heldOut: typeof pictures = []): ChunkDrawer {
  const pack = packPictures(pictures, heldOut);
  return new ChunkDrawer(plan, unpackPictures(pack), pack.trainCount);
}

test("packed pictures come back as they were, by id", () => {
  unpackPictures(packPictures(pictures.toReversed())).forEach(({ full, labels }, i) => {
    expect(full).toEqual(pictures[i]!.picture);
    expect(labels).toEqual(pictures[i]!.labels);
  });
});

test("every epoch shows every picture once, whichever chunks are drawn where", () => {
  const drawer = drawerOf(still);
  const pixels = new Uint8Array(4 * inputBytes(plan.network));
  const classes = (chunks: number[]): number[] =>
    chunks.flatMap((chunk) => [...drawer.draw(chunk, PLAIN, pixels).classes]).sort();
  const each = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2];
  expect(classes([0, 1, 2])).toEqual(each);
  expect(classes([5, 4, 3])).toEqual(each);
});

test("pictures held out are drawn only when that is over", () => {
  const heldOut = blockPictures(4, 1, 60, 2).map((picture) => ({
    ...picture,
    labels: picture.labels.map(({ box }) => ({ classIndex: 2, box })),
  }));
  const train = pictures.filter(({ labels }) => labels[0]!.classIndex !== 2);
  const pack = packPictures(train, heldOut);
  const drawer = new ChunkDrawer(still, unpackPictures(pack), pack.trainCount);
  const pixels = new Uint8Array(4 * inputBytes(plan.network));
  const drawn = (heldOutToo: boolean, mosaic: boolean): Set<number> =>
    new Set(
      [0, 1, 2, 3, 4, 5].flatMap((chunk) => [...drawer.draw(chunk, { mosaic, heldOutToo }, pixels).classes]),
    );
  expect(drawn(false, true)).toEqual(new Set([0, 1]));
  expect(drawn(true, false)).toEqual(new Set([0, 1, 2]));
});

test("a thread beside draws what this thread would draw, also when another chunk was expected", async () => {
  const pack = packPictures(pictures);
  await using inline = new InlineSource(plan, pack);
  await using thread = new ThreadSource(plan, pack);
  const mosaic = { mosaic: true, heldOutToo: false };
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
  const plain = await thread.get(4, PLAIN);
  expect(plain.pixels).toEqual((await inline.get(4, PLAIN)).pixels);
});

test("a chunk that is waited for is refused when the source closes", async () => {
  const thread = new ThreadSource(plan, packPictures(pictures));
  const waiting = thread.get(0, PLAIN);
  await thread[Symbol.asyncDispose]();
  await expect(waiting).rejects.toMatchObject({ kind: "cancelled" });
  await expect(thread.get(1, PLAIN)).rejects.toMatchObject({ kind: "cancelled" });
});

test("the face network's pictures are grey and fill its input", () => {
  const faces = planFor({ network: { kind: "mlp" }, chunkSize: 2 }, { classes: ["a", "b"], pictures: 12 });
  const drawer = drawerOf(faces);
  const pixels = new Uint8Array(2 * 80 * 96);
  const { starts } = drawer.draw(0, { mosaic: true, heldOutToo: false }, pixels);
  expect([...starts]).toEqual([0, 1, 2]);
  expect(new Set(pixels).size).toBeGreaterThan(20);
});
