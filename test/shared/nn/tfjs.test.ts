import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { GraphBuilder, type Network } from "../../../shared/nn/graph.ts";
import { buildNetwork } from "../../../shared/nn/networks/config.ts";
import { Arena, startTfjs } from "../../../shared/nn/tfjs/backend.ts";
import { openTfjsEngine } from "../../../shared/nn/tfjs/engine.ts";
import { checkTraining, trainingExample } from "../../support/check-training.ts";
import { everyLayerNetwork } from "../../support/every-layer.ts";
import { LONG_WORK_MS } from "../../support/limits.ts";
import { largestDifference, referenceForward } from "../../support/reference-network.ts";

setDefaultTimeout(LONG_WORK_MS);

const TOLERANCE = 1e-3;

/** Halved, an odd side has one more even place than odd ones. */
function oddStrides(): Network {
  const g = new GraphBuilder();
  const x = g.relu(g.conv(g.input(1, 9, 13), "first", 4, 3));
  const halved = g.conv(x, "wide", 4, 3, { stride: 2 });
  g.output("pooled", g.maxPool(g.conv(halved, "narrow", 3, 1, { stride: 2 }), 2, 2));
  g.output("halved", halved);
  return g.build();
}

const networks: [name: string, network: Network, batch: number][] = [
  ["every layer", everyLayerNetwork(), 3],
  ["strides over odd sides", oddStrides(), 2],
  ["a detector", buildNetwork({ kind: "detector", size: 64, classCount: 3, variant: "small" }), 2],
  ["a single-box network", buildNetwork({ kind: "single-box", size: 64, classCount: 3 }), 2],
  ["a face network", buildNetwork({ kind: "mlp", classCount: 3, hidden: 8 }), 4],
];

describe.each(networks)("tfjs on %s", (_, network, batch) => {
  test("trains by the reference's outputs and gradients", async () => {
    await using engine = await openTfjsEngine();
    const { outputs, gradient, worst } = await checkTraining(engine, network, batch, 3);
    expect({ outputs, right: outputs < TOLERANCE }).toEqual({ outputs, right: true });
    expect({ worst, gradient, right: gradient < TOLERANCE }).toEqual({ worst, gradient, right: true });
  });

  test("infers what the reference infers, for one picture as for a batch", async () => {
    const { weights, pictures } = trainingExample(network, batch, 3);
    await using engine = await openTfjsEngine();
    await using predictor = await engine.predictor(network, weights, { batch });
    for (const count of [batch, 1]) {
      const given = pictures.subarray(0, (pictures.length / batch) * count);
      const { outputs } = referenceForward(network, weights, given, count, "running");
      const own = await predictor.infer(given, count);
      own.forEach((output, i) => {
        expect(largestDifference(output, outputs[i]!)).toBeLessThan(TOLERANCE);
      });
    }
  });
});

test("two hundred steps, some of whose losses throw, leave no tensor and no larger heap behind", async () => {
  const network = everyLayerNetwork();
  const { weights, pictures, loss } = trainingExample(network, 3, 1);
  const kernels = await startTfjs();
  const heapSize = (): number => {
    using arena = new Arena(kernels);
    return arena.view(arena.make([1, 1, 1, 1])).buffer.byteLength;
  };
  await using engine = await openTfjsEngine();
  await using session = await engine.trainer(network, { batch: 3 });
  const gradient = new Float32Array(weights.length);
  const step = async (round: number): Promise<void> => {
    for (let i = 0; i < weights.length; i++) weights[i]! -= 1e-6 * gradient[i]!;
    await session.trainStep(weights, pictures, loss, gradient);
    await using predictor = await engine.predictor(network, weights, { batch: 3 });
    await predictor.infer(pictures, 3);
    if (round % 10 > 0) return;
    const broken = session.trainStep(weights, pictures, () => raise(), gradient);
    await expect(broken).rejects.toThrow("no loss today");
  };
  const tensors = kernels.backend.numDataIds();
  for (let round = 0; round < 20; round++) await step(round);
  const size = heapSize();
  for (let round = 20; round < 200; round++) await step(round);
  expect(kernels.backend.numDataIds()).toBe(tensors);
  expect(heapSize()).toBe(size);
});

test("new weights count from the next step on, whatever is cached for the old ones", async () => {
  const network = buildNetwork({ kind: "mlp", classCount: 3, hidden: 8 });
  const { weights, pictures, loss } = trainingExample(network, 2, 1);
  await using engine = await openTfjsEngine();
  await using session = await engine.trainer(network, { batch: 2 });
  const gradient = new Float32Array(weights.length);
  const before = await session.trainStep(weights, pictures, loss, gradient);
  const { offset } = network.parameters.get("output.bias");
  weights[offset]! += 1;
  const after = await session.trainStep(weights, pictures, loss, gradient);
  expect(after - before).toBeCloseTo(gradient[offset]!, 3);
});

test("a Bun Worker has an engine of its own that computes the same", async () => {
  const network = everyLayerNetwork();
  const { weights, pictures, loss } = trainingExample(network, 3, 1);
  await using engine = await openTfjsEngine();
  await using session = await engine.trainer(network, { batch: 3 });
  const gradient = new Float32Array(weights.length);
  await session.trainStep(weights, pictures, loss, gradient);

  const slopes = loss([]).gradients;
  const thread = new Worker(new URL("./tfjs.thread.ts", import.meta.url));
  try {
    const answer = Promise.withResolvers<Float32Array>();
    thread.onmessage = ({ data }) => answer.resolve(data);
    thread.onerror = ({ message }) => answer.reject(new Error(message));
    thread.postMessage({ weights, pictures, slopes });
    expect(await answer.promise).toEqual(gradient);
  } finally {
    thread.terminate();
  }
});

test("the process keeps its own way with uncaught errors", async () => {
  await startTfjs();
  expect(process.listenerCount("uncaughtException") + process.listenerCount("unhandledRejection")).toBe(0);
});

function raise(): never {
  throw new Error("no loss today");
}
