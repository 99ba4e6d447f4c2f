import { type BackendWasm, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import plainWasm from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm" with { type: "file" };
import simdWasm from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm" with { type: "file" };
import {
  env,
  getKernel,
  type KernelFunc,
  setBackend,
  type TensorInfo,
  backend as theBackend,
} from "@tensorflow/tfjs-core";
import { AppError } from "../../base/errors.ts";

/** A float32 tensor in the wasm heap: [batch, height, width, channels]. */
export interface Tensor {
  readonly info: TensorInfo;
  readonly shape: TensorShape;
}
export type TensorShape = readonly [batch: number, height: number, width: number, channels: number];

/** Zeros around a picture. */
export interface Padding {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

interface ConvOptions {
  readonly strides: readonly [rows: number, columns: number];
  readonly padding: Padding;
  /** Rows and columns between two taps of the filter; 1 for a plain one. */
  readonly dilations?: readonly [rows: number, columns: number];
  readonly bias?: Tensor | undefined;
  readonly relu?: boolean;
}

/**
 * The tensors of one computation. It calls tfjs's wasm kernels directly, past its tape and scopes, and frees
 * whatever is left when it is disposed, so that a step that throws leaves nothing behind.
 */
export class Arena implements Disposable {
  readonly #wasm: Kernels;
  readonly #live = new Set<Tensor>();

  constructor(kernels: Kernels) {
    this.#wasm = kernels;
  }

  /** Not cleared: it holds whatever the heap held. */
  make(shape: TensorShape): Tensor {
    return this.#own({ info: this.#wasm.backend.makeOutput([...shape], "float32"), shape });
  }

  /** A bias: a copy of `values`, which tfjs wants with one side only. */
  vector(values: Float32Array): Tensor {
    const info = this.#wasm.backend.makeOutput([values.length], "float32");
    const tensor = this.#own({ info, shape: [1, 1, 1, values.length] });
    this.view(tensor).set(values);
    return tensor;
  }

  /** The tensor's numbers, where they lie. Valid until the next tensor is made, since the heap may move. */
  view(tensor: Tensor): Float32Array {
    return this.#wasm.backend.typedArrayFromHeap(tensor.info) as Float32Array;
  }

  free(tensor: Tensor): void {
    if (!this.#live.delete(tensor)) throw new AppError("bug", "a tensor was freed twice");
    this.#wasm.backend.disposeData(tensor.info.dataId);
  }

  /** The same numbers under another shape; they are freed with `tensor`. */
  as(tensor: Tensor, shape: TensorShape): Tensor {
    return { info: { ...tensor.info, shape: [...shape] }, shape };
  }

  /**
   * @param filter [height, width, channels, filters]. XNNPACK packs it once for each tensor, so new weights need a
   *               new tensor; writing them into the old one changes nothing.
   */
  conv(x: Tensor, filter: Tensor, { strides, padding, dilations = [1, 1], bias, relu }: ConvOptions): Tensor {
    const { top, bottom, left, right } = padding;
    const info = this.#wasm.conv({
      inputs: {
        x: x.info,
        filter: filter.info,
        ...(bias && { bias: bias.info }),
      },
      backend: this.#wasm.backend,
      attrs: {
        strides: [...strides],
        dilations: [...dilations],
        pad: [
          [0, 0],
          [top, bottom],
          [left, right],
          [0, 0],
        ] as unknown as number[],
        dataFormat: "NHWC",
        activation: relu ? "relu" : "linear",
      },
    }) as TensorInfo;
    return this.#own({ info, shape: info.shape as unknown as TensorShape });
  }

  /** Padding counts as minus infinity. */
  maxPool(x: Tensor, size: number, stride: number, padding: number): Tensor {
    const sides = [padding, padding];
    const info = this.#wasm.maxPool({
      inputs: { x: x.info },
      backend: this.#wasm.backend,
      attrs: {
        filterSize: [size, size],
        strides: [stride, stride],
        pad: [[0, 0], sides, sides, [0, 0]] as unknown as number[],
      },
    }) as TensorInfo;
    return this.#own({ info, shape: info.shape as unknown as TensorShape });
  }

  [Symbol.dispose](): void {
    for (const { info } of this.#live) this.#wasm.backend.disposeData(info.dataId);
    this.#live.clear();
  }

  #own(tensor: Tensor): Tensor {
    this.#live.add(tensor);
    return tensor;
  }
}

/** What we use of tfjs: its wasm heap, convolution and max-pool. */
export interface Kernels {
  readonly backend: BackendWasm;
  readonly conv: KernelFunc;
  readonly maxPool: KernelFunc;
}

let started: Promise<Kernels> | undefined;

/** tfjs on wasm with SIMD, one thread; once for each process or Bun Worker. Throws `unavailable`. */
export function startTfjs(): Promise<Kernels> {
  started ??= start();
  return started;
}

async function start(): Promise<Kernels> {
  // Several threads mean several Bun Workers, each with its own backend: tfjs's own threads do not run in Bun.
  env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  setWasmPaths({
    "tfjs-backend-wasm.wasm": plainWasm,
    "tfjs-backend-wasm-simd.wasm": simdWasm,
    // Asked for by setWasmPaths, never loaded with threads off.
    "tfjs-backend-wasm-threaded-simd.wasm": simdWasm,
  });
  if (!(await withoutCrashListeners(() => setBackend("wasm")))) {
    throw new AppError("unavailable", "tfjs could not start its wasm backend");
  }
  const kernel = (name: string): KernelFunc => {
    const config = getKernel(name, "wasm");
    if (config === undefined) throw new AppError("bug", `tfjs has no wasm kernel ${name}`);
    return config.kernelFunc;
  };
  return { backend: theBackend() as BackendWasm, conv: kernel("FusedConv2D"), maxPool: kernel("MaxPool") };
}

/**
 * Emscripten's glue listens to `uncaughtException` and `unhandledRejection` and throws them again, which would end
 * a process that handles its errors. Takes away those listeners that came while `work` ran.
 */
async function withoutCrashListeners<T>(work: () => Promise<T>): Promise<T> {
  const events = ["uncaughtException", "unhandledRejection"] as const;
  const before = events.map((event) => new Set(process.listeners(event as "uncaughtException")));
  try {
    return await work();
  } finally {
    events.forEach((event, i) => {
      for (const listener of process.listeners(event as "uncaughtException")) {
        if (!before[i]!.has(listener)) process.off(event, listener);
      }
    });
  }
}
