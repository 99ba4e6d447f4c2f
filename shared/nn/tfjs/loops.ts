/**
 * What tfjs lacks or does slowly, as plain loops over views of its heap. Pictures are [batch, height, width,
 * channels], so `channels` is the innermost side everywhere; JavaScript's doubles carry the sums.
 */

/** The mean and the biased variance of every channel. */
export function channelStatistics(x: Float32Array, mean: Float32Array, variance: Float32Array): void {
  const channels = mean.length;
  const sums = new Float64Array(channels);
  const squares = new Float64Array(channels);
  for (let i = 0; i < x.length; ) {
    for (let c = 0; c < channels; c++, i++) {
      const value = x[i]!;
      sums[c]! += value;
      squares[c]! += value * value;
    }
  }
  const count = x.length / channels;
  for (let c = 0; c < channels; c++) {
    const middle = sums[c]! / count;
    mean[c] = middle;
    variance[c] = Math.max(0, squares[c]! / count - middle * middle);
  }
}

/** y = x * scale + shift in every channel, and the larger of that and zero where `relu`. */
export function scaleChannels(
  x: Float32Array,
  y: Float32Array,
  scale: Float32Array,
  shift: Float32Array,
  relu: boolean,
): void {
  const channels = scale.length;
  if (!relu) {
    for (let i = 0; i < x.length; ) {
      for (let c = 0; c < channels; c++, i++) y[i] = x[i]! * scale[c]! + shift[c]!;
    }
    return;
  }
  for (let i = 0; i < x.length; ) {
    for (let c = 0; c < channels; c++, i++) {
      const value = x[i]! * scale[c]! + shift[c]!;
      y[i] = 0.5 * (value + Math.abs(value));
    }
  }
}

export interface NormParts {
  readonly gamma: Float32Array;
  readonly beta: Float32Array;
  readonly mean: Float32Array;
  readonly variance: Float32Array;
  readonly epsilon: number;
}

/** Batch norm as one multiplication and one addition a channel. */
export function normScale(parts: NormParts): { scale: Float32Array; shift: Float32Array } {
  const { gamma, beta, mean, variance, epsilon } = parts;
  const scale = gamma.map((factor, c) => factor / Math.sqrt(variance[c]! + epsilon));
  return { scale, shift: beta.map((offset, c) => offset - mean[c]! * scale[c]!) };
}

/**
 * The gradient of batch norm, and of a ReLU after it, by the batch's own statistics (Ioffe and Szegedy 2015): with
 * z = dy where y > 0, dx = scale * (z - mean(z) - xhat * mean(z * xhat)).
 *
 * @param y what the step left, only looked at where `relu`
 * @param dy becomes dx
 * @param dGamma added to
 * @param dBeta added to
 */
export function normGradient(
  x: Float32Array,
  y: Float32Array,
  dy: Float32Array,
  parts: NormParts,
  relu: boolean,
  dGamma: Float32Array,
  dBeta: Float32Array,
): void {
  if (relu) maskByOutput(y, dy);
  const { gamma, mean, variance, epsilon } = parts;
  const channels = gamma.length;
  const sums = new Float64Array(channels);
  const products = new Float64Array(channels);
  for (let i = 0; i < x.length; ) {
    for (let c = 0; c < channels; c++, i++) {
      const slope = dy[i]!;
      sums[c]! += slope;
      products[c]! += slope * (x[i]! - mean[c]!);
    }
  }
  // dx = a * z + b * x + d, with every channel's own a, b and d.
  const count = x.length / channels;
  const slopeFactor = new Float64Array(channels);
  const valueFactor = new Float64Array(channels);
  const constant = new Float64Array(channels);
  for (let c = 0; c < channels; c++) {
    const inverse = 1 / Math.sqrt(variance[c]! + epsilon);
    dGamma[c]! += products[c]! * inverse;
    dBeta[c]! += sums[c]!;
    const a = gamma[c]! * inverse;
    const b = (-a * inverse * inverse * products[c]!) / count;
    slopeFactor[c] = a;
    valueFactor[c] = b;
    constant[c] = (-a * sums[c]!) / count - b * mean[c]!;
  }
  for (let i = 0; i < x.length; ) {
    for (let c = 0; c < channels; c++, i++) {
      dy[i] = slopeFactor[c]! * dy[i]! + valueFactor[c]! * x[i]! + constant[c]!;
    }
  }
}

/**
 * Sets the gradient to zero where the ReLU's answer is zero, by the bits: positive floats are positive integers. A
 * branch here is mispredicted every other time and costs ten times as much.
 */
