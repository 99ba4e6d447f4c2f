import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Engine } from "../../../../shared/nn/engine.ts";
import { GraphBuilder, type Network, type Ref } from "../../../../shared/nn/graph.ts";
import { openNativeEngine } from "../../../../shared/nn/native/engine.ts";
import { NativeTrainer } from "../../../../shared/nn/native/trainer.ts";
import { buildNetwork } from "../../../../shared/nn/networks/config.ts";
import { checkTraining } from "../../../support/check-training.ts";
import { everyLayerNetwork } from "../../../support/every-layer.ts";
import { LONG_WORK_MS } from "../../../support/limits.ts";

setDefaultTimeout(LONG_WORK_MS);

const TOLERANCE = 1e-3;
const engine = await openNativeEngine({ device: "cpu", threads: 1 });

/** A network of one layer under test, after a convolution that makes its input depend on weights. */
function after(channels: number, side: number, layer: (g: GraphBuilder, x: Ref) => Ref): Network {
  const g = new GraphBuilder();
  const x = g.conv(g.rescale(g.input(3, side, side), 1 / 255), "before", channels, 3);
  g.output("y", layer(g, x));
  return g.build();
}

const layers: Record<string, (g: GraphBuilder, x: Ref) => Ref> = {
  "3x3 convolution": (g, x) => g.conv(x, "a", 32, 3),
  "3x3 convolution with bias and ReLU": (g, x) => g.relu(g.conv(x, "a", 16, 3, { bias: [0.1] })),
  "3x3 convolution of stride 2": (g, x) => g.conv(x, "a", 32, 3, { stride: 2 }),
  "1x1 convolution": (g, x) => g.conv(x, "a", 16, 1, { bias: [0] }),
  "1x1 convolution to a few channels": (g, x) => g.conv(x, "a", 5, 1, { bias: [0] }),
  "3x3 convolution of few channels": (g, x) => g.conv(g.conv(x, "a", 5, 3), "b", 16, 3),
  "convolution used twice": (g, x) => g.conv(g.conv(x, "a", x.shape[0]!, 3), "a", x.shape[0]!, 3),
  "batch norm": (g, x) => g.batchNorm(x, "norm"),
  "batch norm with ReLU": (g, x) => g.conv(g.relu(g.batchNorm(x, "norm")), "a", 16, 1),
  "ReLU beside its input": (g, x) => g.add(x, g.relu(x)),
  "2x2 max-pool": (g, x) => g.conv(g.maxPool(x, 2, 2), "a", 16, 3),
  "5x5 max-pool of stride 1": (g, x) => g.conv(g.maxPool(g.relu(x), 5, 1, 2), "a", 16, 3),
  "overlapping max-pool of stride 2": (g, x) => g.maxPool(x, 3, 2, 1),
  upsample: (g, x) => g.conv(g.upsample(x), "a", 16, 3),
  add: (g, x) => g.add(x, g.conv(x, "a", x.shape[0]!, 1)),
  concat: (g, x) => g.conv(g.concat([x, g.conv(x, "a", 32, 1), x]), "b", 16, 1),
  "flatten and dense": (g, x) => g.dense(g.relu(g.dense(g.flatten(g.maxPool(x, 2, 2)), "a", 9)), "b", 4),
};

// Layers of 16 channels run on onnxruntime's blocked kernels, others on the plain ones; 16 px rows of pixels are
// multiplied picture by picture, 10 px ones together.
describe.each([
  [16, 16],
  [16, 10],
  [6, 16],
  [6, 11],
])("native training of %i channels at %i px equals the reference", (channels, side) => {
  for (const [name, layer] of Object.entries(layers)) {
    if (side % 2 > 0 && name === "flatten and dense") continue;
    test(name, async () => {
      const check = await checkTraining(engine, after(channels, side, layer), 2, 1);
      expect(check.outputs).toBeLessThan(TOLERANCE);
      expect({ ...check, right: check.gradient < TOLERANCE }).toMatchObject({ right: true });
    });
  }
});

describe("native training equals the reference", () => {
  const networks: [name: string, network: Network, batch: number][] = [
    ["every layer", everyLayerNetwork(), 3],
    ["detector", buildNetwork({ kind: "detector", size: 96, classCount: 3, variant: "normal" }), 2],
    ["small detector", buildNetwork({ kind: "detector", size: 96, classCount: 4, variant: "small" }), 2],
    ["single-box", buildNetwork({ kind: "single-box", size: 64, classCount: 4 }), 2],
    ["mlp", buildNetwork({ kind: "mlp", classCount: 3, hidden: 5 }), 2],
  ];
  for (const [name, network, batch] of networks) {
    // A seed without a near tie in a max-pool: float32 and float64 may choose differently there, and both be right.
    test(`the whole network: ${name}`, async () => {
      const check = await checkTraining(engine, network, batch, 4);
      const [outputs, gradient] = [check.outputs.toExponential(1), check.gradient.toExponential(1)];
      process.stdout.write(
        `${name}: largest difference of outputs ${outputs}, gradient ${gradient} (${check.worst})\n`,
      );
      expect(check.outputs).toBeLessThan(TOLERANCE);
      expect(check.gradient).toBeLessThan(TOLERANCE);
    });
  }
});

describe("native training equals the reference without blocked kernels and the C interface, as on a GPU", () => {
  const options = { device: "cpu", threads: 1, direct: false } as const;
  const plain: Pick<Engine, "trainer"> = {
    trainer: (network, { batch }) => NativeTrainer.open(network, batch, undefined, options),
  };
  const networks: [name: string, network: Network][] = [
    ["detector", buildNetwork({ kind: "detector", size: 64, classCount: 3, variant: "small" })],
    ["single-box", buildNetwork({ kind: "single-box", size: 64, classCount: 4 })],
  ];
  test.each(networks)("%s", async (_, network) => {
    const check = await checkTraining(plain, network, 2, 4);
    expect(check.outputs).toBeLessThan(TOLERANCE);
    expect(check.gradient).toBeLessThan(TOLERANCE);
  });
});
