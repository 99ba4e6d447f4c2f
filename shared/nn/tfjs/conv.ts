import type { Arena, Padding, Tensor } from "./backend.ts";

/** A convolution's sides; a dense layer is one of size 1 over pictures of one pixel. */
export interface ConvShape {
  readonly size: number;
  readonly stride: number;
  readonly channels: number;
  readonly filters: number;
}

/** Weights as the layer names them: [filters, channels, size, size], or [channels, filters] for a dense layer. */
export interface Weights {
  readonly values: Float32Array;
  /** Distance between two filters, two channels and two taps in `values`. */
  readonly filterStep: number;
  readonly channelStep: number;
}

export function convWeights(values: Float32Array, { channels, size }: ConvShape): Weights {
  return { values, filterStep: channels * size * size, channelStep: size * size };
}

export function denseWeights(values: Float32Array, { filters }: ConvShape): Weights {
  return { values, filterStep: 1, channelStep: filters };
}

/** The filter of the forward convolution, [size, size, channels, filters]. */
export function forwardFilter(
  arena: Arena,
  weights: Weights,
  { size, channels, filters }: ConvShape,
): Tensor {
  const filter = arena.make([size, size, channels, filters]);
  const to = arena.view(filter);
  const { values, filterStep, channelStep } = weights;
  for (let tap = 0, at = 0; tap < size * size; tap++) {
    for (let c = 0; c < channels; c++) {
      for (let f = 0, from = c * channelStep + tap; f < filters; f++, from += filterStep)
        to[at++] = values[from]!;
    }
  }
  return filter;
}

export function convForward(
  arena: Arena,
  x: Tensor,
  filter: Tensor,
  { size, stride }: ConvShape,
  { bias, relu }: { bias?: Tensor | undefined; relu?: boolean } = {},
): Tensor {
  const padding = evenPadding((size - 1) / 2);
  return arena.conv(x, filter, { strides: [stride, stride], padding, bias, relu: relu ?? false });
}

/**
 * d loss / d input as forward convolutions, since tfjs's own kernel computes at a tenth of their speed. With stride 1
 * it is one, of dy by the weights turned round. With stride 2 the input's even and odd rows and columns each meet
 * other taps: four small ones, their pixels then interleaved.
 */
export class InputGradient {
  readonly #arena: Arena;
  readonly #shape: ConvShape;
  readonly #filters: {
    readonly row: number;
    readonly column: number;
    readonly filter: Tensor | undefined;
  }[] = [];

  /** Builds the turned filters, which live as long as the arena; they serve every layer that shares the weights. */
  constructor(arena: Arena, weights: Weights, shape: ConvShape) {
    this.#arena = arena;
    this.#shape = shape;
    for (let row = 0; row < shape.stride; row++) {
      for (let column = 0; column < shape.stride; column++) {
        this.#filters.push({ row, column, filter: turnedFilter(arena, weights, shape, row, column) });
      }
    }
  }

  /** The gradient of an input of `height` and `width`, as a new tensor. */
  apply(dy: Tensor, height: number, width: number): Tensor {
    const { size, stride, channels } = this.#shape;
    const arena = this.#arena;
    const first = this.#filters[0]!.filter!;
    if (stride === 1) {
      return arena.conv(dy, first, { strides: [1, 1], padding: evenPadding((size - 1) / 2) });
    }
    const [batch, outHeight, outWidth] = dy.shape;
    const dx = arena.make([batch, height, width, channels]);
    for (const { row, column, filter } of this.#filters) {
      const rows = Math.ceil((height - row) / 2);
      const columns = Math.ceil((width - column) / 2);
      if (rows === 0 || columns === 0) continue;
      // One more row below and column right than dy has, where the taps reach beyond it.
      const padding = filter && {
        top: 0,
        left: 0,
        bottom: rows + filter.shape[0] - 1 - outHeight,
        right: columns + filter.shape[1] - 1 - outWidth,
      };
      const part = filter && padding && convCropped(arena, dy, filter, padding);
      const from = part ? arena.view(part) : undefined;
      const to = arena.view(dx);
      for (let b = 0, at = 0; b < batch; b++) {
        for (let y = row; y < height; y += 2) {
          let place = ((b * height + y) * width + column) * channels;
          for (let x = column; x < width; x += 2, place += 2 * channels) {
            if (from === undefined) to.fill(0, place, place + channels);
            else for (let c = 0; c < channels; c++) to[place + c] = from[at++]!;
          }
        }
      }
      if (part) arena.free(part);
    }
    return dx;
  }
}

/**
 * The taps that meet the inputs of one parity, as a filter [rows, columns, filters, channels] over dy; undefined where
 * none does.
 */
function turnedFilter(
  arena: Arena,
  { values, filterStep, channelStep }: Weights,
  { size, stride, channels, filters }: ConvShape,
  row: number,
  column: number,
): Tensor | undefined {
  const rowTaps = tapsOf(size, stride, row);
  const columnTaps = tapsOf(size, stride, column);
  if (rowTaps.length === 0 || columnTaps.length === 0) return undefined;
  const filter = arena.make([rowTaps.length, columnTaps.length, filters, channels]);
  const to = arena.view(filter);
  let at = 0;
  for (const ky of rowTaps) {
    for (const kx of columnTaps) {
      for (let f = 0; f < filters; f++) {
        let from = f * filterStep + ky * size + kx;
        for (let c = 0; c < channels; c++, from += channelStep) to[at++] = values[from]!;
      }
    }
  }
  return filter;
}

/**
 * The taps that inputs of a parity meet, the one of the earliest output first: input i meets output o by tap k when
 * i = stride * o + k - padding, so the larger the tap, the earlier the output.
 */
