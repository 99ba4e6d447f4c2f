import type { Network } from "../graph.ts";
import { type Step, stepsOf } from "../steps.ts";

/** How a value of the network lies in 8 bits: real = scale * (level - zeroPoint), level 0 to 255. */
export interface Levels {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** The levels of every value that is held in 8 bits, by the place of its node. Pictures have theirs already. */
export type Activations = ReadonlyMap<number, Levels>;

/** Pictures enter as the bytes that they are. */
export const PICTURE_LEVELS: Levels = { scale: 1, zeroPoint: 0 };

export const LEVEL_MAX = 255;

/** Levels that reach from `low` to `high`; zero is always exactly one of them, since padding is made of it. */
export function levelsBetween(low: number, high: number): Levels {
  const least = Math.min(low, 0);
  const scale = Math.fround(Math.max((Math.max(high, 0) - least) / LEVEL_MAX, 1e-8));
  return { scale, zeroPoint: Math.round(-least / scale) };
}

/**
 * Whether a step computes in 8 bits. What the network answers stays float: box sides and scores of one tensor differ
 * by orders of magnitude.
 */
export function isQuantizedConv(network: Network, { layer, output }: Step): boolean {
  return layer.kind === "conv" && !network.outputs.some(({ node }) => node === output);
}

/** Places of the values whose ranges must be known before the network can be quantized. */
export function measuredValues(network: Network): number[] {
  const held = new Set(["conv", "batch-norm", "relu", "add", "concat"]);
  const outputs = new Set(network.outputs.map(({ node }) => node));
  return stepsOf(network, "inference")
    .filter(({ layer, output }) => held.has(layer.kind) && !outputs.has(output))
    .map(({ output }) => output);
}
