import { type Clock, systemClock } from "../base/clock.ts";
import { type AppError, errorKind } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { Random } from "../base/random.ts";
import { backoffMs } from "../base/retry.ts";
import type { Connection } from "./connection.ts";

/** A session that lasted so long shows that the link works: the next failure counts as the first. */
const HEALTHY_MS = 10_000;

export interface StayConnectedOptions {
  /** Finds and reaches the peer; called anew for each try, so that the address may change. */
  readonly dial: (signal: AbortSignal) => Promise<Connection>;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly clock?: Clock;
  readonly random?: Random;
}

/**
 * Runs `session` on a live link again and again until `signal` aborts: dials anew, with growing pauses, whenever the
 * link or the dialling fails or the session returns. Errors that no other link would mend are thrown: those of the
 * session that are not about the link, and a refusal before any session (a wrong key or address on the command line).
 */
export async function stayConnected(
  { dial, signal, log, clock = systemClock, random = new Random(Math.random()) }: StayConnectedOptions,
  session: (link: Connection) => Promise<void>,
): Promise<void> {
  let hadSession = false;
  for (let failures = 0; !signal.aborted; ) {
    const startedMs = clock.monotonicMs();
    try {
      await using link = await dial(signal);
      hadSession = true;
      log.info("connected", { peer: link.peer.name, role: link.peer.role });
      await session(link);
      if (!signal.aborted) log.info("the link has ended", { reason: link.closed.reason });
    } catch (error) {
      if (signal.aborted) break;
      const kind = errorKind(error);
      const mendable = kind === "unavailable" || kind === "protocol" || (kind === "refused" && hadSession);
      if (!mendable) throw error;
      log.warn(hadSession ? "no link, trying again" : "not connected yet, trying again", {
        error: error as AppError,
      });
    }
    failures = clock.monotonicMs() - startedMs >= HEALTHY_MS ? 1 : failures + 1;
    await clock.sleep(backoffMs(failures, random), signal);
  }
}
