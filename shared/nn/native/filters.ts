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

/** A filter gradient as it was computed, [size * size, filters, channels], to the weight vector's order. */
export function unpackGradient(
  computed: Float32Array,
  { filters, channels, size }: FilterShape,
  gradient: Float32Array,
): void {
  const area = size * size;
  const count = filters * channels;
  for (let k = 0; k < area; k++) {
    const from = k * count;
    for (let place = 0, to = k; place < count; place++, to += area) gradient[to] = computed[from + place]!;
  }
}
