import type { ModelInfo } from "../../shared/nn/model-file.ts";
import type { NetworkConfig } from "../../shared/nn/networks/config.ts";

/** Words for a model of a network that learnt nothing. */
export function modelInfo(network: NetworkConfig): ModelInfo {
  const classes = Array.from({ length: network.classCount }, (_, i) => `class ${i}`);
  return {
    name: "test",
    version: 1,
    network,
    classes,
    thresholds: classes.map(() => 0.5),
    metrics: {},
    lineage: { dataset: "none", samples: 0, seconds: 0, seed: 1, createdMs: 0, program: "test" },
    format: "float32",
  };
}
