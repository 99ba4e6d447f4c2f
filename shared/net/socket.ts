import type { Socket } from "bun";
import { AppError } from "../base/errors.ts";
import { formatAddress, plainHost } from "./address.ts";
import { type Certificate, fingerprintOf } from "./certificate.ts";
import { connectCode } from "./connect-code.ts";
import type { Address } from "./connection.ts";

/*
 * TLS streams over `Bun.listen` and `Bun.connect`. What those leave to their caller is all in here (Bun 1.4.4):
 * `write` keeps nothing that it does not take; `end(data)` drops what does not fit; `end()` is close(2) and loses
 * accepted bytes while the peer is still sending; connecting has no time limit; a self-signed certificate is no
 * error, and `connect` resolves before the handshake; a chunk's memory is used again after `data` returns.
 */

/** Gets what happens on a stream. None of these may throw. */
export interface StreamEvents {
  /** The chunk's bytes are good only until this returns. */
  onData(chunk: Uint8Array): void;
  /** The socket has taken bytes from the queue. */
  onTaken(): void;
  /** Once, last. `cause` is absent when the peer ended the stream in order. */
  onClosed(cause: Error | undefined): void;
}

/** Parts of at most this size are joined before they are written: one TLS record instead of many. */
const JOIN_BYTES_MAX = 16 * 1024;

/** A TLS stream: bytes in order, both ways. */
export class Stream {
  readonly remoteAddress: Address;
  readonly #socket: Socket<Stream>;
  #events: StreamEvents | undefined;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #pumpIsDue = false;
  #open = true;
  #isEnding = false;
  #fingerprint: Buffer | undefined;
  #fault: Error | undefined;

  private constructor(socket: Socket<Stream>, ownFingerprint?: Buffer) {
    this.#socket = socket;
    this.#fingerprint = ownFingerprint;
    // Both are missing when the peer has gone already.
    this.remoteAddress = { host: plainHost(socket.remoteAddress ?? "unknown"), port: socket.remotePort ?? 0 };
  }