export function maskByOutput(y: Float32Array, dy: Float32Array): void {
  const bits = new Int32Array(y.buffer, y.byteOffset, y.length);
  const slopes = new Int32Array(dy.buffer, dy.byteOffset, dy.length);
  for (let i = 0; i < slopes.length; i++) slopes[i]! &= (-bits[i]! & ~bits[i]!) >> 31;
}

export function addInto(sum: Float32Array, more: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += more[i]!;
}

/** Adds each channel's sum: the gradient of a bias. */
export function addChannelSums(dy: Float32Array, sums: Float32Array): void {
  const channels = sums.length;
  const totals = new Float64Array(channels);
  for (let i = 0; i < dy.length; ) for (let c = 0; c < channels; c++, i++) totals[c]! += dy[i]!;
  for (let c = 0; c < channels; c++) sums[c]! += totals[c]!;
}

export interface Pool {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly size: number;
  readonly stride: number;
  readonly padding: number;
}

/**
 * Each window's gradient goes to its largest input, the first in reading order where several are. tfjs's own kernel
 * loses the gradient of windows without a positive number.
 *
 * @param dx filled
 */
export function maxPoolGradient(x: Float32Array, dy: Float32Array, dx: Float32Array, pool: Pool): void {
  const { batch, height, width, channels, outHeight, outWidth, size, stride, padding } = pool;
  dx.fill(0);
  for (let b = 0, at = 0; b < batch; b++) {
    for (let oy = 0; oy < outHeight; oy++) {
      const top = Math.max(0, oy * stride - padding);
      const bottom = Math.min(height, oy * stride - padding + size);
      for (let ox = 0; ox < outWidth; ox++) {
        const left = Math.max(0, ox * stride - padding);
        const right = Math.min(width, ox * stride - padding + size);
        for (let c = 0; c < channels; c++, at++) {
          let largest = ((b * height + top) * width + left) * channels + c;
          for (let row = top; row < bottom; row++) {
            const rowAt = (b * height + row) * width;
            for (let column = left; column < right; column++) {
              const place = (rowAt + column) * channels + c;
              if (x[place]! > x[largest]!) largest = place;
            }
          }
          dx[largest]! += dy[at]!;
        }
      }
    }
  }
}

/** Each input's row of channels to a square of four. `height` and `width` are the input's. */
export function upsample(
  x: Float32Array,
  y: Float32Array,
  rows: number,
  width: number,
  channels: number,
): void {
  for (let row = 0; row < rows; row++) {
    const start = 4 * row * width * channels;
    for (let column = 0; column < width; column++) {
      const from = (row * width + column) * channels;
      const to = start + 2 * column * channels;
      for (let c = 0; c < channels; c++) {
        const value = x[from + c]!;
        y[to + c] = value;
        y[to + channels + c] = value;
      }
    }
    const length = 2 * width * channels;
    y.copyWithin(start + length, start, start + length);
  }
}

/** Each square of four summed. `rows` (of all pictures) and `width` are the input's. */
export function upsampleGradient(
  dy: Float32Array,
  dx: Float32Array,
  rows: number,
  width: number,
  channels: number,
): void {
  const below = 2 * width * channels;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < width; column++) {
      const to = (row * width + column) * channels;
      const from = (4 * row * width + 2 * column) * channels;
      for (let c = 0; c < channels; c++) {
        const place = from + c;
        dx[to + c] = dy[place]! + dy[place + channels]! + dy[place + below]! + dy[place + below + channels]!;
      }
    }
  }
}

/** Rows of `part` channels to or from their place `offset` inside rows of `whole` channels. */
export function copyChannels(
  from: Float32Array,
  fromOffset: number,
  fromChannels: number,
  to: Float32Array,
  toOffset: number,
  toChannels: number,
  count: number,
): void {
  for (let i = fromOffset, j = toOffset; i < from.length; i += fromChannels, j += toChannels) {
    for (let c = 0; c < count; c++) to[j + c] = from[i + c]!;
  }
}

/** [batch, a, b] to [batch, b, a]: channels last to channels first and back. */
export function swapSides(from: Float32Array, to: Float32Array, batch: number, a: number, b: number): void {
  for (let n = 0; n < batch; n++) {
    const start = n * a * b;
    for (let i = 0; i < a; i++) {
      for (let j = 0, at = start + i; j < b; j++, at += a) to[at] = from[start + i * b + j]!;
    }
  }
}
