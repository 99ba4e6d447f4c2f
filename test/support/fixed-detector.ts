import { encodeModelFile } from "../../shared/nn/model-file.ts";
import { buildNetwork, type NetworkConfig } from "../../shared/nn/networks/config.ts";
import { modelInfo } from "./model-info.ts";

/**
 * A whole model file that sees one object of its first class in every picture, always in the same place.
 *
 * @param box in shares of the square that a picture lies in
 */
export function fixedDetector(
  classes: readonly [string, string],
  box: readonly [number, number, number, number],
): Uint8Array {
  const network: NetworkConfig = { kind: "single-box", size: 64, classCount: 2 };
  const { parameters } = buildNetwork(network);
  const weights = new Float32Array(parameters.totalCount);
  for (const { name, role } of parameters.list) {
    if (role === "variance") parameters.slice(weights, name).fill(1);
  }
  parameters.slice(weights, "class2.bias").set([5, -5]);
  parameters.slice(weights, "box4.bias").set(box);
  return encodeModelFile({ ...modelInfo(network), name: "fixed", classes }, weights);
}
