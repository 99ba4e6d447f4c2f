import { expect, test } from "bun:test";
import { buildNetwork } from "../../../../shared/nn/networks/config.ts";

test("the single-box network has 1,655,790 trained parameters at 224 px with 10 classes", () => {
  const { parameters, nodes, outputs } = buildNetwork({ kind: "single-box", size: 224, classCount: 10 });
  expect(parameters.trainedCount).toBe(1_655_790);
  const count = (kind: string): number => nodes.filter(({ layer }) => layer.kind === kind).length;
  // 224 halved four times is 14, and the dense layers' count comes from 32 * 14 * 14.
  expect({
    conv: count("conv"),
    norms: count("batch-norm"),
    dense: count("dense"),
    pools: count("max-pool"),
  }).toEqual({ conv: 5, norms: 4, dense: 6, pools: 4 });
  expect(outputs.map(({ name }) => name)).toEqual(["class", "box"]);
});

test("the face network has a weight for each of 7,680 pixels and a bias; two people share one output", () => {
  const trained = (classCount: number): number =>
    buildNetwork({ kind: "mlp", classCount, hidden: 64 }).parameters.trainedCount;
  expect(trained(2)).toBe(64 * 7681 + 65);
  expect(trained(20)).toBe(64 * 7681 + 20 * 65);
});
