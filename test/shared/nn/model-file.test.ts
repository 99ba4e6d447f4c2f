import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import {
  decodeForInference,
  decodeModelFile,
  encodeModelFile,
  loadModelFile,
  type ModelInfo,
  readModelInfo,
  saveModelFile,
} from "../../../shared/nn/model-file.ts";
import { buildNetwork, type NetworkConfig } from "../../../shared/nn/networks/config.ts";
import { OnnxBuilder } from "../../../shared/nn/onnx/builder.ts";
import { measuredValues } from "../../../shared/nn/quantize/activations.ts";
import { trainingExample } from "../../support/check-training.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { largestDifference, referenceForward } from "../../support/reference-network.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const configs: NetworkConfig[] = [
  { kind: "detector", size: 64, classCount: 2, variant: "small" },
  { kind: "single-box", size: 64, classCount: 2 },
  { kind: "mlp", classCount: 2, hidden: 3 },
];

function infoOf(network: NetworkConfig): ModelInfo {
  return {
    name: "pájaros",
    version: 3,
    network,
    classes: ["loro", "canario"],
    thresholds: [0.3, 0.5],
    metrics: { map50: 0.8 },
    lineage: {
      dataset: "birds",
      samples: 1000,
      seconds: 61.5,
      seed: 1,
      parent: "aves",
      createdMs: 1_700_000_000_000,
      program: "vigia 0.1.0",
    },
    format: "float32",
  };
}

describe.each(configs)("a model file of a $kind", (config) => {
  const network = buildNetwork(config);
  const { weights, pictures } = trainingExample(network, 2, 1);
  const bytes = encodeModelFile(infoOf(config), weights);

  test("gives back what it was made of", () => {
    const { info, weights: read } = decodeModelFile(bytes);
    expect(info).toEqual(infoOf(config));
    expect(read).toEqual(weights);
    expect(readModelInfo(bytes)).toEqual(infoOf(config));
  });

  test("is an ONNX model that onnxruntime runs as it is, for any batch", async () => {
    const session = await ort.InferenceSession.create(bytes, { graphOptimizationLevel: "disabled" });
    expect(session.inputNames).toEqual(["images"]);
    expect(session.outputNames).toEqual(network.outputs.map(({ name }) => name));
    const { channels, height, width } = network.input;
    for (const count of [1, 2]) {
      const given = pictures.subarray(0, (pictures.length / 2) * count);
      const planes = new Float32Array(given.length);
      given.forEach((value, i) => {
        const [n, p] = [Math.floor(i / (height * width * channels)), Math.floor(i / channels)];
        planes[(n * channels + (i % channels)) * height * width + (p % (height * width))] = value;
      });
      const images = new ort.Tensor("float32", planes, [count, channels, height, width]);
      const results = await session.run({ images });
      const { outputs } = referenceForward(network, weights, given, count, "running");
      network.outputs.forEach(({ name }, i) => {
        expect(largestDifference(results[name]!.data as Float32Array, outputs[i]!)).toBeLessThan(1e-3);
      });
    }
    await session.release();
  });
});

