import { GraphBuilder, type Network } from "../graph.ts";

/**
 * One object a picture: its class and its box. Five 3x3 convolutions of 32 filters, four max-pools, four batch-norms,
 * then two dense layers for the class and four for the box. 1,655,790 trained parameters at 224 px with 10 classes.
 *
 * Outputs: `class` [classes] logits; `box` [4]: x1, y1, x2, y2 in shares of the picture's width and height.
 *
 * @param size input side in px, a multiple of 16
 */
export function singleBoxNetwork(size: number, classCount: number): Network {
  const g = new GraphBuilder();
  let x = g.rescale(g.input(3, size, size), 1 / 255);
  x = g.batchNorm(g.maxPool(g.relu(g.conv(x, "conv1", 32, 3, { bias: [0] })), 2, 2), "norm1");
  x = g.batchNorm(g.relu(g.conv(x, "conv2", 32, 3, { bias: [0] })), "norm2");
  x = g.batchNorm(g.maxPool(g.relu(g.conv(x, "conv3", 32, 3, { bias: [0] })), 2, 2), "norm3");
  x = g.batchNorm(g.maxPool(g.relu(g.conv(x, "conv4", 32, 3, { bias: [0] })), 2, 2), "norm4");
  x = g.maxPool(g.relu(g.conv(x, "conv5", 32, 3, { bias: [0] })), 2, 2);
  const flat = g.flatten(x);
  g.output("class", g.dense(g.relu(g.dense(flat, "class1", 128)), "class2", classCount));
  let box = g.relu(g.dense(flat, "box1", 128));
  box = g.relu(g.dense(box, "box2", 64));
  box = g.relu(g.dense(box, "box3", 32));
  g.output("box", g.dense(box, "box4", 4));
  return g.build();
}
