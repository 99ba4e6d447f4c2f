import { type Clock, systemClock } from "../base/clock.ts";
import { AppError, errorKind, errorLine } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { Random } from "../base/random.ts";
import { backoffMs } from "../base/retry.ts";
import type { Connection } from "./connection.ts";

/** A session that lasted so long shows that the link works: the next failure counts as the first. */
const HEALTHY_MS = 10_000;

export interface StayConnectedOptions {
  /** Finds and reaches the peer; called anew for each try, so that the address may change. */
  readonly dial: (signal: AbortSignal, log: Log) => Promise<Connection>;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly clock?: Clock;
  /** Spreads the pauses, so that the peers of one lost server do not come back in step. */
  readonly random?: Random;
}

/**
 * Runs `session` on a live link, again and again until `signal` aborts: dials anew, after growing pauses, when
 * dialling fails, the link breaks or the session returns. Throws what no other link would mend: errors of the session
 * that are not about the link, and a refusal before there was any session (a wrong key or address on the command line).
 */
export async function stayConnected(
  { dial, signal, log, clock = systemClock, random = new Random(Math.random()) }: StayConnectedOptions,
  session: (link: Connection) => Promise<void>,
): Promise<void> {
  let hadSession = false;
  let toldLine: string | undefined;
  for (let failures = 0; !signal.aborted; ) {
    const startedMs = clock.monotonicMs();
    try {
      await using link = await dial(signal, log);
      hadSession = true;
      toldLine = undefined;
      log.info("connected", { peer: link.peer.name, role: link.peer.role });
      await session(link);
      if (!signal.aborted) log.info("the link has ended, trying again", { reason: link.closed.reason });
    } catch (error) {
      if (signal.aborted) break;
      const kind = errorKind(error);
      const isMendable = kind === "unavailable" || kind === "protocol" || (kind === "refused" && hadSession);
      if (!isMendable) throw error;
      const line = errorLine(error);
      const hint = error instanceof AppError ? error.hint : undefined;
      if (line === toldLine) log.debug("still no link", { error });
      else log.warn("no link, trying again", { error, hint });
      toldLine = line;
    }
    failures = clock.monotonicMs() - startedMs >= HEALTHY_MS ? 1 : failures + 1;
    await clock.sleep(backoffMs(failures, random), signal);
  }
}
