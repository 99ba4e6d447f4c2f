import type { Socket, TCPSocketListener } from "bun";
import { AppError } from "../base/errors.ts";
import type { FailureKind } from "../base/failure.ts";
import { onAbort } from "../base/wait.ts";

/*
 * Byte streams for RTSP over `Bun.connect` and `Bun.listen`: plain, or TLS for rtsps. As in `shared/net/socket.ts`,
 * what those leave to their caller is in here: `write` keeps nothing that it does not take, connecting has no time
 * limit, a chunk's memory is used again after `data` returns.
 */

export interface ByteEvents {
  /** The chunk's bytes are good only until this returns. Must not throw. */
  data(chunk: Uint8Array): void;
  /** Once, last. `cause` is absent when the peer ended in order. */
  closed(cause: unknown): void;
}

interface SocketState {
  stream: SocketStream | undefined;
}

/** Bytes in order, both ways. */
export interface ByteStream {
  readonly remoteHost: string;
  readonly isOpen: boolean;
  /** Bytes that are not on their way yet. */
  readonly queuedBytes: number;
  /** Tells `events` of what came so far and of all that comes. To be called once. */
  listen(events: ByteEvents): void;
  /** Queues `bytes`, which must not change afterwards. After the end it does nothing. */
  write(bytes: Uint8Array): void;
  /** Ends the stream. What is not on its way is dropped. */
  end(): void;
}

/** A socket of Bun's as a stream. */
class SocketStream implements ByteStream {
  readonly #socket: Socket<SocketState>;
  #events: ByteEvents | undefined;
  /** What came before somebody listened: a server speaks only when spoken to, so it is little. */
  #early: Uint8Array[] = [];
  #endedWith: { readonly cause: unknown } | undefined;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;

  constructor(socket: Socket<SocketState>) {
    this.#socket = socket;
  }

  get remoteHost(): string {
    return this.#socket.remoteAddress.replace(/^::ffff:(?=\d+\.)/i, "");
  }

  get isOpen(): boolean {
    return this.#endedWith === undefined;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  listen(events: ByteEvents): void {
    this.#events = events;
    for (const chunk of this.#early) events.data(chunk);
    this.#early = [];
    if (this.#endedWith !== undefined) events.closed(this.#endedWith.cause);
  }

  write(bytes: Uint8Array): void {
    if (!this.isOpen) return;
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    if (this.#queue.length === 1) this.#pump();
  }

  end(): void {
    if (!this.isOpen) return;
    if (this.#queuedBytes === 0) this.#socket.end();
    else this.#socket.terminate();
  }

  #pump(): void {
    while (this.isOpen && this.#queue.length > 0) {
      const part = this.#queue[0]!;
      const taken = this.#socket.write(part);
      if (taken < 0) return; // closed; `close` follows
      this.#queuedBytes -= taken;
      if (taken < part.length) {
        this.#queue[0] = part.subarray(taken);
        return;
      }
      this.#queue.shift();
    }
  }

  /** What Bun calls. */
  static readonly handlers = {
    binaryType: "uint8array",
    data({ data: { stream } }: Socket<SocketState>, chunk: Uint8Array): void {
      if (stream === undefined) return;
      if (stream.#events === undefined) stream.#early.push(chunk.slice());
      else stream.#events.data(chunk);
    },
    drain({ data: { stream } }: Socket<SocketState>): void {
      if (stream !== undefined) stream.#pump();
    },
    close({ data: { stream } }: Socket<SocketState>, cause?: Error): void {
      if (stream === undefined || stream.#endedWith !== undefined) return;
      stream.#endedWith = { cause };
      stream.#queue = [];
      stream.#queuedBytes = 0;
      stream.#events?.closed(cause);
    },
    error(): void {
      // `close` follows and carries the cause.
    },
  } as const;
}

/**
 * Connects to a camera. Its certificate is not checked: cameras make their own, and digest authentication does not
 * depend on it.
 *
 * @throws {AppError} `unavailable` with the reason; `cancelled` when `signal` aborts
 */
export async function connectBytes(options: {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}): Promise<ByteStream> {
  const { host, port, secure, timeoutMs, signal } = options;
  const state: SocketState = { stream: undefined };
  const { promise, resolve, reject } = Promise.withResolvers<ByteStream>();
  const unavailable = (failure: FailureKind | undefined, why: string, cause?: unknown) =>
    new AppError("unavailable", `no connection to ${host} port ${port}: ${why}`, {
      ...{ cause, failure },
      about: `${host}:${port}`,
    });
  let given = false;
  const ready = (socket: Socket<SocketState>) => {
    // Too late: somebody gave up meanwhile.
    if (given) return void socket.terminate();
    given = true;
    state.stream = new SocketStream(socket);
    resolve(state.stream);
  };
  const giveUp = (error: AppError) => {
    if (given) return;
    given = true;
    reject(error);
    pending?.then((socket) => socket.terminate()).catch(() => {});
  };
  using _abort = onAbort(signal, () => giveUp(new AppError("cancelled", "stopped while connecting")));
  const timer = setTimeout(
    () => giveUp(unavailable("no-answer", `no answer within ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  let pending: Promise<Socket<SocketState>> | undefined;
  try {
    pending = Bun.connect<SocketState>({
      hostname: host,
      port,
      data: state,
      ...(secure ? { tls: { rejectUnauthorized: false, serverName: host } } : {}),
      socket: {
        ...SocketStream.handlers,
        ...(secure ? { handshake: ready } : { open: ready }),
        close(socket, cause) {
          giveUp(unavailable("closed", "it closed the connection", cause));
          SocketStream.handlers.close(socket, cause);
        },
        connectError(_socket, error) {
          giveUp(unavailable(...reasonOf(error), error));
        },
      },
    });
    pending.catch((error: unknown) => giveUp(unavailable(...reasonOf(error), error)));
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

/** Takes connections on a port until disposed. @throws {AppError} `unavailable` when the port cannot be had */
export function listenForBytes(
  host: string,
  port: number,
  accept: (stream: ByteStream) => void,
): Disposable & { readonly port: number } {
  let listener: TCPSocketListener<SocketState>;
  try {
    listener = Bun.listen<SocketState>({
      hostname: host,
      port,
      data: { stream: undefined },
      socket: {
        ...SocketStream.handlers,
        open(socket) {
          const stream = new SocketStream(socket);
          socket.data = { stream };
          accept(stream);
        },
      },
    });
  } catch (cause) {
    throw new AppError("unavailable", `cannot listen for RTSP players on ${host} port ${port}`, {
      cause,
      hint: "another program may have the port; choose one with --rtsp HOST:PORT",
    });
  }
  return { port: listener.port, [Symbol.dispose]: () => listener.stop(true) };
}

function reasonOf(error: unknown): [FailureKind | undefined, words: string] {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === "ECONNREFUSED") return ["nothing-listens", "nothing listens there"];
  if (code === "EHOSTUNREACH" || code === "ENETUNREACH")
    return ["not-reached", "the network does not reach it"];
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return ["unknown-name", "no machine has this name"];
  return [undefined, error instanceof Error ? error.message : String(error)];
}
