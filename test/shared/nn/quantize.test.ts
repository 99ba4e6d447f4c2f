import { describe, expect, test } from "bun:test";
import { Random } from "../../../shared/base/random.ts";
import { isTrained } from "../../../shared/nn/graph.ts";
import {
  decodeModelFile,
  encodeModelFile,
  type ModelInfo,
  readModelInfo,
} from "../../../shared/nn/model-file.ts";
import { openNativeEngine } from "../../../shared/nn/native/engine.ts";
import { openFilePredictor } from "../../../shared/nn/native/file-predictor.ts";
import { buildNetwork } from "../../../shared/nn/networks/config.ts";
import { quantizeModel } from "../../../shared/nn/quantize.ts";
import { trainingExample } from "../../support/check-training.ts";

const SIDE = 96;
const COUNT = 6;
const network = buildNetwork({ kind: "detector", size: SIDE, classCount: 2, variant: "normal" });
const info: ModelInfo = {
  name: "cells",
  version: 1,
  network: { kind: "detector", size: SIDE, classCount: 2, variant: "normal" },
  classes: ["red", "white"],
  thresholds: [0.5, 0.5],
  metrics: {},
  lineage: { dataset: "none", samples: 0, seconds: 0, seed: 1, createdMs: 0, program: "test" },
  format: "float32",
};

/** Weights whose running statistics are those of the pictures, as training would leave them. */
async function settled(): Promise<{ weights: Float32Array; pictures: Uint8Array[] }> {
  const { weights, pictures, loss } = trainingExample(network, COUNT, 5);
  await using engine = await openNativeEngine({ device: "cpu", threads: 1 });
  await using session = await engine.trainer(network, { batch: COUNT });
  const gradient = new Float32Array(weights.length);
  await session.trainStep(weights, pictures, loss, gradient);
  for (const parameter of network.parameters.list) {
    if (isTrained(parameter)) continue;
    weights.set(network.parameters.slice(gradient, parameter.name), parameter.offset);
  }
  const size = pictures.length / COUNT;
  return {
    weights,
    pictures: Array.from({ length: COUNT }, (_, i) => pictures.subarray(i * size, (i + 1) * size)),
  };
}

describe("an int8 model", () => {
  test("takes less than 30% of the float one's bytes and answers nearly the same", async () => {
    const { weights, pictures } = await settled();
    const float = encodeModelFile(info, weights);
    const int8 = await quantizeModel(info, weights, pictures);
    expect(int8.length / float.length).toBeLessThan(0.3);
    expect(readModelInfo(int8)).toEqual({ ...info, format: "int8" });

    await using floats = await openFilePredictor(float, { batch: 1, threads: 1 });
    await using whole = await openFilePredictor(int8, { batch: 1, threads: 1 });
    const [expected, actual] = [await floats.infer(pictures[0]!, 1), await whole.infer(pictures[0]!, 1)];
    network.outputs.forEach(({ name }, i) => {
      const off = rootMeanSquare(expected[i]!.map((value, j) => value - actual[i]![j]!));
      expect({ name, close: off < 0.1 * rootMeanSquare(expected[i]!) }).toEqual({ name, close: true });
    });
  });

  test("cannot be read back as weights, and says what to use", async () => {
    const { weights, pictures } = await settled();
    const int8 = await quantizeModel(info, weights, pictures.slice(0, 1));
    expect(() => decodeModelFile(int8)).toThrow("int8 model");
  });

  test("needs pictures, and a detector", async () => {
    const weights = network.parameters.start((name) => new Random(name));
    await expect(quantizeModel(info, weights, [])).rejects.toMatchObject({ kind: "input" });
    const faces = { ...info, network: { kind: "mlp", classCount: 2, hidden: 3 } } as const;
    await expect(quantizeModel(faces, weights, [])).rejects.toThrow("made of detectors");
  });
});

function rootMeanSquare(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}
