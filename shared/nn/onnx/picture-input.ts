import { AppError } from "../../base/errors.ts";
import type { Network } from "../graph.ts";
import { type EncodedGraph, OnnxBuilder } from "./builder.ts";
import { ProtoWriter, protoFields } from "./protobuf.ts";

/** The input that takes the place of a model file's. */
export const PICTURES_INPUT = "pictures";

const GRAPH_FIELD = 7;
const NODE_FIELD = 1;
const INPUT_FIELD = 11;

/**
 * A model file as a graph that takes pictures as they are held, uint8 [batch, height, width, channels], in place of
 * its float32 planes: two nodes go before its own.
 *
 * @param input name of the file's input
 */
export function withPictureInput(model: Uint8Array, network: Network, input: string): EncodedGraph {
  const { channels, height, width } = network.input;
  const b = new OnnxBuilder("pictures_");
  const pictures = b.input(PICTURES_INPUT, ["batch", height, width, channels], "uint8");
  const planes = b.op("Transpose", [pictures], { perm: [0, 3, 1, 2] });
  b.output(b.op("Cast", [planes], { to: 1 }, { name: input }), ["batch", channels, height, width]);
  const before = graphOf(b.encode());

  const graph = new ProtoWriter();
  for (const field of before) if (field.number === NODE_FIELD) graph.bytes(NODE_FIELD, field.value);
  for (const field of graphOf(model))
    if (field.number !== INPUT_FIELD) graph.bytes(field.number, field.value);
  for (const field of before) if (field.number === INPUT_FIELD) graph.bytes(INPUT_FIELD, field.value);

  const writer = new ProtoWriter();
  for (const field of protoFields(model)) {
    if (field.number === GRAPH_FIELD) writer.message(GRAPH_FIELD, graph);
    else if (field.type === "bytes") writer.bytes(field.number, field.value);
    else writer.whole(field.number, field.value);
  }
  const outputs = network.outputs.map(({ name }) => name);
  return { bytes: writer.finish(), inputs: [PICTURES_INPUT], outputs };
}

/** The fields of a model's graph, all of which are blocks of bytes. */
function graphOf(model: Uint8Array): { number: number; value: Uint8Array }[] {
  for (const field of protoFields(model)) {
    if (field.number !== GRAPH_FIELD || field.type !== "bytes") continue;
    return [...protoFields(field.value)].map(({ number, type, value }) => {
      if (type !== "bytes") throw new AppError("input", "the model's graph is damaged");
      return { number, value };
    });
  }
  throw new AppError("input", "the model has no graph");
}
