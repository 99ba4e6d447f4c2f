import { AppError } from "../../base/errors.ts";
import type { Network, Shape } from "../graph.ts";
import type { LayerOf } from "../steps.ts";
import type { Arena, Tensor, TensorShape } from "./backend.ts";
import { type ConvShape, convWeights, denseWeights, type Weights } from "./conv.ts";
import * as loops from "./loops.ts";

/** [channels, height, width] or [features] as tfjs wants it; flat values are pictures of one pixel. */
export function tensorShape(batch: number, shape: Shape): TensorShape {
  const [channels = 1, height = 1, width = 1] = shape;
  return [batch, height, width, channels];
}

export function inputShape(network: Network, node: number): Shape {
  return network.nodes[node]!.shape;
}

/** The sides of a convolution or a dense layer, from its input's and its output's. */
export function convShape(layer: LayerOf<"conv"> | LayerOf<"dense">, input: Shape, output: Shape): ConvShape {
  const { size, stride } = layer.kind === "conv" ? layer : { size: 1, stride: 1 };
  return { size, stride, channels: input[0]!, filters: output[0]! };
}

/** A layer's part of a weight vector or of a gradient. */
export function weightsOf(
  network: Network,
  vector: Float32Array,
  layer: LayerOf<"conv"> | LayerOf<"dense">,
  shape: ConvShape,
): Weights {
  const values = network.parameters.slice(vector, layer.weight);
  return layer.kind === "conv" ? convWeights(values, shape) : denseWeights(values, shape);
}

/** uint8 pictures to floats, count as they are. */
export function pictureTensor(arena: Arena, network: Network, pictures: Uint8Array, batch: number): Tensor {
  const { height, width, channels } = network.input;
  const size = batch * height * width * channels;
  if (pictures.length !== size) {
    throw new AppError("bug", `pictures hold ${pictures.length} bytes, expected ${size}`);
  }
  const tensor = arena.make([batch, height, width, channels]);
  arena.view(tensor).set(pictures);
  return tensor;
}

/** A value as the engine's callers see it: channels before rows, in memory of its own. */
export function channelsFirst(arena: Arena, tensor: Tensor): Float32Array {
  const [batch, height, width, channels] = tensor.shape;
  const out = new Float32Array(batch * height * width * channels);
  loops.swapSides(arena.view(tensor), out, batch, height * width, channels);
  return out;
}

export function channelsLast(arena: Arena, values: Float32Array, shape: TensorShape): Tensor {
  const [batch, height, width, channels] = shape;
  if (values.length !== batch * height * width * channels) {
    throw new AppError("bug", `a gradient holds ${values.length} numbers, its output [${shape}]`);
  }
  const tensor = arena.make(shape);
  loops.swapSides(values, arena.view(tensor), batch, channels, height * width);
  return tensor;
}

/** The layers without parameters, forward; the same in training and inference. */
export function plainForward(
  arena: Arena,
  layer: LayerOf<"rescale" | "relu" | "max-pool" | "upsample" | "add" | "concat" | "flatten">,
  inputs: readonly Tensor[],
  outputShape: TensorShape,
): Tensor {
  const x = inputs[0]!;
  const [batch, height, width, channels] = x.shape;
  if (layer.kind === "max-pool") return arena.maxPool(x, layer.size, layer.stride, layer.padding);
  const out = arena.make(outputShape);
  const [from, to] = [arena.view(x), arena.view(out)];
  switch (layer.kind) {
    case "rescale":
      for (let i = 0; i < to.length; i++) to[i] = (from[i]! - layer.zero) * layer.scale;
      break;
    case "relu":
      for (let i = 0; i < to.length; i++) to[i] = 0.5 * (from[i]! + Math.abs(from[i]!));
      break;
    case "upsample":
      loops.upsample(from, to, batch * height, width, channels);
      break;
    case "add": {
      const other = arena.view(inputs[1]!);
      for (let i = 0; i < to.length; i++) to[i] = from[i]! + other[i]!;
      break;
    }
    case "concat": {
      const whole = outputShape[3];
      let offset = 0;
      for (const part of inputs) {
        const width = part.shape[3];
        loops.copyChannels(arena.view(part), 0, width, to, offset, whole, width);
        offset += width;
      }
      break;
    }
    case "flatten":
      loops.swapSides(from, to, batch, height * width, channels);
      break;
  }
  return out;
}
