import { AppError } from "../../base/errors.ts";
import type { Shape } from "../graph.ts";
import type { OnnxBuilder } from "../onnx/builder.ts";

/**
 * A value on its way through a training graph, in the layouts in which it exists so far. `plain` is ONNX's own order
 * [batch, channels, height, width] (or [batch, features]). `blocked` is onnxruntime's "NCHWc": channels cut into
 * blocks of 8 or 16 that lie innermost, [batch, channels / block, height, width, block], declared with the plain
 * shape; its convolutions run at twice the speed.
 */
export interface FeatureMap {
  /** Of one picture. */
  readonly shape: Shape;
  readonly pictures: number;
  plain?: string;
  blocked?: string;
  /** [batch, height, width, channels], which products over several small pictures read. */
  channelsLast?: string;
}

/** A value of the whole batch: consecutive pictures in each piece, the same number in all. */
export type Pieces = readonly FeatureMap[];

export type MapLayout = "plain" | "blocked";

const PIECE_PIXELS = 2048;

/** Adds nodes to one graph and moves values between the layouts as operators ask for them. */
export class Emitter {
  readonly b: OnnxBuilder;
  readonly batch: number;
  /** Channels of a block; undefined where onnxruntime has no blocked kernels for this processor. */
  readonly block: number | undefined;

  constructor(b: OnnxBuilder, batch: number, block: number | undefined) {
    this.b = b;
    this.batch = batch;
    this.block = block;
  }

  /**
   * In how many pieces a value of this shape is computed. Most of a step's passes do little more than read and write;
   * they take half as long over a piece that stays in the processor's cache. The pieces of any two shapes divide each
   * other.
   */
  pieceCount([, height = 1, width = 1]: Shape): number {
    if (this.block === undefined || this.batch * height * width <= PIECE_PIXELS) return 1;
    let pictures = 1;
    while (this.batch % (2 * pictures) === 0 && 2 * pictures * height * width <= PIECE_PIXELS) pictures *= 2;
    return this.batch / pictures;
  }

  /** Whether a value of so many channels can be blocked without filling up its last block. */
  canBlock(channels: number): boolean {
    return this.block !== undefined && channels % this.block === 0;
  }

  plain(map: FeatureMap): string {
    map.plain ??= this.blockedOp("ReorderOutput", [map.blocked!], { channels: map.shape[0]! });
    return map.plain;
  }

  blocked(map: FeatureMap): string {
    map.blocked ??= this.blockedOp("ReorderInput", [map.plain!]);
    return map.blocked;
  }

  channelsLast(map: FeatureMap): string {
    map.channelsLast ??=
      map.blocked === undefined
        ? this.b.op("Transpose", [this.plain(map)], { perm: [0, 2, 3, 1] })
        : this.blockedOp("ReorderOutput", [map.blocked], { channels: map.shape[0]!, channels_last: 1 });
    return map.channelsLast;
  }

  in(layout: MapLayout, map: FeatureMap): string {
    return layout === "blocked" ? this.blocked(map) : this.plain(map);
  }

  /** The layout in which several values meet at least cost: blocked where one of them already is. */
  layoutFor(...maps: readonly FeatureMap[]): MapLayout {
    return maps.every(({ shape }) => shape.length === 3 && this.canBlock(shape[0]!)) &&
      maps.some(({ blocked }) => blocked !== undefined)
      ? "blocked"
      : "plain";
  }

  /** A value of as many pictures as another one. */
  map(layout: MapLayout, { pictures }: Pick<FeatureMap, "pictures">, shape: Shape, name: string): FeatureMap {
    return layout === "blocked" ? { shape, pictures, blocked: name } : { shape, pictures, plain: name };
  }

  /** The same batch in another number of pieces; one of the numbers divides the other. */
  regroup(pieces: Pieces, count: number): Pieces {
    if (pieces.length === count) return pieces;
    const layout: MapLayout = this.layoutFor(...pieces);
    const names = pieces.map((map) => this.in(layout, map));
    const { shape, pictures } = pieces[0]!;
    const like = { pictures: (pieces.length * pictures) / count };
    const piece = (name: string): FeatureMap => this.map(layout, like, shape, name);
    if (count < pieces.length) {
      const size = pieces.length / count;
      return Array.from({ length: count }, (_, i) =>
        piece(this.b.op("Concat", names.slice(i * size, (i + 1) * size), { axis: 0 })),
      );
    }
    const size = count / pieces.length;
    const sizes = this.b.wholes(...new Array<number>(size).fill(like.pictures));
    return names.flatMap((name) => this.b.ops(size, "Split", [name, sizes], { axis: 0 }).map(piece));
  }

  /** An operator that works number by number, so that the layout does not matter as long as all share it. */
  elementwise(op: string, ...maps: readonly [FeatureMap, ...FeatureMap[]]): FeatureMap {
    const layout = this.layoutFor(...maps);
    const inputs = maps.map((map) => this.in(layout, map));
    return this.map(layout, maps[0], maps[0].shape, this.b.op(op, inputs));
  }

  blockedOp(
    op: string,
    inputs: readonly string[],
    attributes: Parameters<OnnxBuilder["op"]>[2] = {},
  ): string {
    return this.b.op(op, inputs, attributes, { domain: "com.microsoft.nchwc" });
  }

  /** Matrix product over the last two sides, either side transposed. */
  matmul(a: string, b: string, { transA = false, transB = false } = {}): string {
    if (!transA && !transB) return this.b.op("MatMul", [a, b]);
    const attributes = { transA: Number(transA), transB: Number(transB) };
    return this.b.op("FusedMatMul", [a, b], attributes, { domain: "com.microsoft" });
  }

  /** Of several values of one shape. */
  sum(values: readonly string[]): string {
    return values.length === 1 ? values[0]! : this.b.op("Sum", values);
  }

  sumOver(x: string, axes: readonly number[], keepdims = false): string {
    return this.b.op("ReduceSum", [x, this.b.wholes(...axes)], { keepdims: Number(keepdims) });
  }
}

export function spatialShape({ shape }: FeatureMap): [channels: number, height: number, width: number] {
  const [channels, height, width] = shape;
  if (channels === undefined || height === undefined || width === undefined) {
    throw new AppError("bug", `a picture-like value is needed, got [${shape}]`);
  }
  return [channels, height, width];
}
