import type { Engine, Predictor, TrainingSession } from "../engine.ts";
import type { Network } from "../graph.ts";
import { type Kernels, startTfjs } from "./backend.ts";
import { TfjsPredictor } from "./inference.ts";
import { TfjsTraining } from "./training.ts";

/**
 * The engine that runs everywhere: tfjs's wasm kernels on one thread. Engines opened in the same process or Bun
 * Worker share one wasm heap, which grows to what the largest step needs and never shrinks.
 *
 * Throws `unavailable` where the runtime cannot start wasm.
 */
export async function openTfjsEngine(): Promise<Engine> {
  return new TfjsEngine(await startTfjs());
}

class TfjsEngine implements Engine {
  readonly name = "tfjs";
  readonly computesBytes = false;
  readonly device = "cpu";
  readonly #kernels: Kernels;

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
  }

  async trainer(network: Network, { batch }: { readonly batch: number }): Promise<TrainingSession> {
    return new TfjsTraining(this.#kernels, network, batch);
  }

  async predictor(
    network: Network,
    weights: Float32Array,
    { batch }: { readonly batch: number },
  ): Promise<Predictor> {
    return new TfjsPredictor(this.#kernels, network, weights, batch);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