function tapsOf(size: number, stride: number, parity: number): number[] {
  const padding = (size - 1) / 2;
  const taps: number[] = [];
  for (let tap = size - 1; tap >= 0; tap--) if ((parity + padding - tap) % stride === 0) taps.push(tap);
  return taps;
}

/** A plain convolution whose padding may be negative below and at the right: then its answer loses those pixels. */
function convCropped(arena: Arena, x: Tensor, filter: Tensor, padding: Padding): Tensor {
  const { bottom, right } = padding;
  const positive = { ...padding, bottom: Math.max(0, bottom), right: Math.max(0, right) };
  const whole = arena.conv(x, filter, { strides: [1, 1], padding: positive });
  if (bottom >= 0 && right >= 0) return whole;
  const [batch, height, width, channels] = whole.shape;
  const rows = height + Math.min(0, bottom);
  const length = (width + Math.min(0, right)) * channels;
  const cut = arena.make([batch, rows, width + Math.min(0, right), channels]);
  const [from, to] = [arena.view(whole), arena.view(cut)];
  for (let line = 0; line < batch * rows; line++) {
    const start = (Math.floor(line / rows) * height + (line % rows)) * width * channels;
    to.set(from.subarray(start, start + length), line * length);
  }
  arena.free(whole);
  return cut;
}

/** Numbers of dy in one part of a filter gradient, so that it stays in the processor's second-level cache. */
const PART_SIZE_MAX = 65536;

/**
 * Adds d loss / d weights to `gradient` (laid out like the weights). tfjs has no such kernel for wasm. It is a
 * convolution too: of the input, with its channels as pictures and a whole row of several pictures as channels, by dy
 * as one large filter; one for each column of taps.
 */
export function addFilterGradient(
  arena: Arena,
  x: Tensor,
  dy: Tensor,
  shape: ConvShape,
  gradient: Weights,
): void {
  const { size, stride } = shape;
  const [batch, outHeight, outWidth, filters] = dy.shape;
  const [, height, width] = x.shape;
  const padding = (size - 1) / 2;
  const below = (outHeight - 1) * stride + size - height - padding;
  const rows = height + Math.min(0, below);
  const together = Math.max(1, Math.floor(PART_SIZE_MAX / (outHeight * outWidth * filters)));
  for (let from = 0; from < batch; from += together) {
    const to = Math.min(batch, from + together);
    const filter = rowsAsChannels(arena, dy, from, to);
    for (let kx = 0; kx < size; kx++) {
      const columns = { first: kx - padding, step: stride, count: outWidth };
      const turned = channelsAsPictures(arena, x, { from, to, rows, width, columns });
      const part = arena.conv(turned, filter, {
        strides: [1, 1],
        padding: { top: padding, bottom: Math.max(0, below), left: 0, right: 0 },
        dilations: [stride, 1],
      });
      addColumn(arena.view(part), shape, kx, gradient);
      arena.free(part);
      arena.free(turned);
    }
    arena.free(filter);
  }
}

/** One column of taps, [channels, size, 1, filters], into its places. */
function addColumn(
  part: Float32Array,
  { size, channels, filters }: ConvShape,
  kx: number,
  gradient: Weights,
): void {
  const { values, filterStep, channelStep } = gradient;
  for (let c = 0, at = 0; c < channels; c++) {
    for (let ky = 0; ky < size; ky++) {
      let to = c * channelStep + ky * size + kx;
      for (let f = 0; f < filters; f++, to += filterStep) values[to]! += part[at++]!;
    }
  }
}

/** Pictures `from` to `to` of [batch, height, width, filters] as [height, 1, pictures * width, filters]. */
function rowsAsChannels(arena: Arena, dy: Tensor, from: number, to: number): Tensor {
  const [, height, width, filters] = dy.shape;
  const pictures = to - from;
  const filter = arena.make([height, 1, pictures * width, filters]);
  const [source, target] = [arena.view(dy), arena.view(filter)];
  const length = width * filters;
  for (let b = 0; b < pictures; b++) {
    for (let y = 0; y < height; y++) {
      const start = ((from + b) * height + y) * length;
      target.set(source.subarray(start, start + length), (y * pictures + b) * length);
    }
  }
  return filter;
}

interface Cut {
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  readonly width: number;
  /** Column i is the picture's first + i * step, and zero outside the picture. */
  readonly columns: { readonly first: number; readonly step: number; readonly count: number };
}

/** Pictures `from` to `to` of [batch, height, width, channels] as [channels, rows, 1, pictures * columns]. */
function channelsAsPictures(arena: Arena, x: Tensor, { from, to, rows, width, columns }: Cut): Tensor {
  const [, height, , channels] = x.shape;
  const pictures = to - from;
  const turned = arena.make([channels, rows, 1, pictures * columns.count]);
  const [source, target] = [arena.view(x), arena.view(turned)];
  const plane = rows * pictures * columns.count;
  for (let b = 0; b < pictures; b++) {
    for (let y = 0; y < rows; y++) {
      let start = (y * pictures + b) * columns.count;
      const row = ((from + b) * height + y) * width;
      for (let i = 0, column = columns.first; i < columns.count; i++, column += columns.step, start++) {
        if (column < 0 || column >= width) {
          for (let c = 0, at = start; c < channels; c++, at += plane) target[at] = 0;
          continue;
        }
        let place = (row + column) * channels;
        for (let c = 0, at = start; c < channels; c++, at += plane) target[at] = source[place++]!;
      }
    }
  }
  return turned;
}

function evenPadding(side: number): Padding {
  return { top: side, bottom: side, left: side, right: side };
}
