import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { openNativeEngine } from "../../../../shared/nn/native/engine.ts";
import { buildNetwork } from "../../../../shared/nn/networks/config.ts";
import { trainingExample } from "../../../support/check-training.ts";
import { everyLayerNetwork } from "../../../support/every-layer.ts";
import { LONG_WORK_MS } from "../../../support/limits.ts";
import { largestDifference, referenceForward } from "../../../support/reference-network.ts";

setDefaultTimeout(LONG_WORK_MS);

const networks = {
  "every layer": everyLayerNetwork(),
  detector: buildNetwork({ kind: "detector", size: 64, classCount: 3, variant: "normal" }),
  "single-box": buildNetwork({ kind: "single-box", size: 64, classCount: 3 }),
  mlp: buildNetwork({ kind: "mlp", classCount: 2, hidden: 8 }),
};

describe("the native engine infers what the reference infers, for one picture as for a batch", () => {
  for (const [name, network] of Object.entries(networks)) {
    test(name, async () => {
      const { weights, pictures } = trainingExample(network, 3, 1);
      await using engine = await openNativeEngine({ device: "cpu", threads: 1 });
      await using predictor = await engine.predictor(network, weights, { batch: 3 });
      for (const count of [3, 1, 2]) {
        const given = pictures.subarray(0, (pictures.length / 3) * count);
        const { outputs } = referenceForward(network, weights, given, count, "running");
        const own = await predictor.infer(given, count);
        own.forEach((output, i) => {
          expect(largestDifference(output, outputs[i]!)).toBeLessThan(1e-3);
        });
      }
    });
  }
});

test("pictures of another size, or more than asked for, are refused", async () => {
  const network = networks.mlp;
  const { weights, pictures } = trainingExample(network, 2, 1);
  await using engine = await openNativeEngine({ device: "cpu", threads: 1 });
  await using predictor = await engine.predictor(network, weights, { batch: 1 });
  await expect(predictor.infer(pictures, 2)).rejects.toThrow("are not 2 pictures");
  await expect(predictor.infer(pictures.subarray(1), 1)).rejects.toThrow("are not 1 pictures");
});
