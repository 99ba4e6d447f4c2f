import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { AppError, errorKind, errorLine } from "../../shared/base/errors.ts";
import { Progress } from "../../shared/base/progress.ts";
import { bytesText } from "../../shared/base/text.ts";
import { throwIfAborted } from "../../shared/base/wait.ts";
import { readDataset } from "../../shared/dataset/read.ts";
import type { Dataset, Sample, SplitName } from "../../shared/dataset/types.ts";
import { inputBytes, writeInput } from "../../shared/detect/input.ts";
import { openModel } from "../../shared/detect/model.ts";
import { decodePictureFile } from "../../shared/image/codec.ts";
import type { EngineOptions } from "../../shared/nn/engine.ts";
import {
  decodeModelFile,
  encodeQuantizedFile,
  networkOf,
  readModelBytes,
  saveWhole,
} from "../../shared/nn/model-file.ts";
import type { NetworkConfig } from "../../shared/nn/networks/config.ts";
import { openEngine } from "../../shared/nn/open-engine.ts";
import { calibrate } from "../../shared/nn/quantize/calibrate.ts";
import { evaluateModel } from "../evaluate-model.ts";
import { wholeFlag } from "../flags.ts";
import { checkSavePath } from "../save-folder.ts";
import { COMMON_FLAGS, type Command, type CommandContext, isSet, neededText, textOf } from "../shell.ts";

const PICTURES_DEFAULT = 100;

export const command: Command = {
  definition: {
    meta: { name: "quantize", description: "Make a smaller and faster model of 8-bit numbers." },
    args: {
      model: { type: "positional", required: true, description: "The model that was trained." },
      data: {
        type: "string",
        required: true,
        valueHint: "DATASET",
        description: "Pictures like those it will see: its data set.",
      },
      out: { type: "string", required: true, valueHint: "FILE.onnx", description: "Where the result goes." },
      pictures: {
        type: "string",
        valueHint: "N",
        description: `Training pictures to learn the ranges of values from (${PICTURES_DEFAULT}).`,
      },
      json: { type: "boolean", description: "The result as one JSON object." },
      ...COMMON_FLAGS,
    },
  },
  async run(flags, context) {
    const out = resolve(neededText(flags, "out"));
    const count = wholeFlag("pictures", textOf(flags, "pictures"), 1, 10_000) ?? PICTURES_DEFAULT;
    await checkSavePath(out);
    const bytes = await readModelBytes(neededText(flags, "model"));
    const { info, weights } = decodeModelFile(bytes);
    const dataset = await readDataset(neededText(flags, "data"), { log: context.log });
    const options: EngineOptions = { device: "auto", threads: availableParallelism() };

    using progress = new Progress();
    const samples = calibrationSamples(dataset, count);
    await using engine = await openEngine(options, context.log);
    const pictures = inputs(info.network, samples, progress, context);
    const activations = await calibrate(engine, networkOf(info), weights, pictures);
    const encode = (metrics: Readonly<Record<string, number>>): Uint8Array =>
      encodeQuantizedFile({ ...info, metrics: { ...info.metrics, ...metrics } }, { weights, activations });

    const split = scoredSplit(dataset);
    const score = async (file: Uint8Array): Promise<{ map50: number; map: number }> => {
      await using model = await openModel(file, options, context.log);
      return (await evaluateModel(model, dataset, split, progress, context)).result;
    };
    const float = await score(bytes);
    const int8 = await score(encode({}));
    const quantized = encode({
      floatMap50: float.map50,
      floatMap: float.map,
      int8Map50: int8.map50,
      int8Map: int8.map,
    });
    await saveWhole(out, quantized);
    if (isSet(flags, "json")) {
      const result = {
        model: out,
        bytes: quantized.length,
        floatBytes: bytes.length,
        pictures: samples.length,
        split,
        map50: int8.map50,
        floatMap50: float.map50,
        map: int8.map,
        floatMap: float.map,
      };
      context.print(JSON.stringify(result));
      return;
    }
    const share = ((100 * quantized.length) / bytes.length).toFixed(0);
    context.print(`${out}: ${bytesText(quantized.length)}, ${share}% of the float model`);
    context.print(
      `${split} pictures: mAP50 ${float.map50.toFixed(4)} -> ${int8.map50.toFixed(4)}, ` +
        `mAP50-95 ${float.map.toFixed(4)} -> ${int8.map.toFixed(4)}`,
    );
  },
};

/** Spread evenly over the training pictures. */
function calibrationSamples(dataset: Dataset, count: number): Sample[] {
  const samples = dataset.splits.train ?? dataset.splits.val ?? [];
  if (samples.length === 0) {
    throw new AppError("input", "the data set has no training pictures to learn ranges from");
  }
  const taken = Math.min(count, samples.length);
  return Array.from({ length: taken }, (_, i) => samples[Math.floor((i * samples.length) / taken)]!);
}

async function* inputs(
  network: NetworkConfig,
  samples: readonly Sample[],
  progress: Progress,
  { signal, log }: CommandContext,
): AsyncGenerator<Uint8Array> {
  let unread = 0;
  const input = new Uint8Array(inputBytes(network));
  for (const [i, { path }] of samples.entries()) {
    throwIfAborted(signal, "quantizing was stopped");
    progress.show({ stage: "learning ranges", share: i / samples.length });
    try {
      writeInput(network, await decodePictureFile(path), input);
    } catch (error) {
      if (errorKind(error) !== "input") throw error;
      if (++unread === samples.length) throw error;
      log.warn("a picture cannot be read and is passed over", { file: path, why: errorLine(error) });
      continue;
    }
    yield input;
  }
}

/** Pictures that the ranges were not learnt from, where there are any. */
function scoredSplit({ splits }: Dataset): SplitName {
  const names: readonly SplitName[] = ["test", "val", "train"];
  return names.find((name) => (splits[name] ?? []).length > 0) ?? "train";
}
