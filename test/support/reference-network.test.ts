import { expect, test } from "bun:test";
import { Random } from "../../shared/base/random.ts";
import { everyLayerNetwork } from "./every-layer.ts";
import { referenceBackward, referenceForward } from "./reference-network.ts";

test("the reference gradient of every layer is the slope that finite differences measure", () => {
  const network = everyLayerNetwork();
  const random = new Random("finite differences");
  const { height, width, channels } = network.input;
  const batch = 2;
  const pictures = Uint8Array.from({ length: batch * height * width * channels }, () => random.below(256));
  const weights = Float64Array.from(network.parameters.start((name) => new Random(7, name)));
  const slopes = network.outputs.map(({ node }) => {
    const size = network.nodes[node]!.shape.reduce((all, side) => all * side, batch);
    return Float64Array.from({ length: size }, () => random.normal());
  });
  const lossAt = (vector: Float64Array): number => {
    const { outputs } = referenceForward(network, vector, pictures, batch, "batch");
    return outputs.reduce(
      (sum, output, o) => output.reduce((all, value, i) => all + value * slopes[o]![i]!, sum),
      0,
    );
  };
  const pass = referenceForward(network, weights, pictures, batch, "batch");
  const gradient = referenceBackward(network, weights, batch, pass, slopes);

  const step = 1e-6;
  let largest = 0;
  for (let place = 0; place < network.parameters.trainedCount; place++) {
    const [above, below] = [weights.slice(), weights.slice()];
    above[place]! += step;
    below[place]! -= step;
    const measured = (lossAt(above) - lossAt(below)) / (2 * step);
    largest = Math.max(largest, Math.abs(measured - gradient[place]!) / (Math.abs(gradient[place]!) + 0.1));
  }
  expect(largest).toBeLessThan(1e-6);
});
