/** Trains one step here and one in a Bun Worker, prints both losses, and ends without being told to. */
import { openNativeEngine } from "../../../../shared/nn/native/engine.ts";
import { trainingExample } from "../../../support/check-training.ts";
import { everyLayerNetwork } from "../../../support/every-layer.ts";

export async function lossOfOneStep(): Promise<number> {
  const network = everyLayerNetwork();
  const { weights, pictures, loss } = trainingExample(network, 2, 1);
  await using engine = await openNativeEngine({ device: "cpu", threads: 1 });
  await using session = await engine.trainer(network, { batch: 2 });
  return await session.trainStep(weights, pictures, loss, new Float32Array(weights.length));
}

if (import.meta.main) {
  const thread = new Worker(new URL("./native.thread.ts", import.meta.url));
  const answered = Promise.withResolvers<number>();
  thread.onmessage = ({ data }: MessageEvent<number>) => answered.resolve(data);
  thread.onerror = ({ message }) => answered.reject(new Error(message));
  const answer = { main: await lossOfOneStep(), thread: await answered.promise };
  thread.terminate();
  process.stdout.write(JSON.stringify(answer));
}
