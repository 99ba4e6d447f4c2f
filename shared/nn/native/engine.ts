import { existsSync } from "node:fs";
import { AppError } from "../../base/errors.ts";
import type { Engine, EngineOptions, Predictor, PredictorOptions, TrainingSession } from "../engine.ts";
import type { Network } from "../graph.ts";
import { OnnxBuilder } from "../onnx/builder.ts";
import { blockSize } from "./block.ts";
import { hasExactByteSums } from "./byte-sums.ts";
import { NativePredictor } from "./predictor.ts";
import { loadRuntime, openSession, type SessionOptions } from "./runtime.ts";
import { NativeTrainer } from "./trainer.ts";

/** Networks on onnxruntime. Throws `unavailable` where the library does not load, or finds no GPU if one is asked for. */
export async function openNativeEngine(
  options: EngineOptions,
  { profilePrefix }: { profilePrefix?: string } = {},
): Promise<Engine> {
  await loadRuntime();
  const device = options.device === "gpu" ? "gpu" : "cpu";
  if (device === "gpu") await tryGpu();
  const settings = { device, threads: options.threads, profilePrefix } as const;
  return new NativeEngine(settings, device === "cpu" && (await hasExactByteSums(settings)));
}

/** Where Linux has its graphics devices; the last is that of Windows, for Linux within it. */
const GRAPHICS_DEVICES = ["/dev/dri", "/dev/nvidia0", "/dev/dxg"];

/**
 * onnxruntime says whether WebGPU has an adapter only when a session is opened on it; without any device the Vulkan
 * loader, when asked, writes warnings of its own to the terminal.
 */
async function tryGpu(): Promise<void> {
  if (process.platform === "linux" && !GRAPHICS_DEVICES.some((path) => existsSync(path))) {
    throw new AppError("unavailable", "this machine has no GPU that Linux knows", {
      cause: `there is none of ${GRAPHICS_DEVICES.join(", ")}`,
      hint: "use --device cpu",
    });
  }
  const b = new OnnxBuilder();
  b.output(b.op("Neg", [b.input("x", [1])]), [1]);
  try {
    await using _ = await openSession(b.encodeGraph(), { device: "gpu", threads: 1 });
  } catch (cause) {
    throw new AppError("unavailable", "onnxruntime finds no GPU through WebGPU", {
      cause: firstSentence(cause),
      hint: "use --device cpu, or install the GPU's Vulkan driver",
    });
  }
}

/** Its messages begin with the place in its source and end in what went wrong. */
function firstSentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.slice(text.lastIndexOf(" was false. ") + 1).replace(/^was false\. /, "");
}

class NativeEngine implements Engine {
  readonly name = "native";
  readonly device: "cpu" | "gpu";
  readonly computesBytes: boolean;
  readonly #options: SessionOptions;

  constructor(options: SessionOptions, computesBytes: boolean) {
    this.device = options.device;
    this.computesBytes = computesBytes;
    this.#options = options;
  }

  async trainer(network: Network, { batch }: { readonly batch: number }): Promise<TrainingSession> {
    const block = this.device === "cpu" ? await blockSize(this.#options) : undefined;
    return NativeTrainer.open(network, batch, block, this.#options);
  }

  predictor(network: Network, weights: Float32Array, options: PredictorOptions): Promise<Predictor> {
    const activations = this.computesBytes ? options.activations : undefined;
    return NativePredictor.open(network, weights, { ...options, activations }, this.#options);
  }

  /** Sessions are closed by those who opened them; the library itself stays loaded. */
  async [Symbol.asyncDispose](): Promise<void> {}
}
