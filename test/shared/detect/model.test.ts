import { expect, setDefaultTimeout, test } from "bun:test";
import { silentLog } from "../../../shared/base/log.ts";
import { Random } from "../../../shared/base/random.ts";
import { openModel } from "../../../shared/detect/model.ts";
import { encodeModelFile, type ModelInfo } from "../../../shared/nn/model-file.ts";
import { buildNetwork, type NetworkConfig } from "../../../shared/nn/networks/config.ts";
import { blockPictures } from "../../support/blocks.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const CPU = { device: "cpu", threads: 1 } as const;

function modelBytes(network: NetworkConfig, thresholds: number[]): Uint8Array {
  const info: ModelInfo = {
    name: "blocks",
    version: 1,
    network,
    classes: ["a", "b", "c"].slice(0, network.classCount),
    thresholds,
    metrics: {},
    lineage: { dataset: "blocks", samples: 0, seconds: 0, seed: 1, createdMs: 0, program: "test" },
    format: "float32",
  };
  const weights = buildNetwork(network).parameters.start((name) => new Random(4, name));
  return encodeModelFile(info, weights);
}

test("a model looks at any number of pictures of any size, the same one by one as together", async () => {
  const network: NetworkConfig = { kind: "detector", size: 64, classCount: 3, variant: "small" };
  await using model = await openModel(modelBytes(network, [0.3, 0.3, 0.3]), CPU, silentLog);
  const pictures = [...blockPictures(9, 3, 50), ...blockPictures(2, 3, 200)].map(({ picture }) => picture);
  const together = await model.detect(pictures, { minScore: 1e-5 });
  expect(together).toHaveLength(pictures.length);
  for (const [i, picture] of pictures.entries()) {
    const [alone] = await model.detect([picture], { minScore: 1e-5 });
    expect(alone!.length).toBeGreaterThan(0);
    expect(alone!.length).toBe(together[i]!.length);
    for (const { box } of alone!) {
      expect(Math.max(box[2] / picture.width, box[3] / picture.height)).toBeLessThanOrEqual(1);
    }
    expect(alone![0]!.score).toBeCloseTo(together[i]![0]!.score, 5);
  }
  // An untrained detector is sure of nothing: its own thresholds let nothing through.
  expect((await model.detect(pictures)).flat()).toEqual([]);
});

test("models of one object and of faces answer one detection a picture", async () => {
  const pictures = blockPictures(3, 2, 100).map(({ picture }) => picture);
  for (const network of [
    { kind: "single-box", size: 64, classCount: 2 },
    { kind: "mlp", classCount: 2, hidden: 8 },
  ] as const) {
    await using model = await openModel(modelBytes(network, [0.01, 0.01]), CPU, silentLog);
    for (const found of await model.detect(pictures)) {
      expect(found).toHaveLength(1);
      expect(found[0]!.score).toBeGreaterThan(0.49);
      if (network.kind === "mlp") expect(found[0]!.box).toEqual([0, 0, 100, 75]);
    }
  }
});

test("a file that is no model is refused as input", async () => {
  await expect(openModel(new Uint8Array(100), CPU, silentLog)).rejects.toMatchObject({ kind: "input" });
});
