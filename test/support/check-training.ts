import { Random } from "../../shared/base/random.ts";
import type { Engine, LossResult } from "../../shared/nn/engine.ts";
import type { Network } from "../../shared/nn/graph.ts";
import { largestDifference, referenceTrainStep } from "./reference-network.ts";

/** How far an engine is from the float64 reference, as `largestDifference` measures it. */
export interface TrainingCheck {
  readonly outputs: number;
  /** The largest over the parameters, batch statistics included, and the parameter where it is. */
  readonly gradient: number;
  readonly worst: string;
}

/** Holds one training step of an engine against the reference: same weights, pictures and loss, all drawn by seed. */
export async function checkTraining(
  engine: Pick<Engine, "trainer">,
  network: Network,
  batch: number,
  seed: number,
): Promise<TrainingCheck> {
  const { weights, pictures, loss } = trainingExample(network, batch, seed);
  const gradient = new Float32Array(weights.length).fill(7);
  await using session = await engine.trainer(network, { batch });
  const keep = (outputs: readonly Float32Array[]): LossResult<Float32Array[]> => ({
    ...loss(outputs),
    report: outputs.map((output) => output.slice()),
  });
  const outputs = await session.trainStep(weights, pictures, keep, gradient);
  const reference = referenceTrainStep(network, weights, pictures, batch, loss);
  const differences = network.parameters.list.map(({ name, offset, size }) => ({
    worst: name,
    gradient: largestDifference(
      gradient.subarray(offset, offset + size),
      reference.gradient.subarray(offset, offset + size),
    ),
  }));
  return {
    outputs: Math.max(...outputs.map((output, i) => largestDifference(output, reference.outputs[i]!))),
    ...differences.reduce((a, b) => (b.gradient > a.gradient ? b : a)),
  };
}

/** Weights away from their start values, random pictures, and a loss that is a random weighted sum of the outputs. */
export function trainingExample(network: Network, batch: number, seed: number) {
  const random = new Random("training example", seed);
  const weights = network.parameters.start((name) => new Random(seed, name));
  for (const { role, offset, size } of network.parameters.list) {
    if (role === "weight") continue;
    for (let i = offset; i < offset + size; i++) weights[i]! += random.between(0, 0.5);
  }
  const { height, width, channels } = network.input;
  const pictures = Uint8Array.from({ length: batch * height * width * channels }, () => random.below(256));
  const slopes = network.outputs.map(({ node }) => {
    const size = network.nodes[node]!.shape.reduce((all, side) => all * side, batch);
    return Float32Array.from({ length: size }, () => random.normal());
  });
  const loss = (outputs: readonly Float32Array[]): LossResult<number> => ({
    gradients: slopes,
    report: outputs.reduce(
      (sum, output, o) => output.reduce((all, v, i) => all + v * slopes[o]![i]!, sum),
      0,
    ),
  });
  return { weights, pictures, loss };
}
