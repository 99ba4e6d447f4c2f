import type { Layer, Shape } from "../graph.ts";
import { convAttributes } from "../onnx/inference.ts";
import { type Emitter, type FeatureMap, spatialShape } from "./emitter.ts";

export type Conv = Extract<Layer, { kind: "conv" }>;

/** Where a convolution's filters come from: the weight vector as it is, or packed for the blocked kernels. */
export type FilterForm = "plain" | "forward" | "backward" | "strided";

/** Asks for a filter in a form and gives the graph input that will hold it. */
export type FilterSource = (weight: string, form: FilterForm) => string;

/** Whether the forward pass runs on blocked kernels; a picture of fewer channels than a block enters plain. */
export function runsBlocked(e: Emitter, filters: number, channels: number): boolean {
  return e.canBlock(filters) && (e.canBlock(channels) || channels < e.block!);
}

/** @param relu whether a ReLU is to follow in the same pass */
export function convolve(
  e: Emitter,
  layer: Conv,
  x: FeatureMap,
  shape: Shape,
  filter: FilterSource,
  bias: string | undefined,
  relu: boolean,
): FeatureMap {
  const attributes = convAttributes(layer);
  const [channels] = spatialShape(x);
  const tail = bias === undefined ? [] : [bias];
  if (runsBlocked(e, shape[0]!, channels)) {
    const input = e.canBlock(channels) ? e.blocked(x) : e.plain(x);
    const activation = relu ? { activation: "Relu" } : {};
    const inputs = [input, filter(layer.weight, "forward"), ...tail];
    return e.map("blocked", x, shape, e.blockedOp("Conv", inputs, { ...attributes, ...activation }));
  }
  const y = e.b.op("Conv", [e.plain(x), filter(layer.weight, "plain"), ...tail], attributes);
  return e.map("plain", x, shape, relu ? e.b.op("Relu", [y]) : y);
}

/**
 * d loss / d input, of the input's shape.
 *
 * @param plus what the input's gradient has gathered so far, to be added
 */
export function inputGradient(
  e: Emitter,
  layer: Conv,
  gradient: FeatureMap,
  shape: Shape,
  filter: FilterSource,
  plus: FeatureMap | undefined,
): FeatureMap {
  const [filters] = spatialShape(gradient);
  const blocks = e.canBlock(filters) && e.canBlock(shape[0]!);
  if (layer.stride === 1 && blocks) {
    const inputs = [e.blocked(gradient), filter(layer.weight, "backward")];
    if (plus !== undefined) inputs.push("", e.blocked(plus));
    return e.map("blocked", gradient, shape, e.blockedOp("Conv", inputs, convAttributes(layer)));
  }
  const alone =
    layer.stride === 2 && layer.size === 3 && blocks && isEven(shape)
      ? stridedInputGradient(e, layer, gradient, shape, filter)
      : plainInputGradient(e, layer, gradient, shape, filter);
  return plus === undefined ? alone : e.elementwise("Add", plus, alone);
}

function isEven([, height = 0, width = 0]: Shape): boolean {
  return height % 2 === 0 && width % 2 === 0;
}

/** See `packStrided`: one convolution answers the four quarters of the gradient, which are then woven together. */
function stridedInputGradient(
  e: Emitter,
  layer: Conv,
  gradient: FeatureMap,
  shape: Shape,
  filter: FilterSource,
): FeatureMap {
  const { pictures } = gradient;
  const [, rows, columns] = spatialShape(gradient);
  const [channels, height, width] = shape as [number, number, number];
  const attributes = { kernel_shape: [2, 2], pads: [0, 0, 1, 1] };
  const quarters = e.blockedOp("Conv", [e.blocked(gradient), filter(layer.weight, "strided")], attributes);
  const block = e.block!;
  const apart = e.b.reshape(quarters, pictures, 2, 2, channels / block, rows, columns, block);
  const woven = e.b.op("Transpose", [apart], { perm: [0, 3, 4, 1, 5, 2, 6] });
  return e.map("blocked", gradient, shape, e.b.reshape(woven, pictures, channels, height, width));
}

function plainInputGradient(
  e: Emitter,
  layer: Conv,
  gradient: FeatureMap,
  shape: Shape,
  filter: FilterSource,
): FeatureMap {
  const [filters, rows, columns] = spatialShape(gradient);
  const [channels, height, width] = shape as [number, number, number];
  const weight = filter(layer.weight, "plain");
  if (layer.size === 1 && layer.stride === 1) {
    const matrix = e.b.reshape(weight, filters, channels);
    const product = e.matmul(matrix, planes(e, gradient), { transA: true });
    return e.map("plain", gradient, shape, e.b.reshape(product, gradient.pictures, channels, height, width));
  }
  // With stride 2 the last row and column of an even side are reached from one window only.
  const odd = (side: number, after: number): number => side - ((after - 1) * layer.stride + 1);
  const output_padding = [odd(height, rows), odd(width, columns)];
  const inputs = [e.plain(gradient), weight];
  const attributes = { ...convAttributes(layer), output_padding };
  return e.map("plain", gradient, shape, e.b.op("ConvTranspose", inputs, attributes));
}

/** As [batch, channels, height * width]. */
function planes(e: Emitter, map: FeatureMap): string {
  const [channels, height, width] = spatialShape(map);
  return e.b.reshape(e.plain(map), map.pictures, channels, height * width);
}
