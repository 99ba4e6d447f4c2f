import { AppError } from "../../base/errors.ts";
import type { Network } from "../graph.ts";
import { OnnxBuilder } from "../onnx/builder.ts";
import { DATA_TYPE } from "../onnx/model.ts";
import { readFloats, type StoredTensor } from "../onnx/read.ts";
import { stepsOf } from "../steps.ts";
import {
  type Activations,
  isQuantizedConv,
  type Levels,
  measuredValues,
  PICTURE_LEVELS,
} from "./activations.ts";
import { filterWeights } from "./filters.ts";
import { levelNames, valueName } from "./levels.ts";
import { lowerQuantized } from "./lower.ts";
import { QdqForm } from "./qdq.ts";

/** What an int8 file holds, as much as engines need to compute with it. */
export interface QuantizedWeights {
  /**
   * A weight vector for the same network that computes, in float, what the 8-bit filters stand for: a folded
   * convolution has its whole-numbered filters as weights and their scale as the gamma of its batch norm. Not a start
   * for training: those weights are up to 127.
   */
  readonly weights: Float32Array;
  readonly activations: Activations;
}

/**
 * Writes the graph of an int8 file. Its input and outputs are those of the float file.
 *
 * @param images name of the input: float32 [batch, channels, height, width], 0 to 255
 */
export function buildQuantized(
  network: Network,
  { weights, activations }: QuantizedWeights,
  images: string,
): OnnxBuilder {
  const b = new OnnxBuilder();
  const { channels, height, width } = network.input;
  const input = b.input(images, ["batch", channels, height, width]);
  const zero = b.tensor({ name: "zero_point", type: "uint8", shape: [], data: Uint8Array.of(0) });
  const bytes = b.op("QuantizeLinear", [input, b.scalar(PICTURE_LEVELS.scale), zero]);
  const form = new QdqForm(b, network.parameters, weights);
  lowerQuantized(b, form, { network, weights, activations }, bytes, "batch");
  return b;
}

/** Reads what `buildQuantized` wrote. Throws `input` where a part is missing or of another shape. */
export function readQuantized(
  network: Network,
  initializers: ReadonlyMap<string, StoredTensor>,
): QuantizedWeights {
  const folded = foldedParameters(network);
  const weights = new Float32Array(network.parameters.totalCount);
  for (const { name, offset, size, shape } of network.parameters.list) {
    const stored = initializers.get(name);
    const known = folded.get(name);
    if (stored === undefined && known === undefined)
      throw new AppError("input", `the model lacks its part ${name}`);
    if (stored === undefined) {
      weights.fill(known!, offset, offset + size);
      continue;
    }
    if (stored.shape.join() !== shape.join()) {
      throw new AppError("input", `part ${name} is [${stored.shape}], expected [${shape}]`);
    }
    weights.set(
      stored.type === DATA_TYPE.int8 ? readFilters(stored, size, initializers) : readFloats(stored, size),
      offset,
    );
  }
  if (!weights.every(Number.isFinite))
    throw new AppError("input", "the model has weights that are no numbers");
  const activations = new Map<number, Levels>();
  for (const place of measuredValues(network)) {
    const levels = readLevels(place, initializers);
    if (levels !== undefined) activations.set(place, levels);
  }
  return { weights, activations };
}

/** Parameters that went into others when the file was written, and what they are afterwards. */
function foldedParameters(network: Network): Map<string, number> {
  const values = new Map<string, number>();
  for (const step of stepsOf(network, "inference")) {
    if (!isQuantizedConv(network, step) || step.norm === undefined) continue;
    values.set(step.norm.mean, 0).set(step.norm.variance, 1 - step.norm.epsilon);
    if (step.layer.kind === "conv" && step.layer.bias !== undefined) values.set(step.layer.bias, 0);
  }
  return values;
}

function readFilters(
  stored: StoredTensor,
  count: number,
  initializers: ReadonlyMap<string, StoredTensor>,
): Float32Array {
  const { name, raw, shape } = stored;
  if (raw.length !== count) throw new AppError("input", `part ${name} is not ${count} bytes`);
  const values = new Int8Array(raw.buffer, raw.byteOffset, raw.length);
  const scale = initializers.get(`${name}.scale`);
  if (scale === undefined) return Float32Array.from(values);
  const dense = shape.length === 2;
  const scales = readFloats(scale, dense ? shape[1]! : shape[0]!);
  return filterWeights(values, scales, dense ? "innermost" : "outermost");
}

function readLevels(place: number, initializers: ReadonlyMap<string, StoredTensor>): Levels | undefined {
  const names = levelNames(valueName(place));
  const scale = initializers.get(names.scale);
  const zeroPoint = initializers.get(names.zeroPoint);
  if (scale === undefined || zeroPoint === undefined) return undefined;
  const levels = { scale: readFloats(scale, 1)[0]!, zeroPoint: zeroPoint.raw[0] ?? 0 };
  if (!(levels.scale > 0 && Number.isFinite(levels.scale)) || zeroPoint.type !== DATA_TYPE.uint8) {
    throw new AppError("input", `the range of ${valueName(place)} is none`);
  }
  return levels;
}
