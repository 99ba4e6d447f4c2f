import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Engine } from "../../../../shared/nn/engine.ts";
import type { Network } from "../../../../shared/nn/graph.ts";
import {
  decodeForInference,
  decodeModelFile,
  encodeModelFile,
  encodeQuantizedFile,
  MODEL_INPUT,
  readModelInfo,
} from "../../../../shared/nn/model-file.ts";
import { openNativeEngine } from "../../../../shared/nn/native/engine.ts";
import { type HostTensor, hostTensor, openSession } from "../../../../shared/nn/native/runtime.ts";
import { buildNetwork, type NetworkConfig } from "../../../../shared/nn/networks/config.ts";
import { OnnxBuilder } from "../../../../shared/nn/onnx/builder.ts";
import { encodeModel, type OnnxModel, type OnnxTensor } from "../../../../shared/nn/onnx/model.ts";
import { pictureInput } from "../../../../shared/nn/onnx/picture-input.ts";
import { type Activations, isQuantizedConv } from "../../../../shared/nn/quantize/activations.ts";
import { calibrate } from "../../../../shared/nn/quantize/calibrate.ts";
import { ChannelsLastForm } from "../../../../shared/nn/quantize/channels-last.ts";
import { buildQuantized } from "../../../../shared/nn/quantize/file.ts";
import { lowerQuantized } from "../../../../shared/nn/quantize/lower.ts";
import { stepsOf } from "../../../../shared/nn/steps.ts";
import { openTfjsEngine } from "../../../../shared/nn/tfjs/engine.ts";
import { everyLayerNetwork } from "../../../support/every-layer.ts";
import { BUSY_MACHINE_MS } from "../../../support/limits.ts";
import { modelInfo } from "../../../support/model-info.ts";
import { settledWeights } from "../../../support/settled-weights.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const CPU = { device: "cpu", threads: 1 } as const;

interface Quantized {
  readonly network: Network;
  readonly weights: Float32Array;
  readonly pictures: readonly Uint8Array[];
  readonly activations: Activations;
}

/** Random weights with settled statistics, and ranges measured on the pictures that settled them. */
async function quantized(network: Network, seed: number): Promise<Quantized> {
  await using engine = await openNativeEngine(CPU);
  const { weights, pictures } = await settledWeights(engine, network, 6, seed);
  return { network, weights, pictures, activations: await calibrate(engine, network, weights, pictures) };
}

async function infer(
  engine: Engine,
  { network, weights, pictures }: Pick<Quantized, "network" | "weights" | "pictures">,
  activations?: Activations,
): Promise<readonly Float32Array[]> {
  await using predictor = await engine.predictor(network, weights, { batch: 1, activations });
  return await predictor.infer(pictures[0]!, 1);
}

/** The largest over the outputs of: root mean square of the difference, in shares of the expected output's own. */
function deviation(actual: readonly Float32Array[], expected: readonly Float32Array[]): number {
  const rms = (values: Float32Array) => Math.hypot(...values) / Math.sqrt(values.length);
  return Math.max(
    ...expected.map((output, o) => rms(output.map((value, i) => value - actual[o]![i]!)) / rms(output)),
  );
}

const DETECTOR: NetworkConfig = { kind: "detector", size: 96, classCount: 2, variant: "normal" };
const info = modelInfo(DETECTOR);

