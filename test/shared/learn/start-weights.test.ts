import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { planFor } from "../../../shared/learn/plan.ts";
import { startWeights } from "../../../shared/learn/start-weights.ts";
import { buildNetwork } from "../../../shared/nn/networks/config.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

function planOf(kind: "detector" | "single-box" | "mlp", classes: string[], seed: number, size = 64) {
  const network = kind === "mlp" ? ({ kind, hidden: 4 } as const) : { kind, size };
  return planFor({ network, seed }, { classes, pictures: 10 });
}

test("the same seed starts with the same weights, another with others", () => {
  const plan = planOf("detector", ["a", "b"], 1);
  expect(startWeights(plan).slice()).toEqual(startWeights(plan).slice());
  expect(startWeights(plan).slice()).not.toEqual(startWeights({ ...plan, seed: 2 }).slice());
});

describe("a run that goes on from a model", () => {
  test("of the same classes has its weights", () => {
    const plan = planOf("detector", ["a", "b"], 1);
    const parent = { network: plan.network, classes: plan.classes, weights: startWeights(plan) };
    expect(startWeights({ ...plan, seed: 2 }, parent).slice()).toEqual(parent.weights.slice());
  });

  test.each(["detector", "single-box", "mlp"] as const)(
    "keeps what a %s knew of a class by its name",
    (kind) => {
      const before = planOf(kind, ["cat", "dog", "owl"], 1);
      const after = planOf(kind, ["bat", "dog", "cat", "fox"], 2);
      const old = startWeights(before);
      const fresh = startWeights(after);
      const weights = startWeights(after, { network: before.network, classes: before.classes, weights: old });
      const name = { detector: "predict.class", "single-box": "class2", mlp: "output" }[kind];
      const last = (vector: Float32Array, plan: typeof before, c: number): number[] => {
        const layout = buildNetwork(plan.network).parameters;
        const values = layout.slice(vector, `${name}.weight`);
        const count = plan.classes.length;
        const others = values.length / count;
        return Array.from(
          { length: others },
          (_, i) => values[kind === "detector" ? c * others + i : i * count + c]!,
        );
      };
      expect(last(weights, after, 1)).toEqual(last(old, before, 1));
      expect(last(weights, after, 2)).toEqual(last(old, before, 0));
      expect(last(weights, after, 0)).toEqual(last(fresh, after, 0));
      expect(last(weights, after, 3)).toEqual(last(fresh, after, 3));
    },
  );

  test("of another size keeps the convolutions", () => {
    const small = planOf("detector", ["a"], 1, 64);
    const large = planOf("detector", ["a"], 2, 96);
    const parent = { network: small.network, classes: small.classes, weights: startWeights(small) };
    expect(startWeights(large, parent).slice()).toEqual(parent.weights.slice());
  });

  test("for two people starts the shared output anew", () => {
    const before = planOf("mlp", ["a", "b"], 1);
    const after = planOf("mlp", ["b", "a"], 2);
    const weights = startWeights(after, {
      network: before.network,
      classes: before.classes,
      weights: startWeights(before),
    });
    const layout = buildNetwork(after.network).parameters;
    expect(layout.slice(weights, "output.weight").slice()).toEqual(
      layout.slice(startWeights(after), "output.weight").slice(),
    );
    expect(layout.slice(weights, "hidden.weight").slice()).toEqual(
      layout.slice(startWeights(before), "hidden.weight").slice(),
    );
  });
});
