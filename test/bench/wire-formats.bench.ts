/**
 * What saying the ring's numbers less exactly costs: the same seeded training by two members in memory, with each
 * format. Quality is mAP50 on pictures of the same kind; time is of the ring alone, conversions and update.
 */
import { Random } from "../../shared/base/random.ts";
import { openLearner } from "../../shared/learn/learner.ts";
import { planFor } from "../../shared/learn/plan.ts";
import { SliceOptimizer } from "../../shared/learn/slice-optimizer.ts";
import { startWeights } from "../../shared/learn/start-weights.ts";
import { openNativeEngine } from "../../shared/nn/native/engine.ts";
import { buildNetwork } from "../../shared/nn/networks/config.ts";
import { WIRE_FORMATS, type WireFormat } from "../../shared/numeric/wire-format.ts";
import { Replica } from "../../shared/training/replica.ts";
import { type RingPiece, RingRound } from "../../shared/training/ring-round.ts";
import { sliceOf } from "../../shared/training/slices.ts";
import { blockPictures } from "../support/blocks.ts";
import type { BenchSize, Figures } from "./harness.ts";
import { score } from "./score.ts";

const MEMBERS = 2;

export async function run(size: BenchSize): Promise<Figures> {
  const [sidePx, rounds, seeds] = size === "smoke" ? [64, 2, [1]] : [64, 150, [1, 2, 3]];
  const figures: Record<string, number> = {};
  for (const format of WIRE_FORMATS) {
    const runs: { map50: number; ringMs: number }[] = [];
    for (const seed of seeds) runs.push(await trainTogether(format, sidePx, rounds, seed));
    // A short training ends somewhere else at the least rounding: look at the spread too.
    figures[`${format}Map50`] = runs.reduce((sum, { map50 }) => sum + map50, 0) / runs.length;
    figures[`${format}Map50Least`] = Math.min(...runs.map(({ map50 }) => map50));
    figures[`${format}RingMsOfBoth`] = Math.min(...runs.map(({ ringMs }) => ringMs));
  }
  return figures;
}

async function trainTogether(
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
  const layout = buildNetwork(plan.network).parameters;
  const optimizers: SliceOptimizer[] = [];
  const replicas = Array.from({ length: MEMBERS }, (_, self) => {
    const { from, to } = sliceOf(layout.totalCount, MEMBERS, self);
    const optimizer = new SliceOptimizer(layout, plan, from, to);
    optimizers.push(optimizer);
    const rule = {
      state: Object.values(optimizer.state) as Float32Array[],
      update: optimizer.update.bind(optimizer),
    };
    return new Replica({ weights: startWeights(plan), round: 0, rule, members: MEMBERS, self });
  });
  const gradient = new Float32Array(layout.totalCount);
  let ringMs = 0;
  for (let round = 0; round < rounds; round++) {
    const progress = round / rounds;
    const sums: Float32Array[] = [];
    for (const [member, { weights }] of replicas.entries()) {
      await learner.computeChunk(weights, MEMBERS * round + member, progress, gradient);
      sums.push(gradient.map((slope) => slope / MEMBERS));
    }
    const start = performance.now();
    playRing(replicas, sums, progress, format);
    ringMs += performance.now() - start;
    for (const replica of replicas) replica.complete();
    if (new Set(replicas.map(({ checksum }) => checksum)).size > 1) throw new Error("members disagree");
  }
  const average = new Float32Array(layout.totalCount);
  for (const { from, state } of optimizers) average.set(state.average, from);
  const unseen = blockPictures(48, 3, Math.round(1.25 * sidePx), new Random("unseen").below(1000));
  const { mapVoc } = await score(learner, average, unseen);
  return { map50: mapVoc, ringMs: ringMs / rounds };
}

function playRing(
  replicas: readonly Replica[],
  sums: readonly Float32Array[],
  progress: number,
  format: WireFormat,
): void {
  const links: RingPiece[][] = replicas.map(() => []);
  const rings = replicas.map(
    (replica, self) =>
      new RingRound({
        count: replicas.length,
        self,
        sum: sums[self]!,
        weights: replica.weights,
        next: replica.next,
        format,
        unsaid: format === "float32" ? undefined : replica.unsaid,
        update: (sum) => replica.update(sum, progress, format),
        send: ({ bytes, ...rest }) =>
          links[(self + 1) % replicas.length]!.push({ ...rest, bytes: bytes.slice() }),
      }),
  );
  for (const ring of rings) ring.start();
  while (links.some((link) => link.length > 0)) {
    for (const [to, link] of links.entries()) for (const piece of link.splice(0)) rings[to]!.receive(piece);
  }
}
