import type { Layer } from "../graph.ts";
import { type Emitter, type FeatureMap, type MapLayout, type Pieces, spatialShape } from "./emitter.ts";

export type BatchNorm = Extract<Layer, { kind: "batch-norm" }>;

/** What the forward pass keeps for the backward pass, each [channels]. */
export interface BatchStatistics {
  readonly mean: string;
  readonly variance: string;
  /** 1 / sqrt(variance + epsilon) */
  readonly inverse: string;
}

/** Batch norm with the batch's own statistics (Ioffe and Szegedy 2015), a ReLU in the same pass if asked for. */
export function normalize(
  e: Emitter,
  { epsilon }: BatchNorm,
  x: Pieces,
  gamma: string,
  beta: string,
  relu: boolean,
): { y: Pieces; statistics: BatchStatistics } {
  const { b } = e;
  const [mean, squares] = sumsAndDots(e, x, x, 1 / valuesOfChannel(x));
  // Rounding may take a variance of almost zero below it.
  const variance = b.op("Relu", [b.op("Sub", [squares, b.op("Mul", [mean, mean])])]);
  const inverse = b.op("Reciprocal", [b.op("Sqrt", [b.op("Add", [variance, b.scalar(epsilon)])])]);
  const scale = b.op("Mul", [gamma, inverse]);
  const shift = b.op("Sub", [beta, b.op("Mul", [mean, scale])]);
  return {
    y: x.map((piece) => affine(e, piece, scale, shift, { relu })),
    statistics: { mean, variance, inverse },
  };
}

/**
 * The backward pass: with x^ the normalized input and M values of a channel,
 * dx = gamma * inverse * (g - sum(g) / M - x^ * sum(g x^) / M), written as scale * g - slope * x + shift.
 */
export function normalizeBackward(
  e: Emitter,
  x: Pieces,
  gradient: Pieces,
  gamma: string,
  { mean, inverse }: Pick<BatchStatistics, "mean" | "inverse">,
): { x: Pieces; gamma: string; beta: string } {
  const { b } = e;
  const count = b.scalar(1 / valuesOfChannel(x));
  const [beta, dots] = sumsAndDots(e, gradient, x);
  const ofGamma = b.op("Mul", [b.op("Sub", [dots, b.op("Mul", [mean, beta])]), inverse]);
  const scale = b.op("Mul", [gamma, inverse]);
  const slope = b.op("Mul", [b.op("Mul", [scale, inverse]), b.op("Mul", [ofGamma, count])]);
  const shift = b.op("Sub", [b.op("Mul", [slope, mean]), b.op("Mul", [scale, b.op("Mul", [beta, count])])]);
  const falling = b.op("Neg", [slope]);
  const onInput = x.map((piece, i) => {
    const plus = affine(e, piece, falling, shift);
    return affine(e, gradient[i]!, scale, undefined, { plus });
  });
  return { x: onInput, gamma: ofGamma, beta };
}

function valuesOfChannel(pieces: Pieces): number {
  const [, height, width] = spatialShape(pieces[0]!);
  return pieces.length * pieces[0]!.pictures * height * width;
}

/**
 * Sums of `a` and of a * c over the batch, times `scale`, for each channel: [channels] each. Both are had piece by
 * piece, while the piece is in the processor's cache.
 */
function sumsAndDots(e: Emitter, a: Pieces, c: Pieces, scale?: number): [sums: string, dots: string] {
  const { b } = e;
  const ofPieces = a.map((piece, i) =>
    b.op("Concat", [channelSums(e, piece), channelDots(e, piece, c[i]!)], { axis: 0 }),
  );
  const both = e.sum(ofPieces);
  const scaled = scale === undefined ? both : b.op("Mul", [both, b.scalar(scale)]);
  const [channels] = spatialShape(a[0]!);
  return b.ops(2, "Split", [scaled, b.wholes(channels, channels)], { axis: 0 }) as [string, string];
}

