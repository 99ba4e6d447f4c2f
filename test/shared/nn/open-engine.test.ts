import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { EngineFound } from "../../../shared/nn/open-engine.ts";
import { LONG_WORK_MS } from "../../support/limits.ts";

setDefaultTimeout(LONG_WORK_MS);

const PROGRAM = new URL("./open-engine-program.ts", import.meta.url).pathname;
const WITHOUT = new URL("../../support/without-onnxruntime.ts", import.meta.url).pathname;

async function open(wanted: string, { broken = false } = {}): Promise<{ answer: unknown; log: string }> {
  const preload = broken ? ["--preload", WITHOUT] : [];
  const program = Bun.spawn([process.execPath, ...preload, PROGRAM, wanted], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, log] = await Promise.all([
    new Response(program.stdout).text(),
    new Response(program.stderr).text(),
  ]);
  expect(await program.exited).toBe(0);
  return { answer: JSON.parse(out), log };
}

describe("the engine that --device asks for", () => {
  test("is native on the CPU by default, without a word", async () => {
    expect(await open("auto")).toEqual({ answer: { name: "native", device: "cpu" }, log: "" });
  });

  test("is tfjs where onnxruntime does not load, and one line says so and why", async () => {
    const { answer, log } = await open("auto", { broken: true });
    expect(answer).toEqual({ name: "tfjs", device: "cpu" });
    expect(log.trim().split("\n")).toHaveLength(1);
    expect(log).toContain("computing with tfjs");
    expect(log).toContain("cannot open shared object file");
  });

  test("is the GPU or a clear error, never the CPU in its place", async () => {
    const { answer } = await open("gpu");
    if ("name" in (answer as object)) expect(answer).toEqual({ name: "native", device: "gpu" });
    else expect(answer).toMatchObject({ kind: "unavailable", words: expect.stringContaining("no GPU") });
    const { answer: broken } = await open("gpu", { broken: true });
    expect(broken).toMatchObject({ kind: "unavailable" });
  });
});

test("the doctor's list measures what works and says of the rest what is wrong", async () => {
  const { answer } = await open("all");
  const found = answer as EngineFound[];
  expect(found.map(({ name, device }) => `${name} ${device}`)).toEqual([
    "native cpu",
    "native gpu",
    "tfjs cpu",
  ]);
  for (const { speed, problem } of found) {
    expect(speed === undefined).not.toBe(problem === undefined);
    if (speed !== undefined) expect(speed.trainedPerSecond).toBeGreaterThan(0);
  }
});
