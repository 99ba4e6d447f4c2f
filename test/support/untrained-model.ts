import { Random } from "../../shared/base/random.ts";
import { encodeModelFile, type ModelInfo } from "../../shared/nn/model-file.ts";
import { buildNetwork, type NetworkConfig } from "../../shared/nn/networks/config.ts";

/**
 * A whole model file with the weights that training begins with. Its scores mean nothing; with thresholds of nearly
 * 0 it "sees" something in every picture, which is what tests of everything behind the model need.
 */
export function untrainedModel(
  classes: readonly string[],
  { threshold = 0.5, size = 96, name = "untrained", version = 1 } = {},
): Uint8Array {
  const network: NetworkConfig = { kind: "detector", size, classCount: classes.length, variant: "small" };
  const info: ModelInfo = {
    name,
    version,
    network,
    classes: [...classes],
    thresholds: classes.map(() => threshold),
    metrics: {},
    lineage: { dataset: "none", samples: 0, seconds: 0, seed: 1, createdMs: 0, program: "test" },
    format: "float32",
  };
  const weights = buildNetwork(network).parameters.start((parameter) => new Random("untrained", parameter));
  return encodeModelFile(info, weights);
}
