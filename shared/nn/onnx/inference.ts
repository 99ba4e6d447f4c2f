import type { Layer, Network, ParameterLayout } from "../graph.ts";
import type { OnnxBuilder } from "./builder.ts";
import { float } from "./model.ts";

type Conv = Extract<Layer, { kind: "conv" }>;
type BatchNorm = Extract<Layer, { kind: "batch-norm" }>;

/**
 * Writes a network for inference, in standard operators only, with an initializer for each parameter under its own
 * name and an output for each of the network's. Batch norm stays a node; runtimes fold it into the convolutions.
 *
 * @param images name of the value that holds the pictures: float32 [batch, channels, height, width], 0 to 255
 * @param batch size of the batch, or a word where it is open
 */
export function lowerInference(
  b: OnnxBuilder,
  network: Network,
  weights: Float32Array,
  images: string,
  batch: number | string,
): void {
  const outputNames = new Map(network.outputs.map(({ name, node }) => [node, name]));
  const values: string[] = [];
  network.nodes.forEach(({ layer, inputs, shape }, place) => {
    const sources = inputs.map((input) => values[input]!);
    const name = outputNames.get(place);
    values.push(lowerLayer(b, network.parameters, weights, layer, sources, images, name));
    if (name !== undefined) b.output(name, [batch, ...shape]);
  });
}

/** Attributes of Conv: padding of (size - 1) / 2 on all four sides. */
export function convAttributes({ size, stride }: Pick<Conv, "size" | "stride">): Record<string, number[]> {
  const pad = (size - 1) / 2;
  return { kernel_shape: [size, size], strides: [stride, stride], pads: [pad, pad, pad, pad] };
}

/** Attributes of MaxPool. */
export function poolAttributes(layer: Extract<Layer, { kind: "max-pool" }>): Record<string, number[]> {
  const { size, stride, padding } = layer;
  return {
    kernel_shape: [size, size],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
  };
}

export function lowerLayer(
  b: OnnxBuilder,
  layout: ParameterLayout,
  weights: Float32Array,
  layer: Layer,
  [x = "", ...more]: readonly string[],
  images: string,
  output: string | undefined,
): string {
  const named = output === undefined ? {} : { name: output };
  const parameter = (name: string): string =>
    b.weight(name, layout.get(name).shape, layout.slice(weights, name));
  switch (layer.kind) {
    case "input":
      return images;
    case "rescale": {
      const moved = layer.zero === 0 ? x : b.op("Sub", [x, b.scalar(layer.zero)]);
      return b.op("Mul", [moved, b.scalar(layer.scale)], {}, named);
    }
    case "conv": {
      const bias = layer.bias === undefined ? [] : [parameter(layer.bias)];
      return b.op("Conv", [x, parameter(layer.weight), ...bias], convAttributes(layer), named);
    }
    case "batch-norm":
      return b.op(
        "BatchNormalization",
        [x, ...batchNormParameters(layer).map(parameter)],
        { epsilon: float(layer.epsilon) },
        named,
      );
    case "relu":
      return b.op("Relu", [x], {}, named);
    case "max-pool":
      return b.op("MaxPool", [x], poolAttributes(layer), named);
    case "upsample":
      return b.op(
        "Resize",
        [x, "", b.floats([1, 1, 2, 2])],
        { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" },
        named,
      );
    case "add":
      return b.op("Add", [x, ...more], {}, named);
    case "concat":
      return b.op("Concat", [x, ...more], { axis: 1 }, named);
    case "flatten":
      return b.op("Flatten", [x], { axis: 1 }, named);
    case "dense":
      // OpenCV 4.6 misreads a Gemm without transposed weights; onnxruntime makes one of these two.
      return b.op("Add", [b.op("MatMul", [x, parameter(layer.weight)]), parameter(layer.bias)], {}, named);
  }
}

/** In the order of BatchNormalization's inputs. */
function batchNormParameters(layer: BatchNorm): string[] {
  return [layer.gamma, layer.beta, layer.mean, layer.variance];
}
