import { openTfjsEngine } from "../../../shared/nn/tfjs/engine.ts";
import { everyLayerNetwork } from "../../support/every-layer.ts";

declare const self: Worker;

/** One training step in a thread: weights, pictures and the outputs' gradients in, the weights' gradient out. */
self.onmessage = async ({ data }) => {
  const { weights, pictures, slopes } = data as {
    weights: Float32Array;
    pictures: Uint8Array;
    slopes: Float32Array[];
  };
  await using engine = await openTfjsEngine();
  await using session = await engine.trainer(everyLayerNetwork(), { batch: 3 });
  const gradient = new Float32Array(weights.length);
  await session.trainStep(weights, pictures, () => ({ gradients: slopes, report: undefined }), gradient);
  self.postMessage(gradient);
};
