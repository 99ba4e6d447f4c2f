import type { Layer, Network, Shape } from "./graph.ts";

export type LayerOf<Kind extends Layer["kind"]> = Extract<Layer, { kind: Kind }>;

/** One or several layers computed at once. Numbers of nodes are places in `Network.nodes`. */
export interface Step {
  readonly layer: Layer;
  readonly inputs: readonly number[];
  /** The node whose value the step leaves: that of the last layer in it. */
  readonly output: number;
  readonly shape: Shape;
  /** Folded into the convolution's weights (inference only). */
  readonly norm: LayerOf<"batch-norm"> | undefined;
  readonly relu: boolean;
}

/**
 * The network as steps: a ReLU joins the convolution, dense layer or batch norm before it, and for inference a batch
 * norm joins its convolution.
 */
export function stepsOf(network: Network, use: "training" | "inference"): Step[] {
  const consumers = network.nodes.map((): number[] => []);
  network.nodes.forEach(({ inputs }, place) => {
    for (const input of inputs) consumers[input]!.push(place);
  });
  const outputs = new Set(network.outputs.map(({ node }) => node));
  const joined = new Set<number>();
  const next = <Kind extends Layer["kind"]>(place: number, kind: Kind): number | undefined => {
    const [only, ...others] = consumers[place]!;
    if (only === undefined || others.length > 0 || outputs.has(place)) return undefined;
    return network.nodes[only]!.layer.kind === kind ? only : undefined;
  };

  const steps: Step[] = [];
  network.nodes.forEach(({ layer, inputs, shape }, place) => {
    if (joined.has(place)) return;
    let output = place;
    const join = (other: number | undefined): Layer | undefined => {
      if (other === undefined) return undefined;
      joined.add(other);
      output = other;
      return network.nodes[other]!.layer;
    };
    const norm = use === "inference" && layer.kind === "conv" ? join(next(output, "batch-norm")) : undefined;
    const takesRelu = layer.kind === "conv" || layer.kind === "dense" || layer.kind === "batch-norm";
    const relu = takesRelu && join(next(output, "relu")) !== undefined;
    steps.push({ layer, inputs, output, shape, norm: norm as Step["norm"], relu });
  });
  return steps;
}

/** For every node, whether a parameter that is trained lies on the way to it, so that its gradient is wanted. */
export function wantsGradient(network: Network): boolean[] {
  const wanted: boolean[] = [];
  for (const { layer, inputs } of network.nodes) {
    const own = layer.kind === "conv" || layer.kind === "dense" || layer.kind === "batch-norm";
    wanted.push(own || inputs.some((input) => wanted[input]));
  }
  return wanted;
}
