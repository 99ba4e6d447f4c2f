import { connect } from "./connect.ts";
import type { Address, Connection, NodeRole } from "./connection.ts";
import { discover } from "./discovery.ts";
import type { Site } from "./site.ts";

/** How long to listen for a node on the network before saying that none was found. */
const DISCOVER_WITHIN_MS = 4000;

/** Whom to reach: at an address, or wherever the network says the site's node of this role is. */
export interface DialTarget {
  readonly role: NodeRole;
  readonly address: Address | undefined;
}

/** A `dial` for `stayConnected`: looks the address up anew each time where none was given. */
export function dialer(
  site: Site,
  role: NodeRole,
  target: DialTarget,
): (signal: AbortSignal) => Promise<Connection> {
  return async (signal) => {
    const address =
      target.address ?? (await discover({ site, role: target.role, signal, timeoutMs: DISCOVER_WITHIN_MS }));
    return connect({ site, role, address, expect: [target.role], signal });
  };
}
