import type { Network } from "./graph.ts";
import type { Activations } from "./quantize/activations.ts";

/**
 * Computes networks. Two implementations: `tfjs` (wasm; runs everywhere) and `native` (onnxruntime). Pictures go in
 * as uint8 [batch, height, width, channels]; outputs come back as float32 in the order of `Network.outputs`, each
 * [batch, ...node shape] (channels before rows).
 */
export interface Engine extends AsyncDisposable {
  readonly name: "tfjs" | "native";
  readonly device: "cpu" | "gpu";
  /** Whether it has 8-bit arithmetic that is exact here; without, a quantized model is computed in float. */
  readonly computesBytes: boolean;
  /** Prepares training with batches of exactly `batch` pictures. */
  trainer(network: Network, options: { readonly batch: number }): Promise<TrainingSession>;
  /** Prepares inference with `weights` (batch norm by its running statistics). */
  predictor(network: Network, weights: Float32Array, options: PredictorOptions): Promise<Predictor>;
}

export interface PredictorOptions {
  /** Most pictures at once. */
  readonly batch: number;
  /** Of a quantized model. An engine that `computesBytes` does so then; others compute the same in float. */
  readonly activations?: Activations | undefined;
}

export interface TrainingSession extends AsyncDisposable {
  /**
   * One forward and one backward pass; the weights stay as they are.
   *
   * @param weights the weight vector, in the network's layout; read only
   * @param pictures [batch, height, width, channels]
   * @param loss called once with the outputs; its gradients go back through the network
   * @param gradient filled: d loss / d weight for trained parameters, the batch's mean and biased variance in the
   *                 places of the running statistics
   * @returns what `loss` reported
   */
  trainStep<R>(
    weights: Float32Array,
    pictures: Uint8Array,
    loss: (outputs: readonly Float32Array[]) => LossResult<R>,
    gradient: Float32Array,
  ): Promise<R>;
}

export interface LossResult<R> {
  /** d loss / d output, one for each output, of its shape. */
  readonly gradients: readonly Float32Array[];
  readonly report: R;
}

export interface Predictor extends AsyncDisposable {
  /** @param pictures [count, height, width, channels], count up to the batch it was made for */
  infer(pictures: Uint8Array, count: number): Promise<readonly Float32Array[]>;
}

/** What `--device` asks for. `auto`: native on the CPU where it loads, tfjs otherwise. */
export type DeviceChoice = "auto" | "cpu" | "gpu";

export interface EngineOptions {
  readonly device: DeviceChoice;
  /** Threads for one computation (native only). */
  readonly threads: number;
}
