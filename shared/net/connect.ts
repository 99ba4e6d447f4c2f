import { AppError } from "../base/errors.ts";
import { onAbort } from "../base/wait.ts";
import { formatAddress } from "./address.ts";
import type { Address, Connection, NodeRole } from "./connection.ts";
import { Link } from "./link.ts";
import type { Pace } from "./liveness.ts";
import type { Site } from "./site.ts";
import { ConnectFailure, connectStream } from "./socket.ts";

const CONNECT_TIMEOUT_MS = 5000;

export interface ConnectOptions {
  readonly site: Site;
  /** The part this process plays. */
  readonly role: NodeRole;
  readonly address: Address;
  /** The parts that the other end may play. */
  readonly expect: readonly NodeRole[];
  /** Gives up; later, closes the link. */
  readonly signal: AbortSignal;
  /** For the socket, and again for the greeting; 5 s each without it. */
  readonly timeoutMs?: number | undefined;
  /** Where this process takes links of its own, if it does: told to the peer. */
  readonly listenPort?: number | undefined;
  readonly pace?: Pace | undefined;
}

/**
 * Connects to a node and greets it. Throws `unavailable` when nobody answers, `refused` when the peer is another
 * site's, another version or plays another part, `protocol` when it is not Vigía, `cancelled` when `signal` aborts.
 */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const { site, role, address, expect, signal, pace } = options;
  const peerText = `${expect.join(" or ")} ${formatAddress(address)}`;
  let link: Link | undefined;
  try {
    await connectStream(
      address,
      (stream) => {
        link = new Link(stream, {
          side: "client",
          site,
          role,
          wanted: expect,
          listenPort: options.listenPort ?? 0,
          peerText,
          address,
          greetingTimeoutMs: options.timeoutMs,
          pace,
        });
        return link.events;
      },
      { timeoutMs: options.timeoutMs ?? CONNECT_TIMEOUT_MS, signal },
    );
  } catch (cause) {
    void link?.close(); // it opened while we gave up
    if (signal.aborted) throw new AppError("cancelled", `connecting to ${peerText} was given up`);
    if (!(cause instanceof ConnectFailure)) throw cause;
    throw new AppError("unavailable", `cannot reach ${peerText}: ${cause.message}`, {
      cause: cause.cause,
      hint: `is it running (vigia --role ${expect[0]}), is the address right, does a firewall stand between?`,
    });
  }
  if (link === undefined) throw new AppError("bug", "the socket opened without a link");
  return await untilEstablished(link, signal);
}

async function untilEstablished(link: Link, signal: AbortSignal): Promise<Link> {
  const abort = onAbort(signal, () => void link.close("stopping"));
  link.closed.addEventListener("abort", () => abort[Symbol.dispose](), { once: true });
  await link.established;
  return link;
}
