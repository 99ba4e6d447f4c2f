/**
 * The part of ONNX (onnx.proto3, ir version 8) that Vigía writes: a model is a graph of operator nodes, constants by
 * name ("initializers"), declared inputs and outputs, and a table of words ("metadata"). Numbers in comments are
 * field numbers.
 */
import { ProtoWriter } from "./protobuf.ts";

export const IR_VERSION = 8;
export const OPSET = 17;

/** The standard operators, and onnxruntime's own. */
export type Domain = "" | "com.microsoft" | "com.microsoft.nchwc";

/** TensorProto.DataType */
export const DATA_TYPE = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9 } as const;
export type DataType = keyof typeof DATA_TYPE;

export type TensorData = Float32Array | Uint8Array | Int8Array | Int32Array | BigInt64Array;

export interface OnnxTensor {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** A declared input or output; a side given as a word may be of any size. */
export interface OnnxValue {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly (number | string)[];
}

/** Numbers are whole; `float(x)` makes a real one. */
export type Attribute = number | string | readonly number[] | FloatAttribute;

export interface FloatAttribute {
  readonly float: number | readonly number[];
}

export function float(value: number | readonly number[]): FloatAttribute {
  return { float: value };
}

export interface OnnxNode {
  readonly op: string;
  readonly domain: Domain;
  /** An empty name leaves an optional input out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface OnnxModel {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** The bytes of a `.onnx` file. */
export function encodeModel(model: OnnxModel): Uint8Array<ArrayBuffer> {
  const graph = new ProtoWriter();
  for (const node of model.nodes) graph.message(1, nodeProto(node));
  graph.text(2, "vigia");
  for (const tensor of model.initializers) graph.message(5, tensorProto(tensor));
  for (const value of model.inputs) graph.message(11, valueProto(value));
  for (const value of model.outputs) graph.message(12, valueProto(value));
  const writer = new ProtoWriter().whole(1, IR_VERSION).text(2, "vigia").message(7, graph);
  for (const domain of new Set<Domain>(["", ...model.nodes.map((node) => node.domain)])) {
    const version = domain === "" ? OPSET : 1;
    writer.message(8, new ProtoWriter().text(1, domain).whole(2, version));
  }
  for (const [key, value] of Object.entries(model.metadata)) {
    writer.message(14, new ProtoWriter().text(1, key).text(2, value));
  }
  return writer.finish();
}

function nodeProto({ op, domain, inputs, outputs, attributes }: OnnxNode): ProtoWriter {
  const writer = new ProtoWriter();
  for (const name of inputs) writer.text(1, name);
  for (const name of outputs) writer.text(2, name);
  // Tools show nodes by name; the first output's is unique.
  writer.text(3, outputs[0] ?? op).text(4, op);
  for (const [name, value] of Object.entries(attributes)) writer.message(5, attributeProto(name, value));
  if (domain !== "") writer.text(7, domain);
  return writer;
}

/** AttributeProto: f 2, i 3, s 4, floats 7, ints 8, type 20. */
function attributeProto(name: string, value: Attribute): ProtoWriter {
  const writer = new ProtoWriter().text(1, name);
  if (typeof value === "number") return writer.whole(3, value).whole(20, 2);
  if (typeof value === "string") return writer.text(4, value).whole(20, 3);
  if (!("float" in value)) {
    for (const one of value) writer.whole(8, one);
    return writer.whole(20, 7);
  }
  if (typeof value.float === "number") return writer.float(2, value.float).whole(20, 1);
  for (const one of value.float) writer.float(7, one);
  return writer.whole(20, 6);
}

/** TensorProto: dims 1, data_type 2, name 8, raw_data 9 (little endian). */
function tensorProto({ name, type, shape, data }: OnnxTensor): ProtoWriter {
  const writer = new ProtoWriter();
  for (const side of shape) writer.whole(1, side);
  writer.whole(2, DATA_TYPE[type]).text(8, name);
  return writer.bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/** ValueInfoProto with its TypeProto, TensorShapeProto and dimensions (a size 1, or a word 2). */
function valueProto({ name, type, shape }: OnnxValue): ProtoWriter {
  const sides = new ProtoWriter();
  for (const side of shape) {
    const dimension = new ProtoWriter();
    sides.message(1, typeof side === "number" ? dimension.whole(1, side) : dimension.text(2, side));
  }
  const tensor = new ProtoWriter().whole(1, DATA_TYPE[type]).message(2, sides);
  return new ProtoWriter().text(1, name).message(2, new ProtoWriter().message(1, tensor));
}
