import { MODEL_INPUT, networkOf, type StoredNetwork } from "../model-file.ts";
import { WEIGHTS_FILE } from "./tfjs-graph.ts";
import { tfjsNetwork } from "./tfjs-network.ts";

/** A file to be written, by its name in the folder. */
export interface ExportedFile {
  readonly name: string;
  readonly content: string | Uint8Array;
}

/**
 * A model as a folder that `tf.loadGraphModel` opens in a browser: `model.json`, its weights, `labels.json` with what
 * a page must know to make sense of the numbers, and a note on how to use them. A quantized model is written in
 * float.
 */
export function exportTfjs({ info, weights }: StoredNetwork): ExportedFile[] {
  const network = networkOf(info);
  const graph = tfjsNetwork(network, weights, MODEL_INPUT);
  const { channels, height, width } = network.input;
  const labels = {
    name: info.name,
    version: info.version,
    network: info.network,
    classes: info.classes,
    thresholds: info.thresholds,
    input: { name: MODEL_INPUT, shape: [-1, height, width, channels], range: [0, 255] },
    outputs: network.outputs.map(({ name }) => name),
  };
  const { model, weights: numbers } = graph.encode(labels, info.lineage.program);
  return [
    { name: "model.json", content: model },
    { name: WEIGHTS_FILE, content: numbers },
    { name: "labels.json", content: `${JSON.stringify(labels, undefined, 2)}\n` },
    { name: "README.md", content: usage(info) },
  ];
}

function usage({ name, network }: StoredNetwork["info"]): string {
  return `# ${name}

    const model = await tf.loadGraphModel("model.json");
    const outputs = model.execute({ ${MODEL_INPUT}: pictures }, labels.outputs);

${MEANING[network.kind]}

\`labels.json\` has the classes, the least score of each, the input's shape and the outputs' names.
`;
}

const MEANING = {
  detector: `\`pictures\`: float32 [batch, size, size, 3], RGB, 0 to 255, scaled to fit and padded with grey (114) to a square.

For each stride s of 8, 16 and 32, with H = W = size / s:

- \`class<s>\` [batch, H, W, classes]: logits.
- \`box<s>\` [batch, H, W, 5]: left, top, right, bottom, objectness. Of the cell in row r and column c the box is
  x1 = (c + 0.5) * s - s * softplus(left), y1 = (r + 0.5) * s - s * softplus(top), and so on with plus for right and
  bottom, in pixels of the input.

Score = sigmoid(objectness) * sigmoid(class). Keep what is above the threshold of its class, then suppress overlaps
(tf.image.nonMaxSuppressionAsync, IoU 0.6).`,
  "single-box": `\`pictures\`: float32 [batch, size, size, 3], RGB, 0 to 255, scaled to fit and padded with grey (114) to a square.

- \`class\` [batch, classes]: logits, for a softmax.
- \`box\` [batch, 4]: x1, y1, x2, y2 in shares of the input's side.`,
  mlp: `\`pictures\`: float32 [batch, 96, 80, 1], grey faces stretched to that size, with mean 112 and deviation 56.

- \`class\` [batch, 1] for two people: the logit of the second; [batch, people] for more: logits, for a softmax.`,
} as const;
