/**
 * The graph-model format of tfjs: `model.json` holds TensorFlow's GraphDef as JSON and lists the constants, whose
 * numbers follow one another in `weights.bin` (little endian). Numbers of 64 bits are texts and texts are base64, as
 * protobuf's JSON form has it.
 */

/** A value in the graph, by its node's name. */
export type GraphValue = string;

export type GraphAttribute =
  | { readonly s: string }
  | { readonly b: boolean }
  | { readonly i: string }
  | { readonly type: DataType }
  | { readonly list: { readonly i?: readonly string[]; readonly s?: readonly string[] } }
  | { readonly shape: GraphShape }
  | { readonly tensor: { readonly dtype: DataType; readonly tensorShape: GraphShape } };

type DataType = "DT_FLOAT" | "DT_INT32";
type GraphShape = { readonly dim: readonly { readonly size: string }[] };
type GraphNode = {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: Readonly<Record<string, GraphAttribute>>;
};

const FLOAT: GraphAttribute = { type: "DT_FLOAT" };

export function text(value: string): GraphAttribute {
  return { s: base64(value) };
}

export function texts(...values: string[]): GraphAttribute {
  return { list: { s: values.map(base64) } };
}

export function wholes(...values: number[]): GraphAttribute {
  return { list: { i: values.map(String) } };
}

/** Puts a graph together, node by node. */
export class TfjsGraph {
  readonly #nodes: GraphNode[] = [];
  readonly #constants: { name: string; shape: readonly number[]; data: Float32Array | Int32Array }[] = [];
  readonly #inputs: Record<string, unknown> = {};
  readonly #outputs: Record<string, unknown> = {};
  readonly #known = new Set<string>();
  #count = 0;

  /** @param shape with -1 where the size is open */
  input(name: string, shape: readonly number[]): GraphValue {
    this.#inputs[name] = tensorInfo(name, shape);
    return this.#add({
      name,
      op: "Placeholder",
      input: [],
      attr: { dtype: FLOAT, shape: { shape: graphShape(shape) } },
    });
  }

  /** Names the value that a node of this name leaves as an output of the model. */
  output(name: string, shape: readonly number[]): void {
    this.#outputs[name] = tensorInfo(name, shape);
  }

  /** A constant; one name is written once. */
  constant(name: string, shape: readonly number[], data: Float32Array | Int32Array): GraphValue {
    if (this.#known.has(name)) return name;
    this.#known.add(name);
    this.#constants.push({ name, shape, data });
    const dtype = data instanceof Float32Array ? "DT_FLOAT" : "DT_INT32";
    const value: GraphAttribute = { tensor: { dtype, tensorShape: graphShape(shape) } };
    return this.#add({ name, op: "Const", input: [], attr: { value, dtype: { type: dtype } } });
  }

  /** A small vector of whole numbers, as shapes and axes are given. */
  wholes(...values: number[]): GraphValue {
    return this.constant(`wholes_${values.join("_")}`, [values.length], Int32Array.from(values));
  }

  op(
    op: string,
    input: readonly GraphValue[],
    attr: Readonly<Record<string, GraphAttribute>> = {},
    name = `${op.replace(/^_/, "").toLowerCase()}_${this.#count++}`,
  ): GraphValue {
    return this.#add({ name, op, input, attr: { T: FLOAT, ...attr } });
  }

  /** @param metadata what travels in `model.json` under `userDefinedMetadata` */
  encode(metadata: unknown, program: string): { readonly model: string; readonly weights: Uint8Array } {
    const size = this.#constants.reduce((sum, { data }) => sum + data.byteLength, 0);
    const weights = new Uint8Array(size);
    let at = 0;
    for (const { data } of this.#constants) {
      weights.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
      at += data.byteLength;
    }
    const model = {
      format: "graph-model",
      generatedBy: program,
      convertedBy: null,
      signature: { inputs: this.#inputs, outputs: this.#outputs },
      userDefinedMetadata: metadata,
      modelTopology: { node: this.#nodes, library: {}, versions: {} },
      weightsManifest: [
        {
          paths: [WEIGHTS_FILE],
          weights: this.#constants.map(({ name, shape, data }) => ({
            name,
            shape,
            dtype: data instanceof Float32Array ? "float32" : "int32",
          })),
        },
      ],
    };
    return { model: JSON.stringify(model), weights };
  }

  #add(node: GraphNode): GraphValue {
    this.#nodes.push(node);
    return node.name;
  }
}

/** Where `model.json` says the constants are. */
export const WEIGHTS_FILE = "weights.bin";

function graphShape(shape: readonly number[]): GraphShape {
  return { dim: shape.map((side) => ({ size: String(side) })) };
}

function tensorInfo(name: string, shape: readonly number[]): unknown {
  return { name: `${name}:0`, dtype: "DT_FLOAT", tensorShape: graphShape(shape) };
}

function base64(value: string): string {
  return Buffer.from(value).toString("base64");
}
