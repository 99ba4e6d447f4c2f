/** Each benchmark runs small here, so that none rots. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { listBenchmarks, runBenchmark } from "./bench/harness.ts";
import { BUSY_MACHINE_MS } from "./support/limits.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

test.each(listBenchmarks())("benchmark %s still works and gives finite figures", async (name) => {
  const figures = Object.entries(await runBenchmark(name, "smoke"));
  expect(figures.length).toBeGreaterThan(0);
  expect(figures.filter(([, value]) => !Number.isFinite(value))).toEqual([]);
});