/** Sum over batch, rows and columns, for each channel: [channels]. */
export function channelSums(e: Emitter, map: FeatureMap): string {
  const [channels, height, width] = spatialShape(map);
  const { pictures } = map;
  const area = height * width;
  if (e.layoutFor(map) === "plain") {
    return e.sumOver(e.b.reshape(e.plain(map), pictures, channels, area), [0, 2]);
  }
  const block = e.block!;
  const rows = e.b.reshape(e.blocked(map), (pictures * channels) / block, area, block);
  const ones = e.b.floats(new Array(area).fill(1), [1, area]);
  return overFirst(e, e.matmul(ones, rows), pictures, channels);
}

/** Sum of products over batch, rows and columns, for each channel: [channels]. Writes no product to memory. */
function channelDots(e: Emitter, a: FeatureMap, c: FeatureMap): string {
  const [channels, height, width] = spatialShape(a);
  const { pictures } = a;
  const area = height * width;
  if (e.layoutFor(a, c) === "plain") {
    const rows = (map: FeatureMap): string => e.b.reshape(e.plain(map), pictures, channels, 1, area);
    return overFirst(e, e.matmul(rows(a), rows(c), { transB: true }), pictures, channels);
  }
  // A depthwise convolution whose kernel is the other value: as large as a few rows, so that each sum stays short and
  // loses little to rounding.
  const rows = rowsOfSum(height, width);
  const parts = (pictures * area) / (rows * width);
  const bands = channels * parts;
  const dots = e.blockedOp(
    "Conv",
    [e.b.reshape(e.blocked(a), 1, bands, rows, width), e.b.reshape(e.blocked(c), bands, 1, rows, width)],
    { group: bands, kernel_shape: [rows, width] },
  );
  if (parts === 1) return e.b.reshape(dots, channels);
  const block = e.block!;
  const each = e.b.reshape(dots, pictures, channels / block, parts / pictures, block);
  return e.b.reshape(e.sumOver(each, [0, 2]), channels);
}

/** [pictures, channels] numbers, in whatever shape, summed to [channels]. */
function overFirst(e: Emitter, x: string, pictures: number, channels: number): string {
  if (pictures === 1) return e.b.reshape(x, channels);
  return e.sumOver(e.b.reshape(x, pictures, channels), [0]);
}

const SUM_LENGTH_MAX = 2048;

/** The most rows that divide the height and whose values make no longer a sum than is good for float32. */
function rowsOfSum(height: number, width: number): number {
  let rows = Math.max(1, Math.min(height, Math.floor(SUM_LENGTH_MAX / width)));
  while (height % rows > 0) rows--;
  return rows;
}

/** scale * x + shift + plus, each channel by its own numbers; blocked, that is one pass of a 1x1 depthwise Conv. */
function affine(
  e: Emitter,
  x: FeatureMap,
  scale: string,
  shift: string | undefined,
  { relu = false, plus }: { relu?: boolean; plus?: FeatureMap } = {},
): FeatureMap {
  const { b } = e;
  const [channels] = spatialShape(x);
  const layout: MapLayout = e.layoutFor(x);
  if (layout === "blocked") {
    const inputs = [e.blocked(x), b.reshape(scale, channels, 1, 1, 1), shift ?? ""];
    if (plus !== undefined) inputs.push(e.blocked(plus));
    const activation = relu ? { activation: "Relu" } : {};
    const attributes = { group: channels, kernel_shape: [1, 1], ...activation };
    return e.map("blocked", x, x.shape, e.blockedOp("Conv", inputs, attributes));
  }
  const wide = (name: string): string => b.reshape(name, channels, 1, 1);
  let y = b.op("Mul", [e.plain(x), wide(scale)]);
  if (shift !== undefined) y = b.op("Add", [y, wide(shift)]);
  if (plus !== undefined) y = b.op("Add", [y, e.plain(plus)]);
  return e.map("plain", x, x.shape, relu ? b.op("Relu", [y]) : y);
}
