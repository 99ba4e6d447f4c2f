import type { Predictor } from "../engine.ts";
import { MODEL_INPUT, networkOf, readModelInfo } from "../model-file.ts";
import { withPictureInput } from "../onnx/picture-input.ts";
import { NativePredictor } from "./predictor.ts";
import { openSession } from "./runtime.ts";

/**
 * Runs a model file as it is, of either format: the way to run an int8 one. On the CPU.
 *
 * @param bytes of a model file; throws `input` where they are none
 */
export async function openFilePredictor(
  bytes: Uint8Array,
  { batch, threads }: { readonly batch: number; readonly threads: number },
): Promise<Predictor> {
  const network = networkOf(readModelInfo(bytes));
  const session = await openSession(withPictureInput(bytes, network, MODEL_INPUT), {
    device: "cpu",
    threads,
  });
  return new NativePredictor(network, batch, session);
}
