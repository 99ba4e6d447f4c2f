/**
 * What saying the ring's numbers less exactly costs: the same seeded training by two members in memory, with each
 * format. Quality is mAP50 on pictures of the same kind; time is of the ring alone, conversions and update.
 */
import { Random } from "../../shared/base/random.ts";
import { openLearner } from "../../shared/learn/learner.ts";
import { planFor } from "../../shared/learn/plan.ts";
import { openNativeEngine } from "../../shared/nn/native/engine.ts";
import { WIRE_FORMATS, type WireFormat } from "../../shared/numeric/wire-format.ts";
import { blockPictures } from "../support/blocks.ts";
import type { BenchSize, Figures } from "./harness.ts";
import { score } from "./score.ts";
import { trainTogether } from "./train-together.ts";

export async function run(size: BenchSize): Promise<Figures> {
  const [sidePx, rounds, seeds] = size === "smoke" ? [64, 2, [1]] : [64, 150, [1, 2, 3]];
  const figures: Record<string, number> = {};
  for (const format of WIRE_FORMATS) {
    const runs: { map50: number; ringMs: number }[] = [];
    for (const seed of seeds) runs.push(await train(format, sidePx, rounds, seed));
    // A short training ends somewhere else at the least rounding: look at the spread too.
    figures[`${format}Map50`] = runs.reduce((sum, { map50 }) => sum + map50, 0) / runs.length;
    figures[`${format}Map50Least`] = Math.min(...runs.map(({ map50 }) => map50));
    figures[`${format}RingMsOfBoth`] = Math.min(...runs.map(({ ringMs }) => ringMs));
  }
  return figures;
}

async function train(
  format: WireFormat,
  sidePx: number,
  rounds: number,
  seed: number,
): Promise<{ map50: number; ringMs: number }> {
  const pictures = blockPictures(64, 3, Math.round(1.25 * sidePx));
  const network = { kind: "detector", size: sidePx, variant: "small" } as const;
  const epochs = (rounds * 8) / pictures.length;
  const plan = planFor({ network, epochs, seed }, { classes: ["a", "b", "c"], pictures: pictures.length });
  await using engine = await openNativeEngine({ device: "cpu", threads: 1 });
  await using learner = await openLearner({ plan, pictures, engine, prepare: "inline" });
  const { average, ringMs } = await trainTogether(learner, { members: 2, format, steps: 1, until: rounds });
  const unseen = blockPictures(48, 3, Math.round(1.25 * sidePx), new Random("unseen").below(1000));
  const { mapVoc } = await score(learner, average, unseen);
  return { map50: mapVoc, ringMs };
}
