import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openLearning } from "../../../roles/worker/learning.ts";
import { encodeShard } from "../../../shared/dataset/prepared.ts";
import { planFor } from "../../../shared/learn/plan.ts";
import { blockPictures } from "../../support/blocks.ts";
import { tempFolder } from "../../support/temp.ts";

test("the pictures kept aside are learnt from late, and not before", async () => {
  using folder = tempFolder();
  const pictures = blockPictures(16, 2, 60);
  const shard = (name: string, split: "train" | "val", from: number, to: number) => {
    const path = join(folder.path, name);
    writeFileSync(path, encodeShard(pictures.slice(from, to)));
    return { path, split };
  };
  const train = shard("train", "train", 0, 4);
  const aside = shard("aside", "val", 4, 16);
  const network = { kind: "detector", size: 64, variant: "small" } as const;
  const plan = planFor({ network, chunkSize: 4 }, { classes: ["a", "b"], pictures: 4 });
  const lossAt = async (shards: (typeof train)[], progress: number) => {
    await using learning = await openLearning(plan, shards, { device: "cpu", threads: 1 });
    const weights = learning.startWeights();
    const request = { weights, firstChunk: 3, chunkCount: 1, nextChunk: 4, progress, scale: 1 };
    return (await learning.computeChunks(request, new AbortController().signal)).loss;
  };
  const [early, late] = [plan.heldOutUntil - 0.01, plan.heldOutUntil + 0.01];
  expect(await lossAt([train, aside], early)).toEqual(await lossAt([train], early));
  expect(await lossAt([train, aside], late)).not.toEqual(await lossAt([train], late));
}, 20_000);
