import { GraphBuilder, type Network } from "../../shared/nn/graph.ts";

/**
 * A small network with every kind of layer, odd sides, shared weights, strides, two outputs on one trunk: what an
 * engine gets wrong shows here first.
 */
export function everyLayerNetwork(): Network {
  const g = new GraphBuilder();
  let x = g.rescale(g.input(3, 10, 14), 1 / 255, 100);
  x = g.relu(g.batchNorm(g.conv(x, "first", 4, 3, { stride: 2 }), "first.norm"));
  x = g.add(x, g.conv(x, "same", 4, 3, { bias: [0.1, -0.2] }));
  const small = g.maxPool(x, 3, 2, 1);
  const deep = g.concat([g.conv(small, "same", 4, 3, { bias: [0.1, -0.2] }), g.maxPool(small, 5, 1, 2)]);
  const normed = g.batchNorm(deep, "deep.norm");
  g.output("picture", g.conv(g.upsample(normed), "last", 2, 1, { stride: 2 }));
  g.output("numbers", g.dense(g.flatten(g.relu(deep)), "dense", 3));
  return g.build();
}
