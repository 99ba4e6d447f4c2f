import type { Layer, Network } from "./graph.ts";

/** A convolution with the batch norm after it folded in: y = conv(x, weight) + bias, then a ReLU if `relu`. */
export interface FoldedConv {
  readonly weight: Float32Array;
  readonly bias: Float32Array;
  readonly relu: boolean;
  /** The node whose value this computes: the convolution itself, or the batch norm or ReLU that it swallowed. */
  readonly result: number;
}

/**
 * Folds batch norm (by its running statistics) and ReLU into the convolutions that they alone follow.
 *
 * @returns for each such convolution, by its place in `Network.nodes`
 */
export function foldConvolutions(network: Network, weights: Float32Array): Map<number, FoldedConv> {
  const { parameters, nodes, outputs } = network;
  const consumers = nodes.map((_, place) =>
    nodes.flatMap((node, i) => (node.inputs.includes(place) ? [i] : [])),
  );
  const isOutput = new Set(outputs.map(({ node }) => node));
  /** The one reader of a node, if it is of that kind. */
  const next = <Kind extends Layer["kind"]>(place: number, kind: Kind) => {
    const [reader, ...others] = consumers[place]!;
    if (reader === undefined || others.length > 0 || isOutput.has(place)) return undefined;
    const { layer } = nodes[reader]!;
    return layer.kind === kind
      ? { place: reader, layer: layer as Extract<Layer, { kind: Kind }> }
      : undefined;
  };
  const folded = new Map<number, FoldedConv>();
  nodes.forEach(({ layer }, place) => {
    if (layer.kind !== "conv") return;
    const weight = parameters.slice(weights, layer.weight).slice();
    const filters = parameters.get(layer.weight).shape[0]!;
    const bias =
      layer.bias === undefined ? new Float32Array(filters) : parameters.slice(weights, layer.bias).slice();
    let result = place;
    const norm = next(place, "batch-norm");
    if (norm !== undefined) {
      const part = (name: string): Float32Array => parameters.slice(weights, name);
      const { gamma, beta, mean, variance, epsilon } = norm.layer;
      const area = weight.length / filters;
      for (let o = 0; o < filters; o++) {
        const scale = part(gamma)[o]! / Math.sqrt(part(variance)[o]! + epsilon);
        for (let i = o * area; i < (o + 1) * area; i++) weight[i]! *= scale;
        bias[o] = (bias[o]! - part(mean)[o]!) * scale + part(beta)[o]!;
      }
      result = norm.place;
    }
    const relu = next(result, "relu");
    folded.set(place, { weight, bias, relu: relu !== undefined, result: relu?.place ?? result });
  });
  return folded;
}
