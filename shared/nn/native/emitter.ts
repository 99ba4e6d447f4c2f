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
  readonly shape: Shape;
  plain?: string;
  blocked?: string;
}

export type MapLayout = "plain" | "blocked";

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

  map(layout: MapLayout, shape: Shape, name: string): FeatureMap {
    return layout === "blocked" ? { shape, blocked: name } : { shape, plain: name };
  }

  /** An operator that works number by number, so that the layout does not matter as long as all share it. */
  elementwise(op: string, ...maps: readonly [FeatureMap, ...FeatureMap[]]): FeatureMap {
    const layout = this.layoutFor(...maps);
    const inputs = maps.map((map) => this.in(layout, map));
    return this.map(layout, maps[0].shape, this.b.op(op, inputs));
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
