import { networkInterfaces } from "node:os";
import { isLoopback } from "./address.ts";

/**
 * A machine that is there refuses at once, or a second later where the first packet was lost. Of one that is not, the
 * system asks for the hardware address three times, a second each.
 */
const REFUSED_WITHIN_MS = 2500;

/**
 * The system's code of a connection that did not come about. Bun 1.4.4 calls every failure ECONNREFUSED: what took
 * longer than a refusal, or happened without a network, is told from it here.
 *
 * @param elapsedMs from the call to the failure
 * @param hasNetwork whether this machine has an address that others could reach
 */
export function connectCode(
  error: unknown,
  { host, elapsedMs, hasNetwork = isOnline() }: { host: string; elapsedMs: number; hasNetwork?: boolean },
): string | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code !== "ECONNREFUSED" || isLoopback(host)) return code;
  if (!hasNetwork) return "ENETUNREACH";
  return elapsedMs > REFUSED_WITHIN_MS ? "EHOSTUNREACH" : code;
}

function isOnline(): boolean {
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ internal }) => !internal));
}
