import type { Random } from "./random.ts";

/**
 * How long to wait before try number `failures + 1`: doubling from `firstMs` to `maxMs`, with a quarter of jitter
 * so that many peers of one lost server do not come back in step.
 */
export function backoffMs(
  failures: number,
  random: Random,
  { firstMs = 250, maxMs = 15_000 }: { firstMs?: number; maxMs?: number } = {},
): number {
  const plain = Math.min(maxMs, firstMs * 2 ** Math.min(20, Math.max(0, failures - 1)));
  return plain * (0.875 + 0.25 * random.unit());
}
