import { NAME_LENGTH_MAX } from "../../base/limits.ts";
import { bytes, list, oneOf, text, u16 } from "../codec.ts";
import { defineMessage } from "../message.ts";
import { NODE_ROLES } from "./greeting.ts";

/** Finding each other on the LAN: datagrams, each followed by a MAC with the site key. Tags 0x08 to 0x0f. */

/** Is anybody there who plays one of these parts? To the multicast group. */
export const WhoIsThere = defineMessage(0x08, "WhoIsThere", {
  roles: list(oneOf(...NODE_ROLES), NODE_ROLES.length),
  /** 16 random bytes; the answer repeats them, so an old answer is good for nothing. */
  nonce: bytes(16),
});

/** I am. To whoever asked. */
export const HereIAm = defineMessage(0x09, "HereIAm", {
  nonce: bytes(16),
  role: oneOf(...NODE_ROLES),
  name: text(NAME_LENGTH_MAX),
  nodeId: text(16),
  /** Where it takes links; no host means the address that this datagram comes from. */
  host: text(255),
  port: u16,
});
