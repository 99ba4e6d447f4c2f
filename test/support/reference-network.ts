import type { LossResult } from "../../shared/nn/engine.ts";
import { isTrained, type Network } from "../../shared/nn/graph.ts";
import {
  forEachOfChannel,
  forEachPart,
  forEachTap,
  forEachWindow,
  type LayerOf,
  type Place,
  product,
  sides,
  upsampleSource,
} from "./reference-loops.ts";

/**
 * The golden reference for the engines: every layer as plain loops over float64, [batch, channels, height, width],
 * forward and backward, straight from its definition. Nothing here is fast; all of it can be checked by reading, and
 * its gradients are held to finite differences by a test.
 */
export interface ReferencePass {
  /** Activations of every node, [batch, ...node shape]. */
  readonly values: readonly Float64Array[];
  /** In the order of `Network.outputs`. */
  readonly outputs: readonly Float64Array[];
  /** The batch's own mean and biased variance at their places in the weight vector; zero elsewhere. */
  readonly statistics: Float64Array;
}

type Vector = Float64Array | Float32Array;
/** `batch`: batch norm by the batch's own statistics (training). `running`: by those in the weights (inference). */
export type Statistics = "batch" | "running";

/** @param pictures uint8 [batch, height, width, channels] */
export function referenceForward(
  network: Network,
  weights: Vector,
  pictures: Uint8Array,
  batch: number,
  statistics: Statistics,
): ReferencePass {
  const pass = { values: [] as Float64Array[], statistics: new Float64Array(weights.length) };
  for (const node of network.nodes) {
    const context: Context = {
      network,
      node,
      weights,
      batch,
      values: pass.values,
      statistics: pass.statistics,
    };
    pass.values.push(forward(context, pictures, statistics));
  }
  return { ...pass, outputs: network.outputs.map(({ node }) => pass.values[node]!) };
}

/** What `TrainingSession.trainStep` promises: a loss over float32 outputs, and the whole gradient vector. */
export function referenceTrainStep<R>(
  network: Network,
  weights: Vector,
  pictures: Uint8Array,
  batch: number,
  loss: (outputs: readonly Float32Array[]) => LossResult<R>,
): { readonly gradient: Float64Array; readonly outputs: readonly Float64Array[]; readonly report: R } {
  const pass = referenceForward(network, weights, pictures, batch, "batch");
  const { gradients, report } = loss(pass.outputs.map((output) => Float32Array.from(output)));
  return {
    gradient: referenceBackward(network, weights, batch, pass, gradients),
    outputs: pass.outputs,
    report,
  };
}

/** d loss / d weights, with the batch's statistics in the places of the running ones. */
export function referenceBackward(
  network: Network,
  weights: Vector,
  batch: number,
  pass: ReferencePass,
  outputGradients: readonly Vector[],
): Float64Array {
  const gradient = new Float64Array(weights.length);
  const flowing = pass.values.map((value) => new Float64Array(value.length));
  network.outputs.forEach(({ node }, i) => {
    outputGradients[i]!.forEach((value, j) => {
      flowing[node]![j]! += value;
    });
  });
  for (let place = network.nodes.length - 1; place >= 0; place--) {
    const node = network.nodes[place]!;
    const context: Context = { network, node, weights, batch, ...pass };
    backward(context, pass.values[place]!, flowing[place]!, flowing, gradient);
  }
  for (const parameter of network.parameters.list) {
    if (isTrained(parameter)) continue;
    const { offset, size } = parameter;
    gradient.set(pass.statistics.subarray(offset, offset + size), offset);
  }
  return gradient;
}

