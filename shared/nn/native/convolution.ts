import type { Layer, Shape } from "../graph.ts";
import { convAttributes } from "../onnx/inference.ts";
import { type Emitter, type FeatureMap, spatialShape } from "./emitter.ts";
import type { FilterShape } from "./filters.ts";

export type Conv = Extract<Layer, { kind: "conv" }>;

/** Where a convolution's filters come from: the weight vector as it is, or packed for the blocked kernels. */
export type FilterForm = "plain" | "forward" | "backward" | "strided";

/** Channels up to which `fewChannelsGradient` is the faster way. */
const FEW_CHANNELS = 4;

/** Asks for a filter in a form and gives the graph input that will hold it. */
export type FilterSource = (weight: string, form: FilterForm) => string;

/** Values of a channel below which the product over one picture is too short, and pictures are taken together. */
const SHORT_PRODUCT = 160;

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
    return { shape, blocked: e.blockedOp("Conv", inputs, { ...attributes, ...activation }) };
  }
  const y = e.b.op("Conv", [e.plain(x), filter(layer.weight, "plain"), ...tail], attributes);
  return { shape, plain: relu ? e.b.op("Relu", [y]) : y };
}

/** d loss / d input, of the input's shape. */
export function inputGradient(
  e: Emitter,
  layer: Conv,
  gradient: FeatureMap,
  shape: Shape,
  filter: FilterSource,
): FeatureMap {
  const [filters] = spatialShape(gradient);
  const attributes = convAttributes(layer);
  if (layer.stride === 1 && e.canBlock(filters) && e.canBlock(shape[0]!)) {
    const inputs = [e.blocked(gradient), filter(layer.weight, "backward")];
    return { shape, blocked: e.blockedOp("Conv", inputs, attributes) };
  }
  if (
    layer.stride === 2 &&
    layer.size === 3 &&
    e.canBlock(filters) &&
    e.canBlock(shape[0]!) &&
    isEven(shape)
  ) {
    return stridedInputGradient(e, layer, gradient, shape, filter);
  }
  const weight = filter(layer.weight, "plain");
  if (layer.size === 1 && layer.stride === 1) {
    const [channels, height, width] = shape as [number, number, number];
    const matrix = e.b.reshape(weight, filters, channels);
    const product = e.matmul(matrix, planes(e, gradient), { transA: true });
    return { shape, plain: e.b.reshape(product, e.batch, channels, height, width) };
  }
  // With stride 2 the last row and column of an even side are reached from one window only.
  const odd = (side: number, after: number): number => side - ((after - 1) * layer.stride + 1);
  const [, height, width] = shape as [number, number, number];
  const [, rows, columns] = spatialShape(gradient);
  const output_padding = [odd(height, rows), odd(width, columns)];
  const inputs = [e.plain(gradient), weight];
  return { shape, plain: e.b.op("ConvTranspose", inputs, { ...attributes, output_padding }) };
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
  const [, rows, columns] = spatialShape(gradient);
  const [channels, height, width] = shape as [number, number, number];
  const attributes = { kernel_shape: [2, 2], pads: [0, 0, 1, 1] };
  const quarters = e.blockedOp("Conv", [e.blocked(gradient), filter(layer.weight, "strided")], attributes);
  const block = e.block!;
  const apart = e.b.reshape(quarters, e.batch, 2, 2, channels / block, rows, columns, block);
  const woven = e.b.op("Transpose", [apart], { perm: [0, 3, 4, 1, 5, 2, 6] });
  return { shape, blocked: e.b.reshape(woven, e.batch, channels, height, width) };
}

/**
 * d loss / d filter as [size * size, filters, channels]. A kernel place (row r, column c) sees the input moved by
 * (r - 1, c - 1); its filters' gradient is the product of output gradient and moved input over all pictures and
 * pixels. Moving the output gradient by rows and the input by columns makes nine products out of six matrices, all
 * of them whole rows of memory, which beats im2col and the transposed `Conv` by two to three times.
 */
export function filterGradient(
  e: Emitter,
  layer: Conv,
  x: FeatureMap,
  gradient: FeatureMap,
  { filters, channels }: FilterShape,
): string {
  if (layer.size === 1) {
    const input = layer.stride === 1 ? x : phase(e, x, 0, 0);
    return e.b.reshape(productOf(e, filters, channels, gradient)(gradient, input), 1, filters, channels);
  }
  if (channels <= FEW_CHANNELS) return fewChannelsGradient(e, layer, x, gradient, { filters, channels });
  const product = productOf(e, filters, channels, gradient);
  const products =
    layer.stride === 1
      ? unstridedProducts(e, x, gradient, product)
      : stridedProducts(e, x, gradient, product);
  return e.b.reshape(e.b.op("Concat", products, { axis: 0 }), 9, filters, channels);
}

/**
 * For pictures, whose three channels are too narrow for a matrix product of their own: all nine moved inputs side by
 * side, in one product.
 */
