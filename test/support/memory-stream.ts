import type { ByteEvents, ByteStream } from "../../shared/rtsp/socket.ts";

/** One end of a connection without a network: the other end is whoever holds it. */
export class MemoryStream implements ByteStream {
  readonly remoteHost = "127.0.0.1";
  readonly queuedBytes = 0;
  #events: ByteEvents | undefined;
  #isOpen = true;
  /** What this end has written, until somebody takes it. */
  #written: Uint8Array[] = [];

  get isOpen(): boolean {
    return this.#isOpen;
  }

  listen(events: ByteEvents): void {
    this.#events = events;
  }

  write(bytes: Uint8Array): void {
    if (this.#isOpen) this.#written.push(bytes);
  }

  /** As of a socket, its end is told later. */
  end(): void {
    queueMicrotask(() => this.hangUp());
  }

  /** This end gets a chunk whose memory holds something else afterwards, as a socket's does. */
  hear(chunk: Uint8Array): void {
    if (!this.#isOpen) return;
    const lent = Buffer.from(chunk);
    this.#events?.data(lent);
    lent.fill(0xa5);
  }

  /** The other end is gone. */
  hangUp(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#events?.closed(undefined);
  }

  takeWritten(): Buffer {
    const written = Buffer.concat(this.#written);
    this.#written = [];
    return written;
  }
}

/** Lets everything happen that needs no more bytes and no time. */
export function allSaid(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
