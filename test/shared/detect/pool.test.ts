import { expect, setDefaultTimeout, test } from "bun:test";
import { silentLog } from "../../../shared/base/log.ts";
import { DetectPool } from "../../../shared/detect/pool.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const frail = (): Worker => new Worker(new URL("./frail.thread.ts", import.meta.url).href);
const [deadly, harmless] = [Uint8Array.of(0), Uint8Array.of(1)];

test("a thread that dies answers for its picture with an error, and gets no other", async () => {
  await using pool = new DetectPool(2, silentLog, frail);
  await expect(pool.detect(deadly)).rejects.toMatchObject({ kind: "bug" });
  for (let i = 0; i < 4; i++) expect(await pool.detect(harmless)).toMatchObject({ width: 1 });
  // Several at once, too: the dead one is not the idle one.
  expect(await Promise.all([1, 2, 3].map(() => pool.detect(harmless)))).toHaveLength(3);
  expect(pool.hasIdleThread).toBe(true);

  await expect(pool.detect(deadly)).rejects.toMatchObject({ kind: "bug" });
  expect(pool.hasIdleThread).toBe(false);
  await expect(pool.detect(harmless)).rejects.toThrow("a detection thread failed");
  await expect(pool.load(harmless, "cpu")).rejects.toThrow("a detection thread failed");
});
