/**
 * The one place that touches onnxruntime-node. It is loaded on first use only: starting the program must not pay for
 * a 38 MB library, and a machine where it cannot load still has the tfjs engine.
 */
import type { InferenceSession, Tensor } from "onnxruntime-node";
import { AppError } from "../../base/errors.ts";
import type { DATA_TYPE } from "../onnx/model.ts";

export type { Tensor } from "onnxruntime-node";

type Module = typeof import("onnxruntime-node");

let loaded: Promise<Module> | undefined;

/** Loads the library, once a thread. Throws `unavailable` where it cannot: musl, old macOS, a file that is gone. */
export function loadRuntime(): Promise<Module> {
  loaded ??= import("onnxruntime-node").catch((cause: unknown) => {
    loaded = undefined;
    throw new AppError("unavailable", "onnxruntime does not load on this machine", { cause });
  });
  return loaded;
}

export interface SessionOptions {
  readonly device: "cpu" | "gpu";
  /** Threads for one operator. */
  readonly threads: number;
  /** Path prefix of a profile in Chrome's trace format, for those who look for speed. */
  readonly profilePrefix?: string | undefined;
}

/** One compiled graph. It runs on the caller's thread and blocks it; a role calls it from a thread of its own. */
export class Session implements AsyncDisposable {
  readonly #session: InferenceSession;
  readonly #profiled: boolean;

  private constructor(session: InferenceSession, profiled: boolean) {
    this.#session = session;
    this.#profiled = profiled;
  }

  /** @param model the bytes of a `.onnx` file */
  static async open(model: Uint8Array, options: SessionOptions): Promise<Session> {
    const { InferenceSession } = await loadRuntime();
    const { device, threads, profilePrefix } = options;
    const session = await InferenceSession.create(model, {
      executionProviders: device === "gpu" ? ["webgpu", "cpu"] : ["cpu"],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: "all",
      // Warnings of the optimizer are about our graphs, not about the user's machine.
      logSeverityLevel: 3,
      ...(profilePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: profilePrefix }),
    });
    return new Session(session, profilePrefix !== undefined);
  }

  /**
   * Computes the graph. Results are written straight into the memory of the tensors given in `results`; feeds are
   * read from theirs. Nothing is copied either way.
   */
  async run(feeds: Record<string, Tensor>, results: Record<string, Tensor>): Promise<void> {
    await this.#session.run(feeds, results);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#profiled) this.#session.endProfiling();
    await this.#session.release();
  }
}

/** Makes tensors over existing memory. */
export class Tensors {
  readonly #Tensor: Module["Tensor"];

  private constructor(module: Module) {
    this.#Tensor = module.Tensor;
  }

  static async open(): Promise<Tensors> {
    return new Tensors(await loadRuntime());
  }

  floats(data: Float32Array, shape: readonly number[]): Tensor {
    return new this.#Tensor("float32", data, shape);
  }

  bytes(data: Uint8Array, shape: readonly number[]): Tensor {
    return new this.#Tensor("uint8", data, shape);
  }

  wholes(data: BigInt64Array, shape: readonly number[]): Tensor {
    return new this.#Tensor("int64", data, shape);
  }

  /** A tensor of its own memory, for a value that goes from one graph to the next. */
  empty(type: keyof typeof DATA_TYPE, shape: readonly number[]): Tensor {
    const size = shape.reduce((product, side) => product * side, 1);
    if (type === "float32") return this.floats(new Float32Array(size), shape);
    if (type === "uint8") return this.bytes(new Uint8Array(size), shape);
    if (type === "int64") return this.wholes(new BigInt64Array(size), shape);
    throw new AppError("bug", `no tensors of type ${type}`);
  }
}