function fewChannelsGradient(
  e: Emitter,
  layer: Conv,
  x: FeatureMap,
  gradient: FeatureMap,
  { filters, channels }: Pick<FilterShape, "filters" | "channels">,
): string {
  const moved = layer.stride === 1 ? unstridedInputs(e, x) : stridedInputs(e, x);
  const [, height, width] = spatialShape(gradient);
  const shape = [9 * channels, height, width];
  const columns = e.map(
    "plain",
    shape,
    e.b.op(
      "Concat",
      moved.map((map) => e.plain(map)),
      { axis: 1 },
    ),
  );
  const product = productOf(e, filters, 9 * channels, gradient)(gradient, columns);
  return e.b.op("Transpose", [e.b.reshape(product, filters, 9, channels)], { perm: [1, 0, 2] });
}

function unstridedInputs(e: Emitter, x: FeatureMap): FeatureMap[] {
  return [-1, 0, 1].flatMap((row) => [-1, 0, 1].map((column) => move(e, x, -row, -column)));
}

function stridedInputs(e: Emitter, x: FeatureMap): FeatureMap[] {
  const phases = ([0, 1] as const).map((row) => ([0, 1] as const).map((column) => phase(e, x, row, column)));
  const places = [0, 1, 2];
  return places.flatMap((row) =>
    places.map((column) => {
      const seen = phases[1 - (row % 2)]![1 - (column % 2)]!;
      return move(e, seen, Number(row === 0), Number(column === 0));
    }),
  );
}

type Product = (gradient: FeatureMap, input: FeatureMap) => string;

function unstridedProducts(e: Emitter, x: FeatureMap, gradient: FeatureMap, product: Product): string[] {
  const rows = [-1, 0, 1].map((row) => move(e, gradient, row, 0));
  const columns = [-1, 0, 1].map((column) => move(e, x, 0, -column));
  return rows.flatMap((row) => columns.map((column) => product(row, column)));
}

/** With stride 2, kernel row 1 meets the even rows of the input, rows 0 and 2 the odd ones; columns likewise. */
function stridedProducts(e: Emitter, x: FeatureMap, gradient: FeatureMap, product: Product): string[] {
  const columnsOf = (parity: 0 | 1): FeatureMap[] => {
    const odd = phase(e, x, parity, 1);
    return [move(e, odd, 0, 1), phase(e, x, parity, 0), odd];
  };
  const even = columnsOf(0);
  const odd = columnsOf(1);
  const rows = [
    { moved: move(e, gradient, -1, 0), columns: odd },
    { moved: gradient, columns: even },
    { moved: gradient, columns: odd },
  ];
  return rows.flatMap(({ moved, columns }) => columns.map((column) => product(moved, column)));
}

/** The matrix product [filters, channels] of a gradient and an input of the same height and width. */
function productOf(e: Emitter, filters: number, channels: number, { shape }: FeatureMap): Product {
  const area = shape[1]! * shape[2]!;
  if (area > SHORT_PRODUCT) {
    return (gradient, input) => {
      const each = e.matmul(planes(e, gradient), planes(e, input), { transB: true });
      return e.sumOver(each, [0], true);
    };
  }
  const rows = (map: FeatureMap, width: number): string =>
    e.b.reshape(e.b.op("Transpose", [planes(e, map)], { perm: [0, 2, 1] }), e.batch * area, width);
  const kept = new Map<FeatureMap, string>();
  const rowsOnce = (map: FeatureMap, width: number): string => {
    const known = kept.get(map) ?? rows(map, width);
    kept.set(map, known);
    return known;
  };
  return (gradient, input) => {
    const inputs = [rowsOnce(gradient, filters), rowsOnce(input, channels)];
    return e.b.reshape(e.b.op("Gemm", inputs, { transA: 1 }), 1, filters, channels);
  };
}

/** The value moved down and right, zeros moving in. */
function move(e: Emitter, map: FeatureMap, down: number, right: number): FeatureMap {
  if (down === 0 && right === 0) return map;
  const pads = e.b.wholes(0, 0, down, right, 0, 0, -down, -right);
  return { shape: map.shape, plain: e.b.op("Pad", [e.plain(map), pads]) };
}

/** Every second row and column, from the given ones on; zeros at the end where an odd side leaves one short. */
function phase(e: Emitter, map: FeatureMap, row: 0 | 1, column: 0 | 1): FeatureMap {
  const { b } = e;
  const [channels, height, width] = spatialShape(map);
  const ends = b.wholes(height, width);
  const sliced = b.op("Slice", [e.plain(map), b.wholes(row, column), ends, b.wholes(2, 3), b.wholes(2, 2)]);
  const pads = [row * (height % 2), column * (width % 2)];
  const whole = pads.some((pad) => pad > 0)
    ? b.op("Pad", [sliced, b.wholes(0, 0, 0, 0, 0, 0, ...pads)])
    : sliced;
  return { shape: [channels, Math.ceil(height / 2), Math.ceil(width / 2)], plain: whole };
}

/** As [batch, channels, height * width]. */
function planes(e: Emitter, map: FeatureMap): string {
  const [channels, height, width] = spatialShape(map);
  return e.b.reshape(e.plain(map), e.batch, channels, height * width);
}
