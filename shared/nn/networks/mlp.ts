import { GraphBuilder, type Network } from "../graph.ts";

/** Faces as the network sees them: 80 wide, 96 high, grey. */
export const FACE_WIDTH = 80;
export const FACE_HEIGHT = 96;

/** The grey level that all faces are brought to have as their mean: numbers about 0 are learnt from best. */
export const FACE_MEAN = 112;

/**
 * Who is this? 7,680 grey pixels, one hidden layer, and one output for two people (a sigmoid's logit, of the second)
 * or one a person for more (a softmax's logits).
 *
 * Output: `class` [1 or people].
 */
export function mlpNetwork(people: number, hidden: number): Network {
  const g = new GraphBuilder();
  const x = g.flatten(g.rescale(g.input(1, FACE_HEIGHT, FACE_WIDTH), 1 / 255, FACE_MEAN));
  g.output("class", g.dense(g.relu(g.dense(x, "hidden", hidden)), "output", people === 2 ? 1 : people));
  return g.build();
}
