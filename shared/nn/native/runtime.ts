/**
 * The one place that touches onnxruntime-node. It is loaded on first use only: starting the program must not pay for
 * a 38 MB library, and a machine where it cannot load still has the tfjs engine.
 */
import type { InferenceSession, Tensor } from "onnxruntime-node";
import { AppError } from "../../base/errors.ts";
import type { EncodedGraph } from "../onnx/builder.ts";
import { DATA_TYPE, type DataType, type TensorData } from "../onnx/model.ts";
import { CApi, cText, fixedTable, type Handle } from "./c-api.ts";

type Module = typeof import("onnxruntime-node");

let loaded: Promise<Module> | undefined;
let api: CApi | undefined;

/** Loads the library, once a thread. Throws `unavailable` where it cannot: musl, old macOS, a file that is gone. */
export function loadRuntime(): Promise<Module> {
  loaded ??= import("onnxruntime-node").then(
    (module) => {
      api = CApi.open();
      return module;
    },
    (cause: unknown) => {
      loaded = undefined;
      throw new AppError("unavailable", "onnxruntime does not load on this machine", { cause });
    },
  );
  return loaded;
}

export interface SessionOptions {
  readonly device: "cpu" | "gpu";
  /** Threads for one operator. */
  readonly threads: number;
  /** False for the package's own binding even where the C interface can be reached. */
  readonly direct?: boolean;
  /**
   * Whether all values of a run get one planned block of memory: 1 to 2% faster, and the block is kept beside the
   * memory that the first run took. True by default; through the C interface only.
   */
  readonly planned?: boolean;
  /** Path prefix of a profile in Chrome's trace format, for those who look for speed. */
  readonly profilePrefix?: string | undefined;
}

/** A tensor in memory of this program. */
export interface HostTensor {
  readonly type: DataType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

export function hostTensor(shape: readonly number[], data?: Float32Array): HostTensor {
  const size = shape.reduce((product, side) => product * side, 1);
  return { type: "float32", shape, data: data ?? new Float32Array(new ArrayBuffer(4 * size)) };
}

/** One compiled graph. It computes on the caller's thread and blocks it; roles call it from threads of their own. */
export interface Session extends AsyncDisposable {
  /** Reads the graph's inputs from the tensors of their names, and writes its outputs into those of theirs. */
  run(values: Readonly<Record<string, HostTensor>>): Promise<void>;
}

export async function openSession(graph: EncodedGraph, options: SessionOptions): Promise<Session> {
  const module = await loadRuntime();
  const { direct = true } = options;
  if (api !== undefined && direct && options.device === "cpu") return new DirectSession(api, graph, options);
  const { device, threads, profilePrefix } = options;
  const session = await module.InferenceSession.create(graph.bytes, {
    executionProviders: device === "gpu" ? ["webgpu", "cpu"] : ["cpu"],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
    // Warnings of the optimizer are about our graphs, not about the user's machine.
    logSeverityLevel: 3,
    ...(profilePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: profilePrefix }),
  });
  return new AddonSession(module, session, graph);
}

/** Through the package's own binding, which copies each output once more than needed. */
class AddonSession implements Session {
  readonly #Tensor: Module["Tensor"];
  readonly #session: InferenceSession;
  readonly #graph: EncodedGraph;

  constructor(module: Module, session: InferenceSession, graph: EncodedGraph) {
    this.#Tensor = module.Tensor;
    this.#session = session;
    this.#graph = graph;
  }

  async run(values: Readonly<Record<string, HostTensor>>): Promise<void> {
    const pick = (names: readonly string[]): Record<string, Tensor> =>
      Object.fromEntries(names.map((name) => [name, this.#tensor(values[name]!)]));
    await this.#session.run(pick(this.#graph.inputs), pick(this.#graph.outputs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.release();
  }

  #tensor({ type, shape, data }: HostTensor): Tensor {
    return new this.#Tensor(type as "float32", data as Float32Array, shape);
  }
}

/** Through the C interface. Tensors that are given again keep their place in the library. */
class DirectSession implements Session {
  readonly #api: CApi;
  readonly #session: Handle;
  readonly #inputs: BoundNames;
  readonly #outputs: BoundNames;
  #closed = false;

  constructor(api: CApi, graph: EncodedGraph, options: SessionOptions) {
    this.#api = api;
    this.#session = api.openSession(graph.bytes, options);
    this.#inputs = new BoundNames(api, graph.inputs);
    this.#outputs = new BoundNames(api, graph.outputs);
  }

  async run(values: Readonly<Record<string, HostTensor>>): Promise<void> {
    // Lets the thread hear its messages between two computations.
    await new Promise((resolve) => setImmediate(resolve));
    // The library would read freed memory.
    if (this.#closed) throw new AppError("bug", "a closed session was run");
    const [inputs, outputs] = [this.#inputs, this.#outputs];
    inputs.bind(values);
    outputs.bind(values);
    this.#api.call(
      "run",
      this.#session,
      null,
      inputs.nameTable,
      inputs.valueTable,
      inputs.count,
      outputs.nameTable,
      outputs.count,
      outputs.valueTable,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#inputs.release();
    this.#outputs.release();
    this.#api.call("releaseSession", this.#session);
  }
}

/** The tables of names and values that one side of a run takes. */
class BoundNames {
  readonly #api: CApi;
  readonly #names: readonly string[];
  readonly #texts: readonly Uint8Array[];
  readonly #nameTable: BigUint64Array;
  readonly #valueTable: BigUint64Array;
  readonly #bound: (HostTensor | undefined)[] = [];

  constructor(api: CApi, names: readonly string[]) {
    this.#api = api;
    this.#names = names;
    this.#texts = names.map(cText);
    this.#nameTable = fixedTable(names.length);
    this.#nameTable.set(this.#texts.map((text) => BigInt(api.address(text))));
    this.#valueTable = fixedTable(names.length);
  }

  get count(): number {
    return this.#names.length;
  }

  get nameTable(): Handle {
    return this.#api.address(this.#nameTable);
  }

  get valueTable(): Handle {
    return this.#api.address(this.#valueTable);
  }

  bind(values: Readonly<Record<string, HostTensor>>): void {
    this.#names.forEach((name, i) => {
      const tensor = values[name];
      if (tensor === undefined) throw new AppError("bug", `no tensor for ${name}`);
      if (tensor === this.#bound[i]) return;
      this.#release(i);
      this.#valueTable[i] = BigInt(this.#api.tensor(tensor.data, tensor.shape, DATA_TYPE[tensor.type]));
      this.#bound[i] = tensor;
    });
  }

  release(): void {
    for (let i = 0; i < this.#names.length; i++) this.#release(i);
  }

  #release(i: number): void {
    if (this.#bound[i] === undefined) return;
    this.#api.call("releaseValue", Number(this.#valueTable[i]) as Handle);
    this.#bound[i] = undefined;
  }
}
