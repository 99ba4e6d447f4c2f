import { AppError } from "../../base/errors.ts";
import {
  type Attribute,
  type DataType,
  type Domain,
  encodeModel,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from "./model.ts";

/** A graph's bytes, and the names of what goes in and comes out, in the order of the file. */
export interface EncodedGraph {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** Puts an ONNX graph together. Values are known by name; equal constants are stored once. */
export class OnnxBuilder {
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers = new Map<string, OnnxTensor>();
  readonly #inputs: OnnxValue[] = [];
  readonly #outputs: OnnxValue[] = [];
  readonly #constants = new Map<string, string>();
  readonly #prefix: string;
  #count = 0;

  /** @param prefix of the names it makes up, so that values of one graph can enter another */
  constructor(prefix = "") {
    this.#prefix = prefix;
  }

  /** Declares an input of the graph; an empty shape is a scalar. */
  input(name: string, shape: OnnxValue["shape"], type: DataType = "float32"): string {
    this.#inputs.push({ name, type, shape });
    return name;
  }

  output(name: string, shape: OnnxValue["shape"], type: DataType = "float32"): void {
    this.#outputs.push({ name, type, shape });
  }

  /** A named float32 constant, such as a layer's weights. */
  weight(name: string, shape: readonly number[], data: Float32Array): string {
    if (!this.#initializers.has(name)) this.#initializers.set(name, { name, type: "float32", shape, data });
    return name;
  }

  tensor(tensor: OnnxTensor): string {
    this.#initializers.set(tensor.name, tensor);
    return tensor.name;
  }

  /** A small float32 constant. */
  floats(values: readonly number[], shape: readonly number[] = [values.length]): string {
    return this.#constant(`f:${shape}:${values}`, (name) => ({
      name,
      type: "float32",
      shape,
      data: Float32Array.from(values),
    }));
  }

  scalar(value: number): string {
    return this.floats([value], []);
  }

  /** A small int64 constant, as shapes and axes are given. */
  wholes(...values: number[]): string {
    return this.#constant(`i:${values}`, (name) => ({
      name,
      type: "int64",
      shape: [values.length],
      data: BigInt64Array.from(values.map(BigInt)),
    }));
  }

  /** Adds a node of one output and gives that output's name. */
  op(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    { domain = "", name = this.#fresh(op) }: { domain?: Domain; name?: string } = {},
  ): string {
    this.node(op, inputs, [name], attributes, domain);
    return name;
  }

  /** Adds a node of several outputs. */
  ops(
    count: number,
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain: Domain = "",
  ): string[] {
    const outputs = Array.from({ length: count }, () => this.#fresh(op));
    this.node(op, inputs, outputs, attributes, domain);
    return outputs;
  }

  node(
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain: Domain = "",
  ): void {
    this.#nodes.push({ op, domain, inputs, outputs, attributes });
  }

  reshape(x: string, ...shape: number[]): string {
    return this.op("Reshape", [x, this.wholes(...shape)]);
  }

  model(metadata: Readonly<Record<string, string>> = {}): OnnxModel {
    if (this.#outputs.length === 0) throw new AppError("bug", "an ONNX graph needs an output");
    return {
      nodes: this.#nodes,
      initializers: [...this.#initializers.values()],
      inputs: this.#inputs,
      outputs: this.#outputs,
      metadata,
    };
  }

  encode(metadata: Readonly<Record<string, string>> = {}): Uint8Array<ArrayBuffer> {
    return encodeModel(this.model(metadata));
  }

  encodeGraph(): EncodedGraph {
    const { inputs, outputs } = this.model();
    const names = (values: readonly OnnxValue[]): string[] => values.map(({ name }) => name);
    return { bytes: this.encode(), inputs: names(inputs), outputs: names(outputs) };
  }

  #constant(key: string, make: (name: string) => OnnxTensor): string {
    let name = this.#constants.get(key);
    if (name === undefined) {
      name = this.#fresh("const");
      this.#constants.set(key, name);
      this.tensor(make(name));
    }
    return name;
  }

  #fresh(stem: string): string {
    return `${this.#prefix}${stem.toLowerCase()}_${this.#count++}`;
  }
}