describe("a file that is no model of ours is refused in words", () => {
  const config = configs[2]!;
  const network = buildNetwork(config);
  const weights = new Float32Array(network.parameters.totalCount);
  const bytes = encodeModelFile(infoOf(config), weights);

  test("a text file, an empty file, another program's model", () => {
    expect(() => decodeModelFile(new TextEncoder().encode("hello, world"))).toThrow("not an ONNX model");
    expect(() => decodeModelFile(new Uint8Array(0))).toThrow("not made by vigia");
    const other = new OnnxBuilder();
    other.output(other.op("Neg", [other.input("x", [1])]), [1]);
    expect(() => decodeModelFile(other.encode())).toThrow("not made by vigia");
  });

  test("a file cut short anywhere", () => {
    for (let i = 0; i < 200; i++) {
      const cut = bytes.subarray(0, Math.floor((bytes.length * i) / 200));
      expect(() => decodeModelFile(cut)).toThrow(expect.objectContaining({ kind: "input" }));
    }
  });

  test("weights that are missing, of another size, or no numbers", () => {
    const info = JSON.stringify(infoOf({ kind: "mlp", classCount: 2, hidden: 4 }));
    const empty = new OnnxBuilder();
    empty.output(empty.op("Neg", [empty.input("x", [1])]), [1]);
    expect(() => decodeModelFile(empty.encode({ vigia: info }))).toThrow("lacks its part hidden.weight");
    empty.weight("hidden.weight", [2, 2], new Float32Array(4));
    expect(() => decodeModelFile(empty.encode({ vigia: info }))).toThrow("part hidden.weight is [2,2]");
    const broken = encodeModelFile(infoOf(config), weights.with(3, Number.NaN));
    expect(() => decodeModelFile(broken)).toThrow("no numbers");
  });

  test("metadata that does not fit", () => {
    const withInfo = (info: unknown): Uint8Array => {
      const b = new OnnxBuilder();
      b.output(b.op("Neg", [b.input("x", [1])]), [1]);
      return b.encode({ vigia: JSON.stringify(info) });
    };
    const info = infoOf(config);
    expect(() => readModelInfo(withInfo(null))).toThrow("no usable fields");
    expect(() => readModelInfo(withInfo({ ...info, classes: ["one"] }))).toThrow("no usable classes");
    expect(() => readModelInfo(withInfo({ ...info, name: 7 }))).toThrow("no usable name");
    expect(() => readModelInfo(withInfo({ ...info, thresholds: [0.3] }))).toThrow("no usable thresholds");
    const looks = (looks: unknown, limit: unknown) =>
      readModelInfo(withInfo({ ...info, looks: { looks, limit } }));
    expect(looks(["AA==", "AQ=="], 0.2).looks).toEqual({ looks: ["AA==", "AQ=="], limit: 0.2 });
    expect(() => looks(["AA=="], 0.2)).toThrow("no usable looks of people");
    expect(() => looks(["AA==", 7], 0.2)).toThrow("no usable looks of people");
    expect(() => looks(["AA==", "AQ=="], 0)).toThrow("no usable limit of looks");
    expect(() => readModelInfo(withInfo({ ...info, network: { kind: "transformer" } }))).toThrow(
      "classCount",
    );
  });
});

test("levels for 8 bits travel with a float model, one for each value that is held in them", () => {
  const config = configs[0]!;
  const network = buildNetwork(config);
  const { weights } = trainingExample(network, 1, 3);
  const places = measuredValues(network);
  const levels = places.map((_, i) => ({ scale: 0.01 * (i + 1), zeroPoint: i % 256 }));
  const file = encodeModelFile({ ...infoOf(config), levels }, weights);
  expect(decodeModelFile(file)).toEqual({ info: { ...infoOf(config), levels }, weights });
  const { activations } = decodeForInference(file);
  expect([...activations!]).toEqual(places.map((place, i) => [place, levels[i]!]));
  const [first, ...others] = levels;
  for (const bad of [
    others,
    [{ ...first!, scale: 0 }, ...others],
    [{ ...first!, zeroPoint: 256 }, ...others],
  ]) {
    const damaged = encodeModelFile({ ...infoOf(config), levels: bad }, weights);
    expect(() => readModelInfo(damaged)).toThrow("no usable levels of its values");
  }
});

test("a model is saved whole, leaves no draft behind, and loads again", async () => {
  const folder = mkdtempSync(join(tmpdir(), "vigia-model-"));
  try {
    const config = configs[2]!;
    const { weights } = trainingExample(buildNetwork(config), 1, 2);
    const path = join(folder, "faces.onnx");
    await saveModelFile(path, infoOf(config), weights);
    await saveModelFile(path, { ...infoOf(config), version: 4 }, weights);
    expect(readdirSync(folder)).toEqual(["faces.onnx"]);
    const { info, weights: read } = await loadModelFile(path);
    expect(info.version).toBe(4);
    expect(read).toEqual(weights);
    const nowhere = saveModelFile(join(folder, "no/such/folder.onnx"), info, read);
    await expect(nowhere).rejects.toMatchObject({ kind: "data-loss" });
    await expect(loadModelFile(join(folder, "absent.onnx"))).rejects.toMatchObject({ kind: "input" });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
