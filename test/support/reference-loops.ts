import type { Layer, Network, Node } from "../../shared/nn/graph.ts";

/** Which numbers of a layer's input meet which of its output: the loops of the float64 reference, by definition. */
export interface Place {
  readonly network: Network;
  readonly node: Node;
  readonly batch: number;
}

export type LayerOf<Kind extends Layer["kind"]> = Extract<Layer, { kind: Kind }>;

/** One weight meeting one output row: `count` outputs from `out` on, and inputs from `in` on, `stride` apart. */
export interface Tap {
  weight: number;
  out: number;
  in: number;
  count: number;
}

export function forEachTap(
  { network, node, batch }: Place,
  layer: LayerOf<"conv">,
  visit: (tap: Tap) => void,
): void {
  const { size, stride } = layer;
  const [channels, height, width] = sides(network.nodes[node.inputs[0]!]!.shape);
  const [filters, outHeight, outWidth] = sides(node.shape);
  const padding = (size - 1) / 2;
  for (let b = 0; b < batch; b++) {
    for (let weight = 0; weight < filters * channels * size * size; weight++) {
      const kx = weight % size;
      const ky = Math.floor(weight / size) % size;
      const c = Math.floor(weight / (size * size)) % channels;
      const f = Math.floor(weight / (size * size * channels));
      const first = Math.max(0, Math.ceil((padding - kx) / stride));
      const last = Math.min(outWidth - 1, Math.floor((width - 1 + padding - kx) / stride));
      for (let oy = 0; oy < outHeight; oy++) {
        const iy = oy * stride + ky - padding;
        if (iy < 0 || iy >= height || last < first) continue;
        visit({
          weight,
          out: ((b * filters + f) * outHeight + oy) * outWidth + first,
          in: ((b * channels + c) * height + iy) * width + first * stride + kx - padding,
          count: last - first + 1,
        });
      }
    }
  }
}

/** Every pooling window with the place of its largest input, the first in reading order where several are. */
export function forEachWindow(
  { network, node, batch }: Place,
  { size, stride, padding }: LayerOf<"max-pool">,
  x: Float64Array,
  visit: (at: number, largest: number) => void,
): void {
  const [channels, height, width] = sides(network.nodes[node.inputs[0]!]!.shape);
  const [, outHeight, outWidth] = sides(node.shape);
  for (let plane = 0, at = 0; plane < batch * channels; plane++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++, at++) {
        let largest = -1;
        for (let y = oy * stride - padding; y < oy * stride - padding + size; y++) {
          for (let column = ox * stride - padding; column < ox * stride - padding + size; column++) {
            if (y < 0 || y >= height || column < 0 || column >= width) continue;
            const place = (plane * height + y) * width + column;
            if (largest < 0 || x[place]! > x[largest]!) largest = place;
          }
        }
        visit(at, largest);
      }
    }
  }
}

export function forEachPart(
  { network, node, batch }: Place,
  visit: (input: number, from: number, to: number, length: number) => void,
): void {
  const whole = product(node.shape);
  for (let b = 0, to = 0; b < batch; b++) {
    for (const input of node.inputs) {
      const length = product(network.nodes[input]!.shape);
      visit(input, b * length, to, length);
      to += length;
    }
    if (to !== (b + 1) * whole) throw new Error("the parts of a concat do not fill it");
  }
}

export function forEachOfChannel(
  shape: readonly number[],
  batch: number,
  visit: (i: number, c: number) => void,
): void {
  const [channels, height, width] = sides(shape);
  for (let b = 0, i = 0; b < batch; b++) {
    for (let c = 0; c < channels; c++) {
      for (let at = 0; at < height * width; at++, i++) visit(i, c);
    }
  }
}

/** Place of the input that output `i` copies; rows of `width` outputs, planes of even height. */
export function upsampleSource(i: number, width: number): number {
  const row = Math.floor(i / width);
  return Math.floor(row / 2) * (width / 2) + Math.floor((i % width) / 2);
}

export function sides(shape: readonly number[]): [channels: number, height: number, width: number] {
  return [shape[0]!, shape[1] ?? 1, shape[2] ?? 1];
}

export function product(shape: readonly number[]): number {
  return shape.reduce((all, side) => all * side, 1);
}
