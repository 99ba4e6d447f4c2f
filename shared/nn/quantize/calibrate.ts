import type { Engine } from "../engine.ts";
import type { Network } from "../graph.ts";
import { type Activations, measuredValues } from "./activations.ts";
import { RangeMeter } from "./range-meter.ts";

/** Measured (README): 0.999 cuts off strong answers of some data sets; more than this made no difference. */
export const RANGE_SHARE = 0.9999;

/**
 * Looks at pictures with the float network and learns the range of every value that is going to have 8 bits.
 *
 * @param pictures as the network sees them, uint8 [height, width, channels]
 * @param share of the numbers that lie in their range; the rest is cut to its ends
 */
export async function calibrate(
  engine: Engine,
  network: Network,
  weights: Float32Array,
  pictures: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  share = RANGE_SHARE,
): Promise<Activations> {
  const places = measuredValues(network);
  // A network of dense layers alone has 8-bit weights, and no such values.
  if (places.length === 0) return new Map();
  const meters = places.map(() => new RangeMeter());
  const open: Network = {
    ...network,
    outputs: places.map((node) => ({ name: `value${node}`, node })),
  };
  await using predictor = await engine.predictor(open, weights, { batch: 1 });
  for await (const picture of pictures) {
    const values = await predictor.infer(picture, 1);
    values.forEach((value, i) => {
      meters[i]!.add(value);
    });
  }
  return new Map(places.map((place, i) => [place, meters[i]!.levels(share)]));
}
