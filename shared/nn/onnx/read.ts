import { AppError } from "../../base/errors.ts";
import { DATA_TYPE } from "./model.ts";
import { type ProtoField, protoFields } from "./protobuf.ts";

/** A tensor as it lies in a file: the bytes are a view of the file's. */
export interface StoredTensor {
  readonly name: string;
  readonly type: number;
  readonly shape: readonly number[];
  readonly raw: Uint8Array;
}

/** What Vigía reads back from a `.onnx` file: the constants by name, and the table of words. */
export interface StoredModel {
  readonly initializers: ReadonlyMap<string, StoredTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

const INITIALIZER_COUNT_MAX = 10_000;
const DIMENSION_COUNT_MAX = 8;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads a model file's constants and words; its nodes are skipped. Throws `input` where it is no such file. */
export function readModel(bytes: Uint8Array): StoredModel {
  const initializers = new Map<string, StoredTensor>();
  const metadata = new Map<string, string>();
  for (const field of protoFields(bytes)) {
    if (field.number === 7) readGraph(block(field), initializers);
    if (field.number === 14) readEntry(block(field), metadata);
  }
  return { initializers, metadata };
}

/** The numbers of a float32 constant, copied out of the file. Throws `input` where it is not `count` floats. */
export function readFloats(tensor: StoredTensor, count: number): Float32Array {
  const size = count * Float32Array.BYTES_PER_ELEMENT;
  if (tensor.type !== DATA_TYPE.float32 || tensor.raw.length !== size) {
    throw new AppError("input", `constant ${tensor.name} is not ${count} floats`);
  }
  const copy = new Uint8Array(size);
  copy.set(tensor.raw);
  return new Float32Array(copy.buffer);
}

function readGraph(bytes: Uint8Array, initializers: Map<string, StoredTensor>): void {
  for (const field of protoFields(bytes)) {
    if (field.number !== 5) continue;
    if (initializers.size >= INITIALIZER_COUNT_MAX)
      throw new AppError("input", "the model has too many parts");
    const tensor = readTensor(block(field));
    initializers.set(tensor.name, tensor);
  }
}

/** TensorProto: dims 1 (a field each: ONNX does not pack them), data_type 2, name 8, raw_data 9. */
function readTensor(bytes: Uint8Array): StoredTensor {
  let name = "";
  let type = 0;
  let raw: Uint8Array = new Uint8Array(0);
  const shape: number[] = [];
  for (const field of protoFields(bytes)) {
    if (field.number === 1 && field.type === "whole") shape.push(Number(field.value));
    if (field.number === 2 && field.type === "whole") type = Number(field.value);
    if (field.number === 8) name = text(block(field));
    if (field.number === 9) raw = block(field);
    if (shape.length > DIMENSION_COUNT_MAX) throw new AppError("input", "a constant has too many sides");
  }
  return { name, type, shape, raw };
}

/** StringStringEntryProto: key 1, value 2. */
function readEntry(bytes: Uint8Array, metadata: Map<string, string>): void {
  let key = "";
  let value = "";
  for (const field of protoFields(bytes)) {
    if (field.number === 1) key = text(block(field));
    if (field.number === 2) value = text(block(field));
  }
  metadata.set(key, value);
}

function block(field: ProtoField): Uint8Array {
  if (field.type !== "bytes") throw new AppError("input", `field ${field.number} of the model is no block`);
  return field.value;
}

function text(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new AppError("input", "a name in the model is no text", { cause });
  }
}
