import type { Layer, Shape } from "../graph.ts";
import { poolAttributes } from "../onnx/inference.ts";
import { type Emitter, type FeatureMap, spatialShape } from "./emitter.ts";

export type MaxPool = Extract<Layer, { kind: "max-pool" }>;

const TWICE = [1, 1, 2, 2] as const;

export function maxPool(e: Emitter, layer: MaxPool, x: FeatureMap, shape: Shape): FeatureMap {
  const attributes = poolAttributes(layer);
  if (e.layoutFor(x) === "blocked")
    return e.map("blocked", x, shape, e.blockedOp("MaxPool", [e.blocked(x)], attributes));
  return e.map("plain", x, shape, e.b.op("MaxPool", [e.plain(x)], attributes));
}

/** Nearest neighbour, twice as wide and high. */
export function upsample(e: Emitter, x: FeatureMap): FeatureMap {
  const [channels, height, width] = spatialShape(x);
  const shape = [channels, 2 * height, 2 * width];
  if (e.layoutFor(x) === "blocked") {
    const nearest = { scales: [...TWICE], mode: "nearest" };
    return e.map("blocked", x, shape, e.blockedOp("Upsample", [e.blocked(x)], nearest));
  }
  const attributes = {
    mode: "nearest",
    coordinate_transformation_mode: "asymmetric",
    nearest_mode: "floor",
  };
  return e.map("plain", x, shape, e.b.op("Resize", [e.plain(x), "", e.b.floats(TWICE)], attributes));
}

/** Each pixel of the small picture gets the sum of its four. */
export function upsampleBackward(e: Emitter, gradient: FeatureMap): FeatureMap {
  return sumOfFours(e, gradient);
}

/**
 * The gradient goes to a window's largest value. Where several are equally large (flat areas of a picture), windows
 * that do not overlap share it among them, and overlapping ones give it to the first; both are subgradients.
 */
export function maxPoolBackward(
  e: Emitter,
  layer: MaxPool,
  x: FeatureMap,
  y: FeatureMap,
  gradient: FeatureMap,
): FeatureMap {
  const [, height, width] = spatialShape(x);
  const halves =
    layer.size === 2 && layer.stride === 2 && layer.padding === 0 && (height % 2) + (width % 2) === 0;
  return halves ? halvesBackward(e, x, y, gradient) : overlappingBackward(e, layer, x, gradient);
}

function halvesBackward(e: Emitter, x: FeatureMap, y: FeatureMap, gradient: FeatureMap): FeatureMap {
  const { b } = e;
  const layout = e.layoutFor(x, y);
  const largest = b.op("Equal", [e.in(layout, x), e.in(layout, upsample(e, y))]);
  const mask = e.map(layout, x, x.shape, b.op("Cast", [largest], { to: 1 }));
  const share = e.elementwise("Div", gradient, sumOfFours(e, mask));
  return e.elementwise("Mul", upsample(e, share), mask);
}

function overlappingBackward(e: Emitter, layer: MaxPool, x: FeatureMap, gradient: FeatureMap): FeatureMap {
  const { b } = e;
  const all = x.pictures * x.shape.reduce((product, side) => product * side, 1);
  const places = b.ops(2, "MaxPool", [e.plain(x)], poolAttributes(layer))[1]!;
  const zeros = b.op("ConstantOfShape", [b.wholes(all)]);
  const flat = b.op("ScatterElements", [zeros, b.reshape(places, -1), b.reshape(e.plain(gradient), -1)], {
    axis: 0,
    reduction: "add",
  });
  return e.map("plain", x, x.shape, b.reshape(flat, x.pictures, ...x.shape));
}

function sumOfFours(e: Emitter, map: FeatureMap): FeatureMap {
  const [channels, height, width] = spatialShape(map);
  const shape = [channels, height / 2, width / 2];
  const attributes = { kernel_shape: [2, 2], strides: [2, 2] };
  const layout = e.layoutFor(map);
  const mean =
    layout === "blocked"
      ? e.blockedOp("AveragePool", [e.blocked(map)], attributes)
      : e.b.op("AveragePool", [e.plain(map)], attributes);
  return e.map(layout, map, shape, e.b.op("Mul", [mean, e.b.scalar(4)]));
}
