import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

const root = process.env.VIGIA_DATA ?? resolve(import.meta.dir, "../../../shared/data");

/**
 * A file or folder of the real data sets that some tests and benchmarks use; `undefined` where they are not at hand,
 * and the test is then skipped. `VIGIA_DATA` names their folder (`../shared/data` beside the checkout otherwise).
 */
export function dataPath(path: string): string | undefined {
  const whole = join(root, path);
  return existsSync(whole) ? whole : undefined;
}
