/** What learning costs beside the network: drawing pictures, the loss, and moving the weights. */
import { Random } from "../../shared/base/random.ts";
import { inputBytes } from "../../shared/detect/input.ts";
import { ChunkDrawer } from "../../shared/learn/chunk.ts";
import { createLoss } from "../../shared/learn/loss.ts";
import { packPictures, unpackPictures } from "../../shared/learn/picture-pack.ts";
import { planFor } from "../../shared/learn/plan.ts";
import { SliceOptimizer } from "../../shared/learn/slice-optimizer.ts";
import { startWeights } from "../../shared/learn/start-weights.ts";
import { buildNetwork } from "../../shared/nn/networks/config.ts";
import { blockPictures } from "../support/blocks.ts";
import type { BenchSize, Figures } from "./harness.ts";

export async function run(size: BenchSize): Promise<Figures> {
  const [sidePx, runs] = size === "smoke" ? [64, 2] : [320, 40];
  const pictures = blockPictures(16, 3, Math.round(1.25 * sidePx));
  const plan = planFor(
    { network: { kind: "detector", size: sidePx } },
    { classes: ["a", "b", "c"], pictures: pictures.length },
  );
  const pack = packPictures(pictures);
  const drawer = new ChunkDrawer(plan, unpackPictures(pack), pack.trainCount);
  const pixels = new Uint8Array(plan.chunkSize * inputBytes(plan.network));
  const draw = (chunk: number) => drawer.draw(chunk, { mosaic: true, heldOutToo: false }, pixels);
  const drawMs = meanMs(runs, draw) / plan.chunkSize;

  const network = buildNetwork(plan.network);
  const random = new Random(1);
  const outputs = network.outputs.map(({ node }) => {
    const values = network.nodes[node]!.shape.reduce((product, side) => product * side, plan.chunkSize);
    return Float32Array.from({ length: values }, () => random.normal() - 2);
  });
  const loss = createLoss(plan.network, plan.chunkSize);
  const targets = draw(0);
  const lossMs = meanMs(runs, () => loss.compute(outputs, targets));

  const weights = startWeights(plan);
  const gradient = Float32Array.from(weights, () => random.normal());
  const optimizer = new SliceOptimizer(network.parameters, plan, 0, weights.length);
  const updateMs = meanMs(runs, (round) => optimizer.update(weights, gradient, round, 0.5));
  return { drawMsPerPicture: drawMs, lossMsPerChunk: lossMs, updateMsPerRound: updateMs };
}

/** The second half of the runs, when the code is warm. */
function meanMs(runs: number, work: (run: number) => unknown): number {
  for (let run = 0; run < runs; run++) work(run);
  const start = performance.now();
  for (let run = 0; run < runs; run++) work(runs + run);
  return (performance.now() - start) / runs;
}