/** Largest |a - b| / (|b| + scale of b), where b is the reference: relative, without exploding at zeros. */
export function largestDifference(a: Vector, b: Vector): number {
  if (a.length !== b.length) throw new Error(`lengths ${a.length} and ${b.length}`);
  let squares = 0;
  for (const value of b) squares += value * value;
  const scale = Math.sqrt(squares / b.length) || 1;
  let largest = 0;
  for (let i = 0; i < b.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!) / (Math.abs(b[i]!) + scale);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

interface Context extends Place {
  readonly weights: Vector;
  readonly values: readonly Float64Array[];
  readonly statistics: Float64Array;
}

function forward(context: Context, pictures: Uint8Array, statistics: Statistics): Float64Array {
  const { network, node, weights, batch, values } = context;
  const { layer, shape } = node;
  const out = new Float64Array(batch * product(shape));
  const x = values[node.inputs[0]!]!;
  const parameter = (name: string): Vector => slice(network, weights, name);
  switch (layer.kind) {
    case "input": {
      const [channels, height, width] = sides(shape);
      const area = height * width;
      for (let i = 0; i < out.length; i++) {
        const sample = Math.floor(i / (channels * area));
        const channel = Math.floor(i / area) % channels;
        out[i] = pictures[(sample * area + (i % area)) * channels + channel]!;
      }
      return out;
    }
    case "rescale":
      return out.map((_, i) => (x[i]! - layer.zero) * layer.scale);
    case "relu":
      return out.map((_, i) => Math.max(0, x[i]!));
    case "flatten":
      return x.slice();
    case "add": {
      const other = values[node.inputs[1]!]!;
      return out.map((_, i) => x[i]! + other[i]!);
    }
    case "upsample": {
      const width = shape[2]!;
      return out.map((_, i) => x[upsampleSource(i, width)]!);
    }
    case "concat":
      forEachPart(context, (input, from, to, length) => {
        out.set(values[input]!.subarray(from, from + length), to);
      });
      return out;
    case "conv":
      forEachTap(context, layer, (tap) => {
        const scale = parameter(layer.weight)[tap.weight]!;
        for (let i = 0; i < tap.count; i++) out[tap.out + i]! += scale * x[tap.in + i * layer.stride]!;
      });
      if (layer.bias !== undefined) {
        const bias = parameter(layer.bias);
        const area = shape[1]! * shape[2]!;
        for (let i = 0; i < out.length; i++) out[i]! += bias[Math.floor(i / area) % bias.length]!;
      }
      return out;
    case "batch-norm": {
      const { mean, variance } = normStatistics(context, layer, x, statistics);
      const gamma = parameter(layer.gamma);
      const beta = parameter(layer.beta);
      forEachOfChannel(shape, batch, (i, c) => {
        out[i] = (gamma[c]! * (x[i]! - mean[c]!)) / Math.sqrt(variance[c]! + layer.epsilon) + beta[c]!;
      });
      return out;
    }
    case "max-pool":
      forEachWindow(context, layer, x, (at, largest) => {
        out[at] = x[largest]!;
      });
      return out;
    case "dense": {
      const units = shape[0]!;
      const features = x.length / batch;
      const weight = parameter(layer.weight);
      const bias = parameter(layer.bias);
      for (let b = 0; b < batch; b++) {
        for (let u = 0; u < units; u++) {
          let sum = bias[u]!;
          for (let f = 0; f < features; f++) sum += x[b * features + f]! * weight[f * units + u]!;
          out[b * units + u] = sum;
        }
      }
      return out;
    }
  }
}

/** Adds to the gradients of the node's inputs in `flowing` and of its parameters in `gradient`. */
function backward(
  context: Context,
  y: Float64Array,
  dy: Float64Array,
  flowing: readonly Float64Array[],
  gradient: Float64Array,
): void {
  const { network, node, weights, batch, values } = context;
  const { layer, shape } = node;
  const x = values[node.inputs[0]!]!;
  const dx = flowing[node.inputs[0]!]!;
  const parameter = (name: string): Vector => slice(network, weights, name);
  const gradientOf = (name: string): Float64Array => slice(network, gradient, name);
  switch (layer.kind) {
    case "input":
      return;
    case "rescale":
      for (let i = 0; i < dy.length; i++) dx[i]! += dy[i]! * layer.scale;
      return;
    case "relu":
      for (let i = 0; i < dy.length; i++) if (y[i]! > 0) dx[i]! += dy[i]!;
      return;
    case "flatten":
      for (let i = 0; i < dy.length; i++) dx[i]! += dy[i]!;
      return;
    case "add": {
      const other = flowing[node.inputs[1]!]!;
      for (let i = 0; i < dy.length; i++) {
        dx[i]! += dy[i]!;
        other[i]! += dy[i]!;
      }
      return;
    }
    case "upsample":
      for (let i = 0; i < dy.length; i++) dx[upsampleSource(i, shape[2]!)]! += dy[i]!;
      return;
    case "concat":
      forEachPart(context, (input, from, to, length) => {
        for (let i = 0; i < length; i++) flowing[input]![from + i]! += dy[to + i]!;
      });
      return;
    case "conv": {
      const weight = parameter(layer.weight);
      const weightGradient = gradientOf(layer.weight);
      forEachTap(context, layer, (tap) => {
        const scale = weight[tap.weight]!;
        let sum = 0;
        for (let i = 0; i < tap.count; i++) {
          const at = tap.in + i * layer.stride;
          sum += x[at]! * dy[tap.out + i]!;
          dx[at]! += scale * dy[tap.out + i]!;
        }
        weightGradient[tap.weight]! += sum;
      });
      if (layer.bias !== undefined) {
        const bias = gradientOf(layer.bias);
        forEachOfChannel(shape, batch, (i, c) => {
          bias[c]! += dy[i]!;
        });
      }
      return;
    }
    case "batch-norm": {
      const { mean, variance } = normStatistics(context, layer, x, "batch");
      const gamma = parameter(layer.gamma);
      const [dGamma, dBeta] = [gradientOf(layer.gamma), gradientOf(layer.beta)];
      const [sumDy, sumDyXhat] = [new Float64Array(gamma.length), new Float64Array(gamma.length)];
      const xhat = new Float64Array(x.length);
      forEachOfChannel(shape, batch, (i, c) => {
        xhat[i] = (x[i]! - mean[c]!) / Math.sqrt(variance[c]! + layer.epsilon);
        sumDy[c]! += dy[i]!;
        sumDyXhat[c]! += dy[i]! * xhat[i]!;
      });
      const count = x.length / gamma.length;
      forEachOfChannel(shape, batch, (i, c) => {
        const inner = dy[i]! - sumDy[c]! / count - (xhat[i]! * sumDyXhat[c]!) / count;
        dx[i]! += (gamma[c]! / Math.sqrt(variance[c]! + layer.epsilon)) * inner;
      });
      for (let c = 0; c < gamma.length; c++) {
        dGamma[c]! += sumDyXhat[c]!;
        dBeta[c]! += sumDy[c]!;
      }
      return;
    }
    case "max-pool":
      forEachWindow(context, layer, x, (at, largest) => {
        dx[largest]! += dy[at]!;
      });
      return;
    case "dense": {
      const units = shape[0]!;
      const features = x.length / batch;
      const weight = parameter(layer.weight);
      const [dWeight, dBias] = [gradientOf(layer.weight), gradientOf(layer.bias)];
      for (let b = 0; b < batch; b++) {
        for (let u = 0; u < units; u++) {
          const slope = dy[b * units + u]!;
          dBias[u]! += slope;
          for (let f = 0; f < features; f++) {
            dWeight[f * units + u]! += slope * x[b * features + f]!;
            dx[b * features + f]! += slope * weight[f * units + u]!;
          }
        }
      }
      return;
    }
  }
}

function normStatistics(
  { network, node, weights, batch, statistics }: Context,
  layer: LayerOf<"batch-norm">,
  x: Float64Array,
  which: Statistics,
): { mean: Vector; variance: Vector } {
  if (which === "running") {
    return { mean: slice(network, weights, layer.mean), variance: slice(network, weights, layer.variance) };
  }
  const mean = slice(network, statistics, layer.mean).fill(0);
  const variance = slice(network, statistics, layer.variance).fill(0);
  const count = x.length / mean.length;
  forEachOfChannel(node.shape, batch, (i, c) => {
    mean[c]! += x[i]! / count;
  });
  forEachOfChannel(node.shape, batch, (i, c) => {
    variance[c]! += (x[i]! - mean[c]!) ** 2 / count;
  });
  return { mean, variance };
}

function slice<V extends Vector>(network: Network, vector: V, name: string): V {
  const { offset, size } = network.parameters.get(name);
  return vector.subarray(offset, offset + size) as V;
}
