import { expect, test } from "bun:test";
import { churn } from "../../bench/scaling-churn.ts";

const TIMEOUT_MS = 120_000;

test(
  "20 kills, newcomers, freezes, pulled cables, partitions and cuts in one training: it ends as good as in peace",
  async () => {
    const rounds = 120;
    const calm = await churn({ seed: 5, faults: 0, rounds, everyMs: 1 });
    const result = await churn({ seed: 5, faults: 20, rounds, everyMs: 120 });
    expect(result.faults).toBeGreaterThan(10);
    expect(Math.abs(result.map50 - calm.map50)).toBeLessThan(0.02);
  },
  TIMEOUT_MS,
);
