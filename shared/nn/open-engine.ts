import { AppError, errorLine } from "../base/errors.ts";
import { type Log, silentLog } from "../base/log.ts";
import { Random } from "../base/random.ts";
import type { Engine, EngineOptions } from "./engine.ts";
import { buildNetwork, type NetworkConfig } from "./networks/config.ts";
import { DETECTOR_WIDTHS, type DetectorVariant } from "./networks/detector.ts";

/**
 * Opens the engine that `--device` asks for. `auto` and `cpu`: native where onnxruntime loads, else tfjs, with a
 * line that says so and why. `gpu`: native on WebGPU; throws `unavailable` where there is no such GPU. Engines are
 * loaded here and not before, since both are large.
 */
export async function openEngine(options: EngineOptions, log: Log): Promise<Engine> {
  const { openNativeEngine } = await import("./native/engine.ts");
  if (options.device === "gpu") return openNativeEngine(options);
  try {
    return await openNativeEngine(options);
  } catch (error) {
    log.warn("onnxruntime does not load here: computing with tfjs, several times slower", { error });
    const { openTfjsEngine } = await import("./tfjs/engine.ts");
    return openTfjsEngine();
  }
}

/** What `vigia doctor` says about one engine. */
export interface EngineFound {
  readonly name: Engine["name"];
  readonly device: Engine["device"];
  /** Measured on a detector at 160 px; undefined where the engine does not work, and `problem` says why. */
  readonly speed: EngineSpeed | undefined;
  readonly problem: string | undefined;
}

export interface EngineSpeed {
  /** Pictures forward and backward, a second. */
  readonly trainedPerSecond: number;
  /** Pictures a second, one at a time. */
  readonly inferredPerSecond: number;
}

/**
 * Tries every engine and measures it for about a second each.
 *
 * @param threads for one computation, native only
 */
export async function enginesFound(threads: number): Promise<EngineFound[]> {
  const ways: [Engine["name"], Engine["device"], () => Promise<Engine>][] = [
    ["native", "cpu", () => openNative({ device: "cpu", threads })],
    ["native", "gpu", () => openNative({ device: "gpu", threads })],
    ["tfjs", "cpu", async () => (await import("./tfjs/engine.ts")).openTfjsEngine()],
  ];
  const found: EngineFound[] = [];
  for (const [name, device, open] of ways) {
    try {
      await using engine = await open();
      found.push({ name, device, speed: await measure(engine, PROBE), problem: undefined });
    } catch (error) {
      found.push({ name, device, speed: undefined, problem: errorLine(error) });
    }
  }
  return found;
}

async function openNative(options: EngineOptions): Promise<Engine> {
  const engine = await openEngine(options, silentLog);
  if (engine.name === "native") return engine;
  await engine[Symbol.asyncDispose]();
  throw new AppError("unavailable", "onnxruntime does not load on this machine");
}

/** What engines are compared by: a second of it says enough. */
const PROBE: NetworkConfig = { kind: "detector", size: 160, classCount: 3, variant: "normal" };

/** How fast the detector of each width is on this machine's processor, at one size of pictures. */
export async function* detectorSpeeds(
  size: number,
  threads: number,
): AsyncGenerator<{ readonly variant: DetectorVariant; readonly speed: EngineSpeed }> {
  await using engine = await openEngine({ device: "cpu", threads }, silentLog);
  for (const variant of Object.keys(DETECTOR_WIDTHS) as DetectorVariant[]) {
    yield { variant, speed: await measure(engine, { kind: "detector", size, classCount: 3, variant }) };
  }
}

const MEASURE_MS = 400;
const BATCH = 2;

async function measure(engine: Engine, config: NetworkConfig): Promise<EngineSpeed> {
  const network = buildNetwork(config);
  const weights = network.parameters.start((name) => new Random("doctor", name));
  const { height, width, channels } = network.input;
  const pictures = new Uint8Array(BATCH * height * width * channels).fill(127);
  const gradient = new Float32Array(weights.length);
  await using trainer = await engine.trainer(network, { batch: BATCH });
  const trained = await rate(() =>
    trainer.trainStep(weights, pictures, (outputs) => ({ gradients: outputs, report: undefined }), gradient),
  );
  await using predictor = await engine.predictor(network, weights, { batch: 1 });
  const one = pictures.subarray(0, pictures.length / BATCH);
  const inferred = await rate(() => predictor.infer(one, 1));
  return { trainedPerSecond: trained * BATCH, inferredPerSecond: inferred };
}

/** Runs a second, the first one left out. */
async function rate(run: () => Promise<unknown>): Promise<number> {
  await run();
  const start = performance.now();
  let runs = 0;
  let passedMs = 0;
  while (passedMs < MEASURE_MS) {
    await run();
    runs++;
    passedMs = performance.now() - start;
  }
  return (runs * 1000) / passedMs;
}
