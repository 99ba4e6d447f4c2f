import { AppError, errorLine } from "../base/errors.ts";
import { GREETING_SIZE_BYTES_MAX, MESSAGE_SIZE_BYTES_MAX, TEXT_LENGTH_MAX } from "../base/limits.ts";
import { deferred, expired } from "../base/wait.ts";
import { type MessageKind, messageTag } from "../wire/message.ts";
import { Credit, Goodbye, Heartbeat } from "../wire/messages/greeting.ts";
import { ENVELOPE_BYTES, envelope, MessageSplitter } from "../wire/split.ts";
import { formatAddress } from "./address.ts";
import type { Address, Connection, Peer } from "./connection.ts";
import { Greeting, type GreetingOptions, printable } from "./greeting.ts";
import { Inbox } from "./inbox.ts";
import { Liveness, PACE, type Pace } from "./liveness.ts";
import { Outbox } from "./outbox.ts";
import type { Stream, StreamEvents } from "./socket.ts";

/** From the opening of the socket to the proof of the site key. */
const GREETING_TIMEOUT_MS = 5000;
/** A link that closes gives up what is queued when the peer takes none of it for so long. */
const FLUSH_STALL_MS = 5000;
/** For the peer to read a last message and to end the stream. */
const LINGER_MS = 2000;

export interface LinkOptions extends Omit<GreetingOptions, "fingerprint"> {
  /** Where the peer is. */
  readonly address: Address;
  readonly greetingTimeoutMs?: number | undefined;
  readonly pace?: Pace | undefined;
}

/**
 * One end of a link, from its first byte on: greets, then carries messages. Its states follow each other: greeting;
 * open; closing (what is queued goes out, what comes in is dropped); ended.
 */
export class Link implements Connection {
  readonly #stream: Stream;
  readonly #options: LinkOptions;
  readonly #pace: Pace;
  readonly #greeting: Greeting;
  readonly #splitter = new MessageSplitter(GREETING_SIZE_BYTES_MAX);
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  readonly #liveness: Liveness;
  readonly #established = deferred();
  readonly #streamClosed = deferred();
  readonly #ended = new AbortController();
  #state: "greeting" | "open" | "closing" | "ended" = "greeting";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closing: Promise<void> | undefined;
  #closedHere: AppError | undefined;
  #peer: Peer | undefined;
  /** The peer for people. */
  #who: string;

