import type { Log } from "../base/log.ts";
import { connect } from "./connect.ts";
import type { Address, Connection, NodeRole } from "./connection.ts";
import { discover } from "./discovery.ts";
import type { Pace } from "./liveness.ts";
import type { Site } from "./site.ts";

/** Whom to reach: at an address, or wherever the site's node of this role answers. */
export interface DialTarget {
  readonly role: NodeRole;
  readonly address: Address | undefined;
}

/**
 * A `dial` for `stayConnected`. Where no address was given it looks for the node anew each time, for as long as it
 * takes, since a node may come back at another address.
 *
 * @param listenPort where this process takes links of its own, if it does
 */
export function dialer(
  site: Site,
  role: NodeRole,
  target: DialTarget,
  listenPort?: number,
  pace?: Pace,
): (signal: AbortSignal, log: Log) => Promise<Connection> {
  return async (signal, log) => {
    const address = target.address ?? (await discover({ site, role: target.role, signal, log }));
    return connect({ site, role, address, expect: [target.role], signal, listenPort, pace });
  };
}
