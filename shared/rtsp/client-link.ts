import { AppError } from "../base/errors.ts";
import { type Deferred, deferred } from "../base/wait.ts";
import { Authenticator } from "./auth.ts";
import { formatMessage, type RtspRequest, type RtspResponse } from "./message.ts";
import type { ByteStream } from "./socket.ts";
import { type RtspItem, RtspSplitter } from "./splitter.ts";
import type { RtspUrl } from "./url.ts";

/** Some cameras refuse whoever does not say who they are. */
const USER_AGENT = "Vigia/1.0";

/** The camera does not send this way (461): the other way is to be tried, from the beginning. */
export class TransportRefused extends AppError {
  constructor(said: string) {
    super("unavailable", said, { hint: "it sends neither by TCP nor by UDP as asked" });
  }
}

/** The stream is at another address (RFC 2326 section 11.3). */
export class Moved extends AppError {
  readonly location: string;

  constructor(said: string, location: string) {
    super("unavailable", said, { failure: "other-answer", about: location });
    this.location = location;
  }
}

export interface ClientLinkEvents {
  /** A packet between messages; also such that nobody set up. */
  interleaved(channel: number, data: Buffer): void;
  /** Bytes were passed over: packets are missing. */
  resynced(): void;
}

/**
 * The client's end of an RTSP connection: requests with their answers, each authenticated as the camera wants it,
 * while packets come in between.
 */
export class RtspClientLink {
  readonly #stream: ByteStream;
  readonly #url: RtspUrl;
  readonly #auth: Authenticator | undefined;
  readonly #splitter: RtspSplitter;
  readonly #events: ClientLinkEvents;
  readonly #timeoutMs: number;
  readonly #waiting = new Map<number, Deferred<RtspResponse>>();
  readonly #ended = deferred<void>();
  #sequence = 0;
  #failure: AppError | undefined;
  /** The session, once there is one; sent with each request. */
  session: string | undefined;
  /** Channels that were set up, for finding the place in a damaged stream. */
  readonly channels = new Set<number>();

  constructor(stream: ByteStream, url: RtspUrl, timeoutMs: number, events: ClientLinkEvents) {
    this.#stream = stream;
    this.#url = url;
    this.#events = events;
    this.#timeoutMs = timeoutMs;
    this.#auth =
      url.user === undefined ? undefined : new Authenticator({ user: url.user, password: url.password });
    this.#splitter = new RtspSplitter((channel) => this.channels.has(channel));
    stream.listen({
      data: (chunk) => this.#read(chunk),
      closed: (cause) =>
        this.fail(
          new AppError("unavailable", "the camera closed the connection", { cause, failure: "closed" }),
        ),
    });
  }

  /** Rejects with the reason when the connection ends, whoever ended it. Never resolves. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get remoteHost(): string {
    return this.#stream.remoteHost;
  }

  /** Ends the connection with a reason for everybody who waits. */
  fail(error: AppError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#stream.end();
    for (const waiter of this.#waiting.values()) waiter.reject(error);
    this.#waiting.clear();
    this.#ended.reject(error);
  }

  /**
   * Sends a request and resolves with its answer when that is a success.
   *
   * @throws {AppError} `refused` for a wrong password and for what the camera does not give; `unavailable` when it is
   *   busy or does not answer
   */
  async request(
    method: string,
    uri: string,
    fields: readonly (readonly [string, string])[] = [],
  ): Promise<RtspResponse> {
    // Twice is enough for a nonce that ran out and another scheme.
    for (let tries = 0; tries < 4; tries++) {
      const response = await this.#exchange(method, uri, fields);
      if (response.status !== 401) return this.#checked(method, response);
      const again = this.#auth?.challenged(response.headers.all("www-authenticate")) ?? false;
      if (!again) throw this.#unauthorized();
    }
    throw this.#unauthorized();
  }

  /** Sends bytes between messages. */
  sendInterleaved(channel: number, data: Buffer): void {
    const head = Buffer.from([0x24, channel, data.length >> 8, data.length & 0xff]);
    this.#stream.write(Buffer.concat([head, data]));
  }

  async #exchange(
    method: string,
    uri: string,
    fields: readonly (readonly [string, string])[],
  ): Promise<RtspResponse> {
    if (this.#failure !== undefined) throw this.#failure;
    const sequence = ++this.#sequence;
    const waiter = deferred<RtspResponse>();
    this.#waiting.set(sequence, waiter);
    const authorization = this.#auth?.authorization(method, uri);
    this.#stream.write(
      formatMessage(`${method} ${uri} RTSP/1.0`, [
        ["CSeq", sequence],
        ["User-Agent", USER_AGENT],
        ...(authorization === undefined ? [] : [["Authorization", authorization] as const]),
        ...(this.session === undefined ? [] : [["Session", this.session] as const]),
        ...fields,
      ]),
    );
    const timer = setTimeout(
      () =>
        waiter.reject(
          new AppError(
            "unavailable",
            `the camera did not answer ${method} within ${this.#timeoutMs / 1000} s`,
            {
              failure: "no-answer",
              about: method,
            },
          ),
        ),
      this.#timeoutMs,
    );
    try {
      return await waiter.promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(sequence);
    }
  }

