import { expect, setDefaultTimeout, test } from "bun:test";
import type { Engine } from "../../../../shared/nn/engine.ts";
import { openNativeEngine } from "../../../../shared/nn/native/engine.ts";
import { buildNetwork } from "../../../../shared/nn/networks/config.ts";
import { openTfjsEngine } from "../../../../shared/nn/tfjs/engine.ts";
import { trainingExample } from "../../../support/check-training.ts";
import { LONG_WORK_MS } from "../../../support/limits.ts";

setDefaultTimeout(LONG_WORK_MS);

const STEPS = 50;
const RATE = 0.002;
const network = buildNetwork({ kind: "detector", size: 96, classCount: 2, variant: "small" });

/** Gradient descent toward random targets. @returns the loss of each step */
async function lossesOf(engine: Engine): Promise<number[]> {
  const { weights, pictures, loss } = trainingExample(network, 8, 7);
  const targets = loss([]).gradients;
  const gradient = new Float32Array(weights.length);
  await using session = await engine.trainer(network, { batch: 8 });
  const losses: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const squares = (outputs: readonly Float32Array[]) => ({
      gradients: outputs.map((output, o) =>
        output.map((v, i) => (2 * (v - targets[o]![i]!)) / output.length),
      ),
      report: outputs.reduce(
        (sum, output, o) =>
          sum + output.reduce((all, v, i) => all + (v - targets[o]![i]!) ** 2, 0) / output.length,
        0,
      ),
    });
    losses.push(await session.trainStep(weights, pictures, squares, gradient));
    for (let i = 0; i < network.parameters.trainedCount; i++) weights[i]! -= RATE * gradient[i]!;
  }
  return losses;
}

test("fifty steps from the same seed follow the same loss on both engines", async () => {
  await using native = await openNativeEngine({ device: "cpu", threads: 1 });
  await using tfjs = await openTfjsEngine();
  const [ours, theirs] = [await lossesOf(native), await lossesOf(tfjs)];
  const differences = ours.map((loss, step) => Math.abs(loss - theirs[step]!) / theirs[step]!);
  const largest = Math.max(...differences);
  process.stdout.write(
    `loss ${ours[0]!.toFixed(3)} to ${ours.at(-1)!.toFixed(3)}, largest difference of a step ${largest.toExponential(1)}\n`,
  );
  expect(ours.at(-1)!).toBeLessThan(ours[0]! / 2);
  // The same at first; then each step carries the last one's rounding on, as with any two orders of summation.
  expect(Math.max(...differences.slice(0, 4))).toBeLessThan(1e-4);
  expect(largest).toBeLessThan(0.05);
});