  constructor(stream: Stream, options: LinkOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#who = options.peerText;
    this.#pace = options.pace ?? PACE;
    this.#greeting = new Greeting({ ...options, fingerprint: () => stream.fingerprint });
    this.#inbox = new Inbox((bytes) => this.#write(Credit.encode({ bytes })));
    this.#outbox = new Outbox(stream);
    this.#liveness = new Liveness(this.#pace, performance.now());
    const timeoutMs = options.greetingTimeoutMs ?? GREETING_TIMEOUT_MS;
    this.#timer = setTimeout(() => {
      this.#end(new AppError("unavailable", `${this.#who}: no greeting within ${timeoutMs} ms`), "now");
    }, timeoutMs);
    this.#write(...this.#greeting.start());
  }

  /** What the stream of this link reports to. */
  readonly events: StreamEvents = {
    onData: (chunk) => this.#onData(chunk),
    onTaken: () => this.#outbox.pump(),
    onClosed: (cause) => this.#onClosed(cause),
  };

  /** Resolves when the peer has proved the site key; rejects when the link ends before that. */
  get established(): Promise<void> {
    return this.#established.promise;
  }

  get peer(): Peer {
    if (this.#peer === undefined) throw new AppError("bug", "no peer before the greeting is done");
    return this.#peer;
  }

  get closed(): AbortSignal {
    return this.#ended.signal;
  }

  get queuedBytes(): number {
    return this.#outbox.queuedBytes;
  }

  get isQuiet(): boolean {
    return this.#state === "open" && this.#liveness.isQuiet;
  }

  async send<T>(kind: MessageKind<T>, value: T): Promise<void> {
    if (this.#state !== "open") throw this.#endedError();
    const message = kind.pack(value);
    const size = message.length - ENVELOPE_BYTES;
    if (size > MESSAGE_SIZE_BYTES_MAX) {
      throw new AppError("bug", `${kind.name} of ${size} B exceeds ${MESSAGE_SIZE_BYTES_MAX} B`);
    }
    await this.#outbox.put(message);
  }

  messages(): AsyncIterableIterator<Buffer> {
    return this.#inbox.messages();
  }

  close(reason = ""): Promise<void> {
    this.#closing ??= this.#close(reason);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #onData(chunk: Uint8Array): void {
    if (this.#state === "ended") return;
    this.#liveness.heard(performance.now());
    try {
      for (const body of this.#splitter.push(chunk)) {
        if (this.#state === "greeting") this.#greet(body);
        else if (this.#receive(body) === "last") return;
      }
    } catch (cause) {
      this.#reject(cause instanceof AppError ? cause : new AppError("bug", "the link failed", { cause }));
    }
  }

  #greet(body: Buffer): void {
    this.#write(...this.#greeting.receive(body));
    const said = this.#greeting.peer;
    if (said === undefined || !this.#greeting.isDone) return;
    const { role, name, nodeId, listenPort } = said;
    const { address } = this.#options;
    const listening = listenPort === 0 ? undefined : { host: address.host, port: listenPort };
    this.#peer = { role, name, nodeId, address, listening };
    this.#who = `${role} "${name}" at ${formatAddress(address)}`;
    this.#state = "open";
    this.#splitter.sizeBytesMax = MESSAGE_SIZE_BYTES_MAX;
    clearTimeout(this.#timer);
    this.#timer = setInterval(() => this.#beat(), this.#pace.heartbeatMs);
    this.#established.resolve();
  }

  #receive(body: Buffer): "last" | undefined {
    switch (messageTag(body)) {
      case Heartbeat.tag:
        Heartbeat.decode(body);
        return undefined;
      case Credit.tag:
        this.#outbox.credit(Credit.decode(body).bytes);
        return undefined;
      case Goodbye.tag: {
        const reason = printable(Goodbye.decode(body).reason);
        const error = new AppError("unavailable", `${this.#who} ended the link${reason && `: ${reason}`}`);
        this.#inbox.end();
        this.#end(error, "flushed");
        return "last";
      }
      default:
        if (this.#state === "open") this.#inbox.put(body);
        return undefined;
    }
  }

  #beat(): void {
    if (!this.#liveness.beat(performance.now())) {
      const seconds = (this.#liveness.deadlineMs / 1000).toFixed(1);
      this.#end(new AppError("unavailable", `${this.#who} has been silent for ${seconds} s`), "now");
    } else if (this.#stream.queuedBytes === 0) {
      this.#write(Heartbeat.encode({}));
    }
  }

  /** The peer broke the rules, or is not one that we want. It is told why, as far as it may know. */
  #reject(error: AppError): void {
    const { refusal } = this.#greeting;
    const last =
      this.#state === "greeting"
        ? refusal
        : Goodbye.encode({ reason: errorLine(error).slice(0, TEXT_LENGTH_MAX / 4) });
    if (last !== undefined) this.#write(last);
    this.#end(error, last === undefined ? "now" : "flushed");
  }

  #onClosed(cause: Error | undefined): void {
    this.#streamClosed.resolve();
    const what =
      this.#state === "greeting"
        ? `${this.#who} closed the link during the greeting`
        : `the link to ${this.#who} is lost`;
    this.#end(cause instanceof AppError ? cause : new AppError("unavailable", what, { cause }), "now");
  }

  async #close(reason: string): Promise<void> {
    const because = reason && `: ${reason}`;
    this.#closedHere = new AppError("cancelled", `the link to ${this.#who} was closed${because}`);
    if (this.#state === "open") {
      this.#state = "closing";
      this.#inbox.clear();
      await this.#flush();
      this.#write(Goodbye.encode({ reason: reason.slice(0, TEXT_LENGTH_MAX / 4) }));
      // The peer ends the stream when it has read that far.
      await expired(this.#streamClosed.promise, LINGER_MS);
    }
    this.#end(this.#closedHere, "flushed");
    if (await expired(this.#streamClosed.promise, LINGER_MS)) this.#stream.terminate();
  }

  /** Waits until the socket has all that is queued, or takes nothing for too long, or the link ends. */
  async #flush(): Promise<void> {
    let before: number;
    const flushed = this.#outbox.flushed().catch(() => {});
    do {
      before = this.queuedBytes;
    } while ((await expired(flushed, FLUSH_STALL_MS)) && this.queuedBytes < before);
  }

  /** @param how whether what is written still goes out */
  #end(why: AppError, how: "flushed" | "now"): void {
    if (this.#state === "ended") return;
    const error = this.#closedHere ?? why;
    this.#state = "ended";
    clearTimeout(this.#timer);
    if (how === "now") this.#stream.terminate();
    else {
      this.#stream.end();
      const linger = setTimeout(() => this.#stream.terminate(), LINGER_MS);
      void this.#streamClosed.promise.then(() => clearTimeout(linger));
    }
    this.#ended.abort(error);
    this.#inbox.end(error);
    this.#outbox.fail(this.#endedError());
    this.#established.reject(error);
  }

  /** What a sender gets. */
  #endedError(): AppError {
    const cause = this.closed.reason ?? this.#closedHere;
    return new AppError("unavailable", `the link to ${this.#who} has ended`, { cause });
  }

  /** Past the queue and the window: greetings and what keeps the link going. */
  #write(...messages: readonly Buffer[]): void {
    for (const message of messages) this.#stream.write(envelope(message));
  }
}
