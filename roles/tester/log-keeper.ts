import { systemClock } from "../../shared/base/clock.ts";
import type { Log } from "../../shared/base/log.ts";
import { applyRetention, type RetentionRules } from "../../shared/store/retention.ts";
import type { SightingLog } from "../../shared/store/sightings.ts";

/** After the start, and from then on: a log grows slowly. */
const FIRST_AFTER_MS = 10_000;
const EVERY_MS = 3600_000;

/** Keeps the log within its limits until `signal` aborts. What cannot be removed is said, and tried again. */
export async function keepWithinLimits(
  sightings: SightingLog,
  rules: RetentionRules,
  signal: AbortSignal,
  log: Log,
): Promise<void> {
  let said = 0;
  for (let waitMs = FIRST_AFTER_MS; ; waitMs = EVERY_MS) {
    await systemClock.sleep(waitMs, signal);
    if (signal.aborted) return;
    try {
      const { rows, due, removed, refused } = await applyRetention(sightings, rules, Date.now());
      if (removed > 0) {
        const left = due - Math.max(removed, refused);
        const later = left > 0 ? { removedLater: left } : {};
        log.info("old sightings were removed", { removed, kept: rows - removed, ...later });
      }
      // Said once, not every hour.
      if (refused > 0 && refused !== said) {
        log.warn(
          `${refused} of ${rows} sightings are too old: more than half are never removed unasked. See that the clock is right; to remove them: vigia sightings --data DIR --until TIME --remove`,
        );
      }
      said = refused;
    } catch (error) {
      log.warn("old sightings could not be removed", { error });
    }
  }
}
