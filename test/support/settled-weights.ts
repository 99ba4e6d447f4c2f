import type { Engine } from "../../shared/nn/engine.ts";
import { isTrained, type Network } from "../../shared/nn/graph.ts";
import { trainingExample } from "./check-training.ts";

/** Random weights whose running statistics are those of the pictures, as training leaves them. */
export async function settledWeights(
  engine: Engine,
  network: Network,
  count: number,
  seed: number,
): Promise<{ weights: Float32Array; pictures: Uint8Array[] }> {
  const { weights, pictures, loss } = trainingExample(network, count, seed);
  await using session = await engine.trainer(network, { batch: count });
  const gradient = new Float32Array(weights.length);
  await session.trainStep(weights, pictures, loss, gradient);
  for (const parameter of network.parameters.list) {
    if (isTrained(parameter)) continue;
    weights.set(network.parameters.slice(gradient, parameter.name), parameter.offset);
  }
  const size = pictures.length / count;
  return {
    weights,
    pictures: Array.from({ length: count }, (_, i) => pictures.subarray(i * size, (i + 1) * size)),
  };
}
