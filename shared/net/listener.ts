import { AppError, errorLine } from "../base/errors.ts";
import { UNPROVED_LINK_COUNT_MAX } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { onAbort } from "../base/wait.ts";
import { formatAddress } from "./address.ts";
import type { Address, Connection, NodeRole } from "./connection.ts";
import { Link } from "./link.ts";
import type { Pace } from "./liveness.ts";
import type { Site } from "./site.ts";
import { listenForStreams, type Stream, type StreamEvents } from "./socket.ts";

export interface ListenOptions {
  readonly site: Site;
  /** The part this process plays. */
  readonly role: NodeRole;
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** The parts that peers may play. */
  readonly accept: readonly NodeRole[];
  /** Closes the listener and its links. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /**
   * Called with each link whose peer has proved the site key. The link stays open when this returns; when it throws,
   * the link is closed with the reason.
   */
  readonly onConnection: (link: Connection) => void | Promise<void>;
  readonly greetingTimeoutMs?: number | undefined;
  readonly pace?: Pace | undefined;
}

/** An open port that takes links. Disposing it closes the port and the links that came through it. */
export interface Listener extends AsyncDisposable {
  /** With the port that was chosen. */
  readonly address: Address;
}

/** Opens a port for links. Throws `unavailable` with what to do when the port cannot be had. */
export async function listen(options: ListenOptions): Promise<Listener> {
  return new LinkListener(options);
}

class LinkListener implements Listener {
  readonly address: Address;
  readonly #options: ListenOptions;
  readonly #server: Disposable;
  readonly #abort: Disposable;
  readonly #links = new Set<Link>();
  #unproved = 0;
  #isFull = false;

  constructor(options: ListenOptions) {
    this.#options = options;
    const { host, port, site } = options;
    const server = listenForStreams({ host, port }, site.certificate(), (stream) => this.#accept(stream));
    this.#server = server;
    this.address = server.address;
    this.#abort = onAbort(options.signal, () => void this[Symbol.asyncDispose]());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort[Symbol.dispose]();
    this.#server[Symbol.dispose]();
    await Promise.all([...this.#links].map((link) => link.close("stopping")));
  }

  #accept(stream: Stream): StreamEvents | undefined {
    const { site, role, accept, log, greetingTimeoutMs, pace } = this.#options;
    if (this.#unproved >= UNPROVED_LINK_COUNT_MAX) {
      if (!this.#isFull) log.warn("too many links at once that have not greeted; new ones are dropped");
      this.#isFull = true;
      return undefined;
    }
    const address = stream.remoteAddress;
    const link = new Link(stream, {
      side: "server",
      site,
      role,
      wanted: accept,
      listenPort: this.address.port,
      peerText: formatAddress(address),
      address,
      greetingTimeoutMs,
      pace,
    });
    this.#unproved++;
    this.#links.add(link);
    link.closed.addEventListener("abort", () => this.#links.delete(link), { once: true });
    void this.#serve(link);
    return link.events;
  }

  async #serve(link: Link): Promise<void> {
    const { log, onConnection } = this.#options;
    try {
      await link.established;
    } catch (error) {
      log.warn("a link did not come about", { error });
      return;
    } finally {
      this.#unproved--;
      this.#isFull = false;
    }
    try {
      await onConnection(link);
    } catch (error) {
      if (!link.closed.aborted) {
        const { name, role } = link.peer;
        const words = `closing the link to ${role} "${name}"`;
        if (error instanceof AppError && error.kind !== "bug") log.warn(words, { error });
        else log.error(words, { error: error instanceof Error ? (error.stack ?? error) : error });
      }
      await link.close(errorLine(error));
    }
  }
}