describe("an int8 detector", () => {
  let given: Quantized;
  let file: Uint8Array;
  let float: readonly Float32Array[];
  beforeAll(async () => {
    given = await quantized(buildNetwork(DETECTOR), 5);
    file = encodeQuantizedFile(info, given);
    await using engine = await openNativeEngine(CPU);
    float = await infer(engine, given);
  });

  test("takes at most 30% of the float file's bytes, and keeps its words", () => {
    expect(file.length / encodeModelFile(info, given.weights).length).toBeLessThan(0.3);
    expect(readModelInfo(file)).toEqual({ ...info, format: "int8" });
    expect(decodeForInference(file).info).toEqual({ ...info, format: "int8" });
  });

  test("answers nearly what the float one answers", async () => {
    await using engine = await openNativeEngine(CPU);
    const { weights, activations } = decodeForInference(file);
    const answer = await infer(engine, { ...given, weights }, activations);
    expect(deviation(answer, float)).toBeLessThan(0.1);
    expect(deviation(answer, float)).toBeGreaterThan(0);
  });

  test("is opened by tfjs, which has no 8-bit arithmetic, in float", async () => {
    await using engine = await openTfjsEngine();
    const { weights, activations } = decodeForInference(file);
    expect(deviation(await infer(engine, { ...given, weights }, activations), float)).toBeLessThan(0.1);
  });

  test("is one file of standard operators that computes the same by itself", async () => {
    const { network, pictures } = given;
    const { nodes } = buildQuantized(network, given, MODEL_INPUT).model();
    expect(nodes.filter(({ domain }) => domain !== "")).toEqual([]);

    const { channels, height, width } = network.input;
    const planes = Float32Array.from({ length: channels * height * width }, (_, i) => {
      const [channel, pixel] = [Math.floor(i / (height * width)), i % (height * width)];
      return pictures[0]![pixel * channels + channel]!;
    });
    const names = network.outputs.map(({ name }) => name);
    const graph = { bytes: Uint8Array.from(file), inputs: [MODEL_INPUT], outputs: names };
    await using session = await openSession(graph, CPU);
    const shape = [1, channels, height, width];
    const values: Record<string, HostTensor> = { [MODEL_INPUT]: { type: "float32", shape, data: planes } };
    for (const { name, node } of network.outputs)
      values[name] = hostTensor([1, ...network.nodes[node]!.shape]);
    await session.run(values);
    expect(
      deviation(
        names.map((name) => values[name]!.data as Float32Array),
        float,
      ),
    ).toBeLessThan(0.1);
  });

  test("computes every convolution in 8 bits but those whose answer is the network's", () => {
    const { network, weights } = given;
    const convolutions = stepsOf(network, "inference").filter(({ layer }) => layer.kind === "conv");
    const inBytes = convolutions.filter((step) => isQuantizedConv(network, step)).length;
    const inFloat = convolutions.length - inBytes;
    expect(inFloat).toBe(network.outputs.length);

    const b = new OnnxBuilder();
    const form = new ChannelsLastForm(b, network.parameters, weights, network.input);
    lowerQuantized(b, form, given, pictureInput(b, network.input, "batch"), "batch");
    const engine = count(b.model());
    expect(engine.QLinearConv).toBe(inBytes);
    // A prediction is a matrix product of real numbers.
    expect((engine.MatMul ?? 0) + (engine.Conv ?? 0)).toBe(inFloat);

    // In the file, weights of 8 bits enter a convolution through a DequantizeLinear, its result through the reverse.
    const { nodes } = buildQuantized(network, given, MODEL_INPUT).model();
    const maker = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node.op] as const)));
    const readers = (name: string) => nodes.filter(({ inputs }) => inputs.includes(name)).map(({ op }) => op);
    const wrapped = nodes.filter(
      ({ op, inputs, outputs }) =>
        op === "Conv" &&
        inputs.slice(0, 2).every((name) => maker.get(name) === "DequantizeLinear") &&
        readers(outputs[0]!).join() === "QuantizeLinear",
    );
    expect(wrapped.length).toBe(inBytes);
  });

  test("is no start for training, and says what is", () => {
    expect(() => decodeModelFile(file)).toThrow("its weights cannot be read back");
  });

  test("is refused as input where it is cut short or its parts are damaged", async () => {
    for (const share of [0, 0.1, 0.5, 0.9, 0.999]) {
      expect(kindOf(file.slice(0, Math.floor(share * file.length)))).toBe("input");
    }
    const model = buildQuantized(given.network, given, MODEL_INPUT).model();
    const filters = model.initializers.find(({ type, data }) => type === "int8" && data.length > 100)!;
    const range = model.initializers.find(({ name }) => /^value\d+\.scale$/.test(name))!;
    const swap = (old: OnnxTensor, ...by: OnnxTensor[]): Uint8Array =>
      encoded({ ...model, initializers: model.initializers.flatMap((one) => (one === old ? by : [one])) });
    expect(kindOf(encoded(model))).toBeUndefined();
    expect(kindOf(swap(filters))).toBe("input");
    expect(kindOf(swap(filters, { ...filters, data: filters.data.slice(1) as Int8Array }))).toBe("input");
    expect(kindOf(swap(filters, { ...filters, shape: [...filters.shape, 1] }))).toBe("input");
    for (const scale of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(kindOf(swap(range, { ...range, data: Float32Array.of(scale) }))).toBe("input");
    }
    // A range that is missing shows when the graph is written.
    const { weights, activations } = decodeForInference(swap(range));
    await using engine = await openNativeEngine(CPU);
    await expect(infer(engine, { ...given, weights }, activations)).rejects.toMatchObject({ kind: "input" });
  });
});

const OTHERS: [name: string, network: Network][] = [
  ["every layer", everyLayerNetwork()],
  ["a single-box network", buildNetwork({ kind: "single-box", size: 64, classCount: 3 })],
  ["a face network", buildNetwork({ kind: "mlp", classCount: 3, hidden: 8 })],
];

test.each(OTHERS)("%s in 8 bits answers nearly what it answers in float", async (_, network) => {
  const given = await quantized(network, 3);
  await using engine = await openNativeEngine(CPU);
  const answer = await infer(engine, given, given.activations);
  expect(deviation(answer, await infer(engine, given))).toBeLessThan(0.1);
});

function count({ nodes }: OnnxModel): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { op } of nodes) counts[op] = (counts[op] ?? 0) + 1;
  return counts;
}

function encoded(model: OnnxModel): Uint8Array {
  return encodeModel({ ...model, metadata: { vigia: JSON.stringify({ ...info, format: "int8" }) } });
}

function kindOf(file: Uint8Array): unknown {
  try {
    decodeForInference(file);
    return undefined;
  } catch (error) {
    return (error as { kind?: unknown }).kind ?? error;
  }
}
