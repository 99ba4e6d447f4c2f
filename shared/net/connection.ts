import type { MessageKind } from "../wire/message.ts";

/** The part a process plays on a link. `client` is a command such as `submit`. */
export type NodeRole = "trainer" | "worker" | "video" | "tester" | "watcher" | "client";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What the greeting established about the other end. */
export interface Peer {
  readonly role: NodeRole;
  /** A name for people, chosen by the peer (its host name by default); not unique. */
  readonly name: string;
  /** Random, 16 hex digits, new at every start of the peer's process. */
  readonly nodeId: string;
  readonly address: Address;
  /** Where the peer takes links of its own, as seen from here; `undefined` when it takes none. */
  readonly listening: Address | undefined;
}

/**
 * A link to a peer that has proved the site key. It carries whole messages, in order, both ways.
 */
export interface Connection extends AsyncDisposable {
  readonly peer: Peer;
  /** Aborts when the link has ended, for whatever reason; the reason is an `AppError`. */
  readonly closed: AbortSignal;
  /**
   * Queues a message and resolves once the queue is below its bound: awaiting it is the back-pressure. Rejects with
   * `unavailable` when the link ends first.
   */
  send<T>(kind: MessageKind<T>, value: T): Promise<void>;
  /** Bytes queued here that the socket has not taken. */
  readonly queuedBytes: number;
  /** Whether nothing has come from the peer for longer than usual: it may be frozen, or the way to it broken. */
  readonly isQuiet: boolean;
  /**
   * Whole messages, tag included, in order of arrival. To be called once. Ends when the peer ends the link; throws
   * the reason when it broke. While the reader is busy the peer is held back.
   */
  messages(): AsyncIterableIterator<Buffer>;
  /** Sends what is queued, tells the peer why, and ends the link. Never throws. */
  close(reason?: string): Promise<void>;
}
