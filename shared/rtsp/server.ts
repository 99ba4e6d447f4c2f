import type { Log } from "../base/log.ts";
import { type Credentials, DigestGuard } from "./auth.ts";
import type { Publication } from "./publication.ts";
import { ServerConnection } from "./server-connection.ts";
import { type ByteStream, listenForBytes } from "./socket.ts";

export interface RtspServerOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** Streams by the first part of their path. */
  readonly streams: ReadonlyMap<string, Publication>;
  /** What players on other machines must know; those on this machine need nothing. */
  readonly viewer: Credentials;
  /** Asks players on this machine too; for tests. */
  readonly guardLoopback?: boolean;
  readonly log: Log;
}

const CONNECTION_COUNT_MAX = 200;

/** Serves streams to RTSP players (RFC 2326): any number of them, over this connection or by UDP. */
export class RtspServer implements Disposable {
  readonly #options: RtspServerOptions;
  readonly #listener: Disposable & { readonly port: number };
  readonly #connections = new Set<ServerConnection>();
  readonly #sweep: ReturnType<typeof setInterval>;

  /** @throws {AppError} `unavailable` when the port cannot be had */
  constructor(options: RtspServerOptions) {
    this.#options = options;
    this.#listener = listenForBytes(options.host, options.port, (stream) => this.#accept(stream));
    this.#sweep = setInterval(() => {
      for (const connection of this.#connections) connection.checkAlive();
    }, 1000);
  }

  get port(): number {
    return this.#listener.port;
  }

  get playerCount(): number {
    return [...this.#connections].filter((connection) => connection.isPlaying).length;
  }

  #accept(stream: ByteStream): void {
    if (this.#connections.size >= CONNECTION_COUNT_MAX) {
      stream.end();
      return;
    }
    const { streams, viewer, log, guardLoopback } = this.#options;
    const isNear = /^(127\.|::1$)/.test(stream.remoteHost);
    const isOpen = isNear && guardLoopback !== true;
    // A nonce for each connection: an answer that somebody overheard opens no other one.
    const guard = isOpen ? undefined : new DigestGuard("vigia", viewer);
    const connection = new ServerConnection(stream, { streams, guard, log });
    this.#connections.add(connection);
    void connection.closed.finally(() => this.#connections.delete(connection));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#sweep);
    for (const connection of this.#connections) connection.close();
    this.#listener[Symbol.dispose]();
  }
}
