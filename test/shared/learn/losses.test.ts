import { describe, expect, test } from "bun:test";
import { Random } from "../../../shared/base/random.ts";
import { createLoss, type LossReport } from "../../../shared/learn/loss.ts";
import { type ChunkTargets, packTargets } from "../../../shared/learn/targets.ts";
import { buildNetwork, type NetworkConfig } from "../../../shared/nn/networks/config.ts";

const CHUNK = 2;

interface Case {
  readonly network: NetworkConfig;
  readonly targets: ChunkTargets;
  /** Which terms a change of this output should show in; the others count it as given. */
  readonly terms: readonly (readonly (keyof LossReport["parts"])[])[];
}

const cases: Record<string, Case> = {
  detector: {
    network: { kind: "detector", size: 64, classCount: 3, variant: "small" },
    targets: packTargets([
      [
        { classIndex: 1, box: [4, 6, 30, 40] },
        { classIndex: 2, box: [8, 8, 26, 44] },
        { classIndex: 0, box: [50, 2, 63, 12] },
      ],
      [],
    ]),
    terms: [
      ["class"],
      ["box", "objectness"],
      ["class"],
      ["box", "objectness"],
      ["class"],
      ["box", "objectness"],
    ],
  },
  "single-box": {
    network: { kind: "single-box", size: 64, classCount: 4 },
    targets: packTargets([
      [{ classIndex: 3, box: [4, 6, 30, 40] }],
      [{ classIndex: 0, box: [0, 0, 64, 64] }],
    ]),
    terms: [["class"], ["box"]],
  },
  "mlp of two people": {
    network: { kind: "mlp", classCount: 2, hidden: 4 },
    targets: packTargets([
      [{ classIndex: 1, box: [0, 0, 80, 96] }],
      [{ classIndex: 0, box: [0, 0, 80, 96] }],
    ]),
    terms: [["class"]],
  },
  "mlp of five people": {
    network: { kind: "mlp", classCount: 5, hidden: 4 },
    targets: packTargets([[{ classIndex: 4, box: [0, 0, 80, 96] }], []]),
    terms: [["class"]],
  },
};

describe.each(Object.entries(cases))("the loss of %s", (_, { network, targets, terms }) => {
  const random = new Random(7);
  const shapes = buildNetwork(network).nodes;
  const outputs = buildNetwork(network).outputs.map(({ node }) => {
    const size = CHUNK * shapes[node]!.shape.reduce((product, side) => product * side, 1);
    return Float32Array.from({ length: size }, () => 0.7 * random.normal());
  });

  test("has the slopes that small changes show", () => {
    const loss = createLoss(network, CHUNK);
    const { gradients, report } = loss.compute(outputs, targets);
    const slopes = gradients.map((gradient) => gradient.slice());
    expect(report.positives).toBeGreaterThan(0);
    outputs.forEach((output, place) => {
      const value = (at: number, change: number): number => {
        const kept = output[at]!;
        output[at] = kept + change;
        const { parts } = loss.compute(outputs, targets).report;
        output[at] = kept;
        return terms[place]!.reduce((sum, term) => sum + parts[term]!, 0);
      };
      // Every place where the slope is not 0, as far as there are few; a stride through the many.
      const step = Math.max(1, Math.floor(output.length / 400));
      for (let at = 0; at < output.length; at += step) {
        const change = 2e-3;
        const seen = (value(at, change) - value(at, -change)) / (2 * change);
        expect(Math.abs(seen - slopes[place]![at]!)).toBeLessThan(2e-3 * Math.max(0.2, Math.abs(seen)));
      }
    });
  });

  test("gives finite numbers for pictures without a label", () => {
    const empty = packTargets([[], []]);
    const { gradients, report } = createLoss(network, CHUNK).compute(outputs, empty);
    expect(report.positives).toBe(0);
    for (const part of Object.values(report.parts)) expect(part).toBeFinite();
    for (const gradient of gradients) expect(gradient.every(Number.isFinite)).toBe(true);
  });
});

test("steps down the slope teach the detector's outputs where the boxes are", () => {
  const network = cases.detector!.network;
  const outputs = buildNetwork(network).outputs.map(({ name, node }) => {
    const [channels, height, width] = buildNetwork(network).nodes[node]!.shape as [number, number, number];
    return new Float32Array(CHUNK * channels * height * width).fill(name.startsWith("class") ? -4 : 0);
  });
  const loss = createLoss(network, CHUNK);
  let first: number | undefined;
  let last = 0;
  for (let step = 0; step < 600; step++) {
    const { gradients, report } = loss.compute(outputs, cases.detector!.targets);
    outputs.forEach((output, place) => {
      for (let i = 0; i < output.length; i++) output[i]! -= 0.3 * gradients[place]![i]!;
    });
    last = report.parts.box! + report.parts.objectness!;
    first ??= last;
  }
  expect(last).toBeLessThan(0.05 * first!);
});
