/**
 * What it costs in quality that workers step by themselves: the same seeded training by four members in memory, numbers
 * in int8, with so many steps between two rings. Quality is mAP50 of the mean weights after as many samples: on easy
 * pictures, or on the test pictures of a data set: `npm run bench local-steps -- --data DATASET`.
 */
import { silentLog } from "../../shared/base/log.ts";
import { Random } from "../../shared/base/random.ts";
import { type PreparedPicture, preparePicture } from "../../shared/dataset/prepared.ts";
import { readDataset } from "../../shared/dataset/read.ts";
import { openLearner } from "../../shared/learn/learner.ts";
import { planFor } from "../../shared/learn/plan.ts";
import { openNativeEngine } from "../../shared/nn/native/engine.ts";
import { blockPictures } from "../support/blocks.ts";
import type { BenchSize, Figures, Given } from "./harness.ts";
import { score } from "./score.ts";
import { trainTogether } from "./train-together.ts";

const MEMBERS = 4;
const STEPS = [1, 4, 8, 16];

interface Task {
  readonly sidePx: number;
  readonly samples: number;
  readonly classes: readonly string[];
  readonly train: readonly PreparedPicture[];
  readonly test: readonly PreparedPicture[];
}

export async function run(size: BenchSize, { data }: Given = {}): Promise<Figures> {
  const task = data === undefined ? blocks(size) : await given(data);
  const [steps, seeds] = size === "smoke" ? [[1, 2], [1]] : [STEPS, [1, 2, 3, 4, 5]];
  const figures: Record<string, number> = {};
  for (const own of steps) {
    const runs: number[] = [];
    for (const seed of seeds) runs.push(await map50Of(task, own, seed));
    figures[`of${own}StepsMap50`] = runs.reduce((sum, map50) => sum + map50, 0) / runs.length;
    // A short training ends somewhere else at the least change: look at the spread too.
    figures[`of${own}StepsMap50Least`] = Math.min(...runs);
    figures[`of${own}StepsMap50Most`] = Math.max(...runs);
  }
  return figures;
}

function blocks(size: BenchSize): Task {
  const sidePx = 64;
  const draw = (count: number, seed: number) => blockPictures(count, 3, Math.round(1.25 * sidePx), seed);
  return {
    sidePx,
    samples: size === "smoke" ? 64 : 3200,
    classes: ["a", "b", "c"],
    train: draw(64, 1),
    test: draw(48, new Random("unseen").below(1000)),
  };
}

async function given(root: string): Promise<Task> {
  const sidePx = 96;
  const { classes, splits } = await readDataset(root, { log: silentLog });
  const prepare = (names: readonly ("train" | "val" | "test")[]) =>
    Promise.all(
      names.flatMap((name) => splits[name] ?? []).map((sample) => preparePicture(sample, 1.25 * sidePx)),
    );
  const [train, test] = [await prepare(["train", "val"]), await prepare(["test"])];
  return { sidePx, samples: 6400, classes, train, test };
}

async function map50Of(task: Task, steps: number, seed: number): Promise<number> {
  const { sidePx, samples, classes, train: pictures, test } = task;
  const plan = planFor(
    {
      network: { kind: "detector", size: sidePx, variant: "small" },
      seed,
      chunksPerRound: MEMBERS,
      epochs: samples / pictures.length,
    },
    { classes, pictures: pictures.length },
  );
  await using engine = await openNativeEngine({ device: "cpu", threads: 1 });
  await using learner = await openLearner({ plan, pictures, engine });
  const until = Math.round(samples / (plan.chunkSize * plan.chunksPerRound));
  const { average } = await trainTogether(learner, { members: MEMBERS, format: "int8", steps, until });
  const { mapVoc } = await score(learner, average, test);
  if (process.env.BENCH_EACH !== undefined) process.stderr.write(`${steps} steps, seed ${seed}: ${mapVoc}\n`);
  return mapVoc;
}
