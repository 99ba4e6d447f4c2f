import { NAME_LENGTH_MAX } from "../../base/limits.ts";
import { bytes, oneOf, text, u16, u32, type ValueOf } from "../codec.ts";
import { defineMessage } from "../message.ts";
import { words } from "./parts.ts";

/** Both ends of every link: who is there, proof of the site key, and keeping the link alive. Tags 0x01 to 0x07. */

export const NODE_ROLES = ["trainer", "worker", "video", "tester", "watcher", "client"] as const;

/** First from both sides. Its layout stays the same in every version, so that any two can name each other. */
export const Hello = defineMessage(0x01, "Hello", {
  /** Always `vigia`. */
  program: text(16),
  version: text(32),
});

/** Second from both sides. */
export const Introduction = defineMessage(0x02, "Introduction", {
  role: oneOf(...NODE_ROLES),
  /** For people; the host's name by default. */
  name: text(NAME_LENGTH_MAX),
  /** 16 hex digits, new at every start of a process. */
  nodeId: text(16),
  /** 32 random bytes, new for every link. */
  nonce: bytes(32),
  /** Where this process takes links of its own, on the address it connects from; 0 when it takes none. */
  listenPort: u16,
});
export type IntroductionMessage = ReturnType<typeof Introduction.decode>;

/** Third: HMAC-SHA256 with the site key over everything before it; the client's first, then the server's. */
export const Proof = defineMessage(0x03, "Proof", { mac: bytes(32) });

const refusalReason = oneOf("version", "role", "key");
export type RefusalReason = ValueOf<typeof refusalReason>;

/** Instead of any of the above: why not. The link ends. Its layout, too, stays the same in every version. */
export const Refusal = defineMessage(0x04, "Refusal", {
  reason: refusalReason,
  /** The sender's version. */
  version: text(32),
});

/** Sent whenever there is nothing else to send for a while: the peer is there. */
export const Heartbeat = defineMessage(0x05, "Heartbeat", {});

/** The receiver's role has drawn messages: the sender may send so many bytes more. See the README. */
export const Credit = defineMessage(0x06, "Credit", { bytes: u32 });

/** Last: no message follows. The receiver ends the link. */
export const Goodbye = defineMessage(0x07, "Goodbye", { reason: words });
