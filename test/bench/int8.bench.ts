import { join, resolve } from "node:path";
import { Random } from "../../shared/base/random.ts";
import type { Predictor } from "../../shared/nn/engine.ts";
import { encodeModelFile, encodeQuantizedFile } from "../../shared/nn/model-file.ts";
import { openNativeEngine } from "../../shared/nn/native/engine.ts";
import { buildNetwork, type NetworkConfig } from "../../shared/nn/networks/config.ts";
import { calibrate } from "../../shared/nn/quantize/calibrate.ts";
import { modelInfo } from "../support/model-info.ts";
import { tempFolder } from "../support/temp.ts";
import type { BenchSize, Given } from "./harness.ts";

const MAIN = resolve(import.meta.dir, "../../src/main.ts");

/**
 * What 8 bits gain, on one thread and one picture at a time, as a tester computes: time and size of the file. What they
 * cost, with `--model FILE --data DATASET`: points of mAP50 that the trained model loses on the data set's test pictures.
 */

const SIZES = { smoke: { sidePx: 96, repeats: 2 }, full: { sidePx: 320, repeats: 60 } } as const;

export async function run(size: BenchSize, given: Given = {}): Promise<Record<string, number>> {
  return { ...(await gains(size)), ...(await losses(given)) };
}

/** What `vigia quantize` itself finds. */
async function losses({ model, data }: Given): Promise<Record<string, number>> {
  if (model === undefined || data === undefined) return {};
  using folder = tempFolder();
  const words = ["quantize", model, "--data", data, "--out", join(folder.path, "int8.onnx"), "--json"];
  const child = Bun.spawn([process.execPath, MAIN, ...words], { stdout: "pipe", stderr: "inherit" });
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error("the model could not be quantized");
  const { map50, floatMap50, bytes, floatBytes } = JSON.parse(text) as Record<string, number>;
  return {
    floatMap50: floatMap50!,
    int8Map50: map50!,
    map50PointsLost: 100 * (floatMap50! - map50!),
    trainedSizeShare: bytes! / floatBytes!,
  };
}

/** On a network of random weights. */
export async function gains(
  size: BenchSize,
): Promise<Record<"floatMs" | "int8Ms" | "speedUp" | "sizeShare", number>> {
  const { sidePx, repeats } = SIZES[size];
  const config: NetworkConfig = { kind: "detector", size: sidePx, classCount: 3, variant: "normal" };
  const network = buildNetwork(config);
  const weights = network.parameters.start((name) => new Random("int8 benchmark", name));
  const random = new Random("pictures");
  const picture = Uint8Array.from({ length: sidePx * sidePx * 3 }, () => random.below(256));

  await using engine = await openNativeEngine({ device: "cpu", threads: 1 });
  const activations = await calibrate(engine, network, weights, [picture]);
  await using float = await engine.predictor(network, weights, { batch: 1 });
  await using int8 = await engine.predictor(network, weights, { batch: 1, activations });
  const floatMs: number[] = [];
  const int8Ms: number[] = [];
  // In turns, so that whatever else the machine does falls on both.
  for (let i = 0; i < repeats; i++) {
    floatMs.push(await inferenceMs(float, picture));
    int8Ms.push(await inferenceMs(int8, picture));
  }
  const info = modelInfo(config);
  return {
    floatMs: median(floatMs),
    int8Ms: median(int8Ms),
    speedUp: median(floatMs) / median(int8Ms),
    sizeShare:
      encodeQuantizedFile(info, { weights, activations }).length / encodeModelFile(info, weights).length,
  };
}

async function inferenceMs(predictor: Predictor, picture: Uint8Array): Promise<number> {
  const startMs = performance.now();
  await predictor.infer(picture, 1);
  return performance.now() - startMs;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
