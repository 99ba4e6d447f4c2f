/**
 * The gradient of a convolution's filters. A kernel place (row r, column c) sees the input moved by (r - 1, c - 1);
 * its filters' gradient is the matrix product of output gradient and moved input over all pixels. The nine products
 * are had from few and large ones: the output gradient moved by rows, times the input moved by columns three times
 * side by side. All of that is copied in whole rows of memory, which beats im2col and the transposed `Conv` by two to
 * three times.
 */
import type { Conv } from "./convolution.ts";
import { type Emitter, type FeatureMap, spatialShape } from "./emitter.ts";

/** Channels up to which `fewChannelsGradient` is the faster way. */
const FEW_CHANNELS = 4;

/** Pixels up to which a product over one picture is too short, and all pictures of a piece are taken together. */
const SHORT_PRODUCT = 512;

/**
 * d loss / d filter of a piece of the batch: [filters, channels] for a 1x1 kernel, for a 3x3 one [3 * filters,
 * 3 * channels], kernel row and column outermost.
 */
export function filterGradient(e: Emitter, layer: Conv, x: FeatureMap, gradient: FeatureMap): string {
  const [, height, width] = spatialShape(gradient);
  const form = new ProductForm(e, gradient.pictures > 1 && height * width <= SHORT_PRODUCT);
  const g = form.enter(gradient);
  if (layer.size === 1) return form.product(g, form.enter(layer.stride === 1 ? x : phase(e, x, 0, 0)));
  if (x.shape[0]! <= FEW_CHANNELS) return fewChannelsGradient(e, form, layer, x, g);
  if (layer.stride === 2) return e.b.op("Concat", stridedProducts(e, form, x, g), { axis: 0 });
  const columns = form.beside(movedColumns(form, form.enter(x)));
  const rows = [-1, 0, 1].map((row) => form.move(g, row, 0));
  if (!form.channelsLast) return form.product(form.beside(rows), columns);
  const products = rows.map((row) => form.product(row, columns));
  return e.b.op("Concat", products, { axis: 0 });
}

/**
 * For pictures, whose three channels are too narrow for products by rows: all nine moved inputs side by side, in one
 * product.
 */
function fewChannelsGradient(
  e: Emitter,
  form: ProductForm,
  layer: Conv,
  x: FeatureMap,
  gradient: Operand,
): string {
  const rows =
    layer.stride === 1
      ? [-1, 0, 1].map((row) => movedColumns(form, form.move(form.enter(x), -row, 0)))
      : [1, 0, 1].map((parity, row) =>
          stridedColumns(e, form, x, parity).map((column) => form.move(column, Number(row === 0), 0)),
        );
  const product = form.product(gradient, form.beside(rows.flat()));
  const [filters, channels] = [gradient.channels, x.shape[0]!];
  const turned = e.b.op("Transpose", [e.b.reshape(product, filters, 3, 3 * channels)], { perm: [1, 0, 2] });
  return e.b.reshape(turned, 3 * filters, 3 * channels);
}

/** Kernel row 1 meets the even rows of the input, rows 0 and 2 the odd ones. */
function stridedProducts(e: Emitter, form: ProductForm, x: FeatureMap, gradient: Operand): string[] {
  const even = form.beside(stridedColumns(e, form, x, 0));
  const odd = form.beside(stridedColumns(e, form, x, 1));
  return [
    form.product(form.move(gradient, -1, 0), odd),
    form.product(gradient, even),
    form.product(gradient, odd),
  ];
}

/** What the three kernel columns see. */
function movedColumns(form: ProductForm, x: Operand): Operand[] {
  return [-1, 0, 1].map((column) => form.move(x, 0, -column));
}

/** What the three kernel columns see of every second row with stride 2. */
function stridedColumns(e: Emitter, form: ProductForm, x: FeatureMap, row: number): Operand[] {
  const odd = form.enter(phase(e, x, row, 1));
  return [form.move(odd, 0, 1), form.enter(phase(e, x, row, 0)), odd];
}

/** A side of a product. */
interface Operand {
  readonly name: string;
  readonly pictures: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Products over pixels: of planes [pictures, channels, height, width], picture by picture; or, channels last, of all
 * pictures' pixels together.
 */
class ProductForm {
  readonly channelsLast: boolean;
  readonly #e: Emitter;

  constructor(e: Emitter, channelsLast: boolean) {
    this.#e = e;
    this.channelsLast = channelsLast;
  }

  enter(map: FeatureMap): Operand {
    const [channels, height, width] = spatialShape(map);
    const name = this.channelsLast ? this.#e.channelsLast(map) : this.#e.plain(map);
    return { name, pictures: map.pictures, channels, height, width };
  }

  /** Moved down and right, zeros moving in. */
  move(x: Operand, down: number, right: number): Operand {
    if (down === 0 && right === 0) return x;
    const { b } = this.#e;
    const pads = this.channelsLast
      ? b.wholes(0, down, right, 0, 0, -down, -right, 0)
      : b.wholes(0, 0, down, right, 0, 0, -down, -right);
    return { ...x, name: b.op("Pad", [x.name, pads]) };
  }

  /** Channels of several operands one after the other. */
  beside(parts: readonly Operand[]): Operand {
    const names = parts.map(({ name }) => name);
    const name = this.#e.b.op("Concat", names, { axis: this.channelsLast ? 3 : 1 });
    return { ...parts[0]!, name, channels: parts.reduce((sum, { channels }) => sum + channels, 0) };
  }

  /** [channels of the gradient, channels of the input] */
  product(gradient: Operand, input: Operand): string {
    const e = this.#e;
    const matrix = ({ name, pictures, channels, height, width }: Operand): string =>
      this.channelsLast
        ? e.b.reshape(name, pictures * height * width, channels)
        : e.b.reshape(name, pictures, channels, height * width);
    const operands = [matrix(gradient), matrix(input)] as const;
    if (this.channelsLast) return e.b.op("Gemm", operands, { transA: 1 });
    const each = e.matmul(...operands, { transB: true });
    return gradient.pictures === 1
      ? e.b.reshape(each, gradient.channels, input.channels)
      : e.sumOver(each, [0]);
  }
}

/** Every second row and column, from the given ones on; zeros at the end where an odd side leaves one short. */
function phase(e: Emitter, map: FeatureMap, row: number, column: number): FeatureMap {
  const { b } = e;
  const [channels, height, width] = spatialShape(map);
  const ends = b.wholes(height, width);
  const sliced = b.op("Slice", [e.plain(map), b.wholes(row, column), ends, b.wholes(2, 3), b.wholes(2, 2)]);
  const pads = [row * (height % 2), column * (width % 2)];
  const whole = pads.some((pad) => pad > 0)
    ? b.op("Pad", [sliced, b.wholes(0, 0, 0, 0, 0, 0, ...pads)])
    : sliced;
  return e.map("plain", map, [channels, Math.ceil(height / 2), Math.ceil(width / 2)], whole);
}
