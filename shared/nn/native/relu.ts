import { float } from "../onnx/model.ts";
import type { Emitter, FeatureMap } from "./emitter.ts";

/**
 * The gradient where the ReLU's output is above zero. A hard sigmoid as steep as this is 0 at zero and 1 above it;
 * onnxruntime computes it four times as fast as Sign.
 */
export function reluBackward(e: Emitter, y: FeatureMap, gradient: FeatureMap): FeatureMap {
  const layout = e.layoutFor(gradient, y);
  const open = e.b.op("HardSigmoid", [e.in(layout, y)], { alpha: float(1e30), beta: float(0) });
  return e.elementwise("Mul", gradient, e.map(layout, y, y.shape, open));
}
