import type { Engine } from "../../shared/nn/engine.ts";

/** An engine by name, so that benchmarks can compare them. */
export async function engineNamed(name: string, threads: number): Promise<Engine> {
  if (name === "tfjs") return (await import("../../shared/nn/tfjs/engine.ts")).openTfjsEngine();
  return (await import("../../shared/nn/native/engine.ts")).openNativeEngine({ device: "cpu", threads });
}
