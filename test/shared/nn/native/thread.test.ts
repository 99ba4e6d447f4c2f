import { expect, setDefaultTimeout, test } from "bun:test";
import { openNativeEngine } from "../../../../shared/nn/native/engine.ts";
import { buildNetwork } from "../../../../shared/nn/networks/config.ts";
import { trainingExample } from "../../../support/check-training.ts";
import { LONG_WORK_MS } from "../../../support/limits.ts";

setDefaultTimeout(LONG_WORK_MS);

const PROGRAM = new URL("./native-program.ts", import.meta.url).pathname;

test("a Bun Worker trains the same as the main thread, and the process ends by itself with 0", async () => {
  const program = Bun.spawn([process.execPath, PROGRAM], { stdout: "pipe", stderr: "inherit" });
  const answer = JSON.parse(await new Response(program.stdout).text()) as { main: number; thread: number };
  expect(answer.thread).toBe(answer.main);
  expect(await program.exited).toBe(0);
});

test("a step that lost its weights' size, or whose loss throws, leaves the session usable", async () => {
  const network = buildNetwork({ kind: "mlp", classCount: 3, hidden: 4 });
  const { weights, pictures, loss } = trainingExample(network, 2, 1);
  await using engine = await openNativeEngine({ device: "cpu", threads: 1 });
  await using session = await engine.trainer(network, { batch: 2 });
  const gradient = new Float32Array(weights.length);
  const before = await session.trainStep(weights, pictures, loss, gradient);
  await expect(session.trainStep(weights.subarray(1), pictures, loss, gradient)).rejects.toThrow("expected");
  const broken = (): never => {
    throw new Error("no loss today");
  };
  await expect(session.trainStep(weights, pictures, broken, gradient)).rejects.toThrow("no loss today");
  expect(await session.trainStep(weights, pictures, loss, gradient)).toBe(before);
});

test("steps with fresh arrays, and the collector at work between them, all answer the same", async () => {
  const network = buildNetwork({ kind: "mlp", classCount: 3, hidden: 4 });
  const { weights, pictures, loss } = trainingExample(network, 2, 1);
  await using engine = await openNativeEngine({ device: "cpu", threads: 1 });
  await using session = await engine.trainer(network, { batch: 2 });
  const first = new Float32Array(weights.length);
  const expected = await session.trainStep(weights, pictures, loss, first);
  for (let step = 0; step < 300; step++) {
    const gradient = new Float32Array(weights.length);
    expect(await session.trainStep(weights.slice(), pictures.slice(), loss, gradient)).toBe(expected);
    expect(gradient).toEqual(first);
    if (step % 10 === 0) Bun.gc(true);
  }
});