  /**
   * SHA-256 of the server's certificate as this end sees it: the same at both ends unless somebody sits between.
   * Known before the first `data`.
   */
  get fingerprint(): Buffer {
    if (this.#fingerprint === undefined) throw new AppError("bug", "no certificate before the handshake");
    return this.#fingerprint;
  }

  /** Bytes that the socket has not taken. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /**
   * Queues `bytes`, which the stream owns from now on: it frees large ones as soon as they are sent. What is written in
   * one turn of the event loop goes together.
   */
  write(bytes: Uint8Array): void {
    if (!this.#open || this.#isEnding) return;
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    if (this.#pumpIsDue) return;
    this.#pumpIsDue = true;
    queueMicrotask(() => {
      this.#pumpIsDue = false;
      this.#pump();
    });
  }

  /** Ends the stream once the queue is empty. All of it arrives, as long as the peer has stopped sending. */
  end(): void {
    this.#isEnding = true;
    this.#pump();
  }

  /** Ends the stream now; the peer sees a reset. */
  terminate(): void {
    if (this.#open) this.#socket.terminate();
  }

  #pump(): void {
    const before = this.#queuedBytes;
    while (this.#open && this.#queue.length > 0) {
      const part = this.#joinSmall();
      const taken = this.#socket.write(part);
      if (taken < 0 || !this.#open) break; // `close` has been called, or follows
      this.#queuedBytes -= taken;
      if (taken < part.length) {
        this.#queue[0] = part.subarray(taken);
        break;
      }
      this.#queue.shift();
      free(part);
    }
    if (this.#open && this.#isEnding && this.#queue.length === 0) this.#socket.end();
    else if (this.#queuedBytes < before) this.#events?.onTaken();
  }

  /** Joins small parts at the head of the queue into one, and returns the head. */
  #joinSmall(): Uint8Array {
    let count = 0;
    let size = 0;
    while (count < this.#queue.length && size + this.#queue[count]!.length <= JOIN_BYTES_MAX) {
      size += this.#queue[count++]!.length;
    }
    if (count > 1) this.#queue.splice(0, count, Buffer.concat(this.#queue.slice(0, count), size));
    return this.#queue[0]!;
  }

  /** What Bun calls for every stream, whoever opened it. */
  static handlers(accept: (stream: Stream) => StreamEvents | undefined, ownFingerprint?: Buffer) {
    return {
      binaryType: "uint8array",
      open(socket: Socket<Stream>): void {
        const stream = new Stream(socket, ownFingerprint);
        socket.data = stream;
        socket.setNoDelay(true);
        stream.#events = accept(stream);
        if (stream.#events === undefined) socket.terminate();
      },
      handshake({ data: stream }: Socket<Stream>, _verified: boolean, fault: Error | null): void {
        // A self-signed certificate counts as not verified; a handshake that truly failed is EPROTO.
        if (fault !== null && (fault as NodeJS.ErrnoException).code === "EPROTO") {
          stream.#fault = new AppError("protocol", "the other end does not speak TLS as Vigía does", {
            cause: fault,
          });
        } else if (stream.#fingerprint === undefined) {
          const certificate = stream.#socket.getPeerCertificate();
          if (certificate?.raw) stream.#fingerprint = fingerprintOf(certificate.raw);
        }
        if (stream.#fault !== undefined || stream.#fingerprint === undefined) stream.terminate();
      },
      data({ data: stream }: Socket<Stream>, chunk: Uint8Array): void {
        stream.#events?.onData(chunk);
      },
      drain({ data: stream }: Socket<Stream>): void {
        stream.#pump();
      },
      close({ data: stream }: Socket<Stream>, cause?: Error): void {
        stream.#open = false;
        stream.#queue = [];
        stream.#queuedBytes = 0;
        stream.#events?.onClosed(stream.#fault ?? cause);
      },
      error({ data: stream }: Socket<Stream>, cause: Error): void {
        stream.#fault ??= cause; // `close` follows
      },
    } as const;
  }
}

/**
 * Gives the memory of a large message back at once. The garbage collector would, but late: at full speed a gigabyte
 * waits for it, and fresh pages make sending three times slower.
 */
function free(bytes: Uint8Array): void {
  if (bytes.buffer.byteLength > JOIN_BYTES_MAX) (bytes.buffer as ArrayBuffer).transfer(0);
}

/** An open port. Disposing it stops taking streams; those that are open stay. */
export interface StreamServer extends Disposable {
  readonly address: Address;
}

/**
 * Opens a port. Throws `unavailable` with what to do when it cannot be had.
 *
 * @param accept called for each new stream, before its handshake; without events the stream is dropped
 */
export function listenForStreams(
  { host, port }: Address,
  certificate: Certificate,
  accept: (stream: Stream) => StreamEvents | undefined,
): StreamServer {
  try {
    const server = Bun.listen<Stream>({
      hostname: host,
      port,
      exclusive: true,
      tls: { key: certificate.keyPem, cert: certificate.certificatePem },
      socket: Stream.handlers(accept, certificate.fingerprint),
    });
    return { address: { host, port: server.port }, [Symbol.dispose]: () => server.stop() };
  } catch (cause) {
    throw listenError({ host, port }, cause);
  }
}

function listenError(address: Address, cause: unknown): AppError {
  const where = formatAddress(address);
  switch ((cause as NodeJS.ErrnoException).code) {
    case "EADDRINUSE":
      return new AppError("unavailable", `port ${address.port} is in use (${where})`, {
        hint: "stop the program that has it, or choose another port with --listen HOST:PORT (port 0: any free one)",
      });
    case "EADDRNOTAVAIL":
      return new AppError("unavailable", `${address.host} is no address of this machine`, {
        hint: "listen on 0.0.0.0 for every address of this machine, or on one that it has",
      });
    case "EACCES":
      return new AppError("unavailable", `this user may not open port ${address.port} (${where})`, {
        hint: "choose a port from 1024 up with --listen HOST:PORT",
      });
    default:
      return new AppError("unavailable", `cannot listen on ${where}`, {
        cause,
        hint: "give an address of this machine: 0.0.0.0 for all that it has, 127.0.0.1 for itself alone",
      });
  }
}

/** Why a connection did not come about, in words; `cause` where the words do not say it all. */
export class ConnectFailure extends Error {
  override readonly name = "ConnectFailure";
}

const CONNECT_WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  EHOSTUNREACH: "no machine answers at that address",
  ENETUNREACH: "this machine has no network",
  ENOTFOUND: "no machine of that name",
  EAI_AGAIN: "the name cannot be looked up",
  ECONNRESET: "connection reset",
  ETIMEDOUT: "no answer",
};

/**
 * Connects. Throws `ConnectFailure` in words; gives up after `timeoutMs` or when `signal` aborts.
 */
export async function connectStream(
  { host, port }: Address,
  events: (stream: Stream) => StreamEvents,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<void> {
  let abandoned = false;
  const startedMs = performance.now();
  const opened = Bun.connect<Stream>({
    hostname: host,
    port,
    tls: { rejectUnauthorized: false }, // the peer proves the site key instead
    socket: {
      ...Stream.handlers((stream) => (abandoned ? undefined : events(stream))),
      connectError() {}, // `Bun.connect` rejects with the same
    },
  });
  const gaveUp = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => gaveUp.reject(new ConnectFailure(`no answer within ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  const abort = () => gaveUp.reject(new ConnectFailure("given up"));
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    await Promise.race([opened, gaveUp.promise]);
  } catch (cause) {
    abandoned = true;
    opened.catch(() => {});
    if (cause instanceof ConnectFailure) throw cause;
    const elapsedMs = performance.now() - startedMs;
    const words = CONNECT_WORDS[connectCode(cause, { host, elapsedMs }) ?? ""];
    throw words === undefined ? new ConnectFailure("failed", { cause }) : new ConnectFailure(words);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}
