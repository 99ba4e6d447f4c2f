/**
 * Convolution filters between the weight vector's order [filters, channels, size, size] and the orders that
 * onnxruntime's blocked kernels read.
 */

export interface FilterShape {
  readonly filters: number;
  readonly channels: number;
  /** Of the kernel: 1 or 3. */
  readonly size: number;
}

/**
 * Filters for a forward convolution: [filters / block, channels / inner, size, size, inner, block], where `inner` is
 * the block, or 1 for pictures of fewer channels than a block (they stay plain).
 */
export function packForward(
  weights: Float32Array,
  { filters, channels, size }: FilterShape,
  block: number,
  packed: Float32Array,
): void {
  const area = size * size;
  const inner = channels % block === 0 ? block : 1;
  let from = 0;
  for (let o = 0; o < filters; o++) {
    const outer = (o - (o % block)) * channels * area + (o % block);
    for (let i = 0; i < channels; i++) {
      let to = outer + ((i - (i % inner)) * area + (i % inner)) * block;
      for (let k = 0; k < area; k++, to += inner * block) packed[to] = weights[from++]!;
    }
  }
}

/**
 * Filters for the input gradient as a convolution of the output gradient: filters and channels change places, and
 * each kernel is turned by half a turn.
 */
export function packBackward(
  weights: Float32Array,
  { filters, channels, size }: FilterShape,
  block: number,
  packed: Float32Array,
): void {
  const area = size * size;
  let from = 0;
  for (let o = 0; o < filters; o++) {
    const within = (o % block) * block;
    for (let i = 0; i < channels; i++) {
      const outer = (i - (i % block)) * filters * area + (o - (o % block)) * block * area;
      let to = outer + (area - 1) * block * block + within + (i % block);
      for (let k = 0; k < area; k++, to -= block * block) packed[to] = weights[from++]!;
    }
  }
}

/**
 * Filters for the input gradient of a 3x3 convolution of stride 2, as a 2x2 convolution of the output gradient that
 * answers four pictures: the even and odd rows of the input's gradient by its even and odd columns. An even row is
 * reached from kernel row 1 only, an odd one from row 2 of one window and row 0 of the next. Output channels are
 * [row parity, column parity, channels].
 */
export function packStrided(
  weights: Float32Array,
  { filters, channels }: FilterShape,
  block: number,
  packed: Float32Array,
): void {
  // Kernel row (or column) 0, 1, 2: parity of the row it reaches, and its place in the 2x2 kernel.
  const parities = [1, 0, 1] as const;
  const places = [1, 0, 0] as const;
  let from = 0;
  for (let o = 0; o < filters; o++) {
    const within = (o - (o % block)) * 4 * block + (o % block) * block;
    for (let i = 0; i < channels; i++) {
      for (let row = 0; row < 3; row++) {
        for (let column = 0; column < 3; column++) {
          const out = (2 * parities[row]! + parities[column]!) * channels + i;
          const place = 2 * places[row]! + places[column]!;
          const to = (out - (out % block)) * filters * 4 + within + place * block * block + (out % block);
          packed[to] = weights[from++]!;
        }
      }
    }
  }
}

/** A 3x3 filter gradient as it was computed, [3, filters, 3, channels], to the weight vector's order. */
export function unpackGradient(
  computed: Float32Array,
  { filters, channels }: FilterShape,
  gradient: Float32Array,
): void {
  let from = 0;
  for (let row = 0; row < 3; row++) {
    for (let o = 0; o < filters; o++) {
      for (let column = 0; column < 3; column++) {
        let to = o * channels * 9 + 3 * row + column;
        for (let i = 0; i < channels; i++, to += 9) gradient[to] = computed[from++]!;
      }
    }
  }
}
