import type { Socket } from "bun";
import { MESSAGE_SIZE_BYTES_MAX } from "../../../shared/base/limits.ts";
import { fingerprintOf } from "../../../shared/net/certificate.ts";
import type { Address } from "../../../shared/net/connection.ts";
import { Greeting } from "../../../shared/net/greeting.ts";
import { siteOf } from "../../../shared/net/site.ts";
import { messageTag } from "../../../shared/wire/message.ts";
import { Goodbye } from "../../../shared/wire/messages/greeting.ts";
import { envelope, MessageSplitter } from "../../../shared/wire/split.ts";
import { KEY } from "./support.ts";

/** A peer that sends what a test wants it to send, by the rules or against them. */
export class RawPeer implements Disposable {
  readonly #socket: Socket;
  readonly #closed: Promise<void>;

  private constructor(socket: Socket, closed: Promise<void>) {
    this.#socket = socket;
    this.#closed = closed;
  }

  /** @param greet proves the site key first, as a worker would */
  static async to(address: Address, { greet = false, tls = true } = {}): Promise<RawPeer> {
    const ready = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    const splitter = new MessageSplitter(MESSAGE_SIZE_BYTES_MAX);
    let greeting: Greeting | undefined;
    const socket = await Bun.connect({
      hostname: address.host,
      port: address.port,
      ...(tls && { tls: { rejectUnauthorized: false } }),
      socket: {
        handshake(socket) {
          const { raw } = socket.getPeerCertificate();
          greeting = new Greeting({
            side: "client",
            site: siteOf(KEY, "raw"),
            role: "worker",
            wanted: ["trainer"],
            listenPort: 0,
            fingerprint: () => fingerprintOf(raw),
            peerText: "server",
          });
          if (greet) for (const body of greeting.start()) socket.write(envelope(body));
          else ready.resolve();
        },
        open() {
          if (!tls) ready.resolve();
        },
        data(socket, chunk) {
          for (const body of splitter.push(chunk)) {
            if (messageTag(body) === Goodbye.tag) socket.end();
            if (!greet || greeting === undefined || greeting.isDone) continue;
            for (const answer of greeting.receive(body)) socket.write(envelope(answer));
            if (greeting.isDone) ready.resolve();
          }
        },
        close() {
          closed.resolve();
          ready.resolve(); // let go before it was: whoever waits sees it closed
        },
        error() {},
      },
    });
    await ready.promise;
    return new RawPeer(socket, closed.promise);
  }

  /** The bytes that the socket took; -1 when it is closed. */
  write(bytes: Uint8Array): number {
    return this.#socket.write(bytes);
  }

  /** Resolves when the other end has ended the connection. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }
}