  #read(chunk: Uint8Array): void {
    if (this.#failure !== undefined) return;
    try {
      for (const item of this.#splitter.push(chunk)) this.#take(item);
    } catch (error) {
      this.fail(
        error instanceof AppError ? error : new AppError("bug", "reading RTSP failed", { cause: error }),
      );
    }
  }

  #take(item: RtspItem): void {
    if (item.kind === "interleaved") this.#events.interleaved(item.channel, item.data);
    if (item.kind === "resynced") this.#events.resynced();
    if (item.kind === "request") this.#answer(item);
    if (item.kind !== "response") return;
    const sequence = Number(item.headers.get("cseq"));
    // A camera that leaves the number out answers in order.
    const key = this.#waiting.has(sequence)
      ? sequence
      : item.headers.get("cseq") === undefined
        ? firstOf(this.#waiting)
        : undefined;
    if (key !== undefined) this.#waiting.get(key)!.resolve(item);
  }

  /** Some cameras ask back, to see whether somebody is there. */
  #answer({ method, headers }: RtspRequest): void {
    const known = ["OPTIONS", "GET_PARAMETER", "SET_PARAMETER"].includes(method);
    this.#stream.write(
      formatMessage(known ? "RTSP/1.0 200 OK" : "RTSP/1.0 501 Not Implemented", [
        ["CSeq", headers.get("cseq") ?? "0"],
        ...(method === "OPTIONS" ? [["Public", "OPTIONS, GET_PARAMETER"] as const] : []),
      ]),
    );
  }

  #checked(method: string, response: RtspResponse): RtspResponse {
    const { status, reason } = response;
    if (status >= 200 && status < 300) return response;
    const said = `the camera answers ${method} with ${status}${reason === "" ? "" : ` ${reason}`}`;
    if (status === 403) {
      throw new AppError("refused", said, {
        hint: "this user may not see the stream: allow it in the camera's settings",
        failure: "not-allowed",
      });
    }
    if (status === 404) {
      throw new AppError("refused", said, {
        hint: "the path of the address is wrong; the camera's manual gives it",
        failure: "no-such-path",
      });
    }
    if (status === 453 || status === 503) {
      throw new AppError("unavailable", said, {
        hint: "it may serve no more viewers; close another one",
        failure: "busy",
      });
    }
    if (status === 461) throw new TransportRefused(said);
    const location = response.headers.get("location");
    if (status >= 300 && status < 400 && location !== undefined) throw new Moved(said, location);
    throw new AppError("unavailable", said, {
      failure: "other-answer",
      about: `${method}: ${status} ${reason}`,
    });
  }

  #unauthorized(): AppError {
    const { user } = this.#url;
    if (user === undefined) {
      return new AppError("refused", "the camera wants a user and a password", {
        hint: "put them into its address: rtsp://USER:PASSWORD@HOST/PATH",
        failure: "password-wanted",
      });
    }
    return new AppError("refused", `the camera does not accept the password of ${user}`, {
      hint: "check user and password; special characters in them are written as %40 for @, %3A for :, %25 for %",
      failure: "password-wrong",
      about: user,
    });
  }
}

function firstOf(waiting: ReadonlyMap<number, unknown>): number | undefined {
  return waiting.keys().next().value;
}
