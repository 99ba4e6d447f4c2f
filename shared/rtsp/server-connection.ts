import { randomBytes } from "node:crypto";
import { AppError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { within } from "../base/wait.ts";
import type { DigestGuard } from "./auth.ts";
import { formatMessage, type RtspRequest, STATUS_WORDS } from "./message.ts";
import { interleavedTransport, Player, type PlayerTransport, udpTransport } from "./player.ts";
import type { Publication } from "./publication.ts";
import { formatSdp, STREAM_CONTROL } from "./sdp.ts";
import type { ByteStream } from "./socket.ts";
import { RtspSplitter } from "./splitter.ts";
import { parseTransports, type Transport } from "./transport.ts";
import { openPortPair } from "./udp.ts";

const SESSION_TIMEOUT_S = 60;
/** A camera that was not reached yet may be in a moment. */
const FORMAT_WAIT_MS = 6000;
const METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER, SET_PARAMETER";

type Field = readonly [string, string];
interface Answer {
  readonly status: number;
  readonly fields?: readonly Field[];
  readonly body?: string;
}

/** What a connection serves, and to whom. */
export interface ConnectionParts {
  readonly streams: ReadonlyMap<string, Publication>;
  /** Absent where the player need not say who it is. */
  readonly guard: DigestGuard | undefined;
  readonly log: Log;
}

/** One player's connection: at most one session on it. */
export class ServerConnection {
  readonly #stream: ByteStream;
  readonly #parts: ConnectionParts;
  readonly #splitter = new RtspSplitter();
  readonly #closed = Promise.withResolvers<void>();
  readonly #resources = new DisposableStack();
  readonly #session = randomBytes(8).toString("hex");
  #last: Promise<void> = Promise.resolve();
  #pending = 0;
  #heardMs = performance.now();
  #setUp: { readonly publication: Publication; readonly player: Player; readonly name: string } | undefined;
  #playing: Disposable | undefined;
  #isUdp = false;

  constructor(stream: ByteStream, parts: ConnectionParts) {
    this.#stream = stream;
    this.#parts = parts;
    stream.listen({
      data: (chunk) => this.#read(chunk),
      closed: () => {
        this.#playing?.[Symbol.dispose]();
        this.#playing = undefined;
        this.#resources.dispose();
        if (this.#setUp !== undefined) parts.log.info("player left", { camera: this.#setUp.name });
        this.#closed.resolve();
      },
    });
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get isPlaying(): boolean {
    return this.#playing !== undefined;
  }

  close(): void {
    this.#stream.end();
  }

  /** Closes when the player is stuck or was not heard of for longer than its session lasts. */
  checkAlive(): void {
    const silentMs = performance.now() - this.#heardMs;
    // Over TCP a player need say nothing while it takes what is sent; the socket tells of its end.
    const mayBeSilent = this.#setUp !== undefined && this.#playing !== undefined && !this.#isUdp;
    if (this.#setUp?.player.isStuck === true) {
      this.#parts.log.warn("a player takes nothing and is dropped", { camera: this.#setUp.name });
      this.close();
    } else if (!mayBeSilent && silentMs > 1000 * (SESSION_TIMEOUT_S + 15)) {
      this.close();
    }
  }

  #read(chunk: Uint8Array): void {
    this.#heardMs = performance.now();
    try {
      for (const item of this.#splitter.push(chunk)) {
        // Receiver reports and answers need no thought.
        if (item.kind !== "request") continue;
        if (++this.#pending > 32) throw new AppError("protocol", "a player sends requests without waiting");
        this.#last = this.#last.then(() => this.#serve(item)).finally(() => this.#pending--);
      }
    } catch (error) {
      this.#parts.log.debug("a player's connection ends", { why: error });
      this.close();
    }
  }

  async #serve(request: RtspRequest): Promise<void> {
    const answer = await this.#answer(request).catch((error): Answer => {
      this.#parts.log.debug("a player's request failed", { method: request.method, why: error });
      return { status: error instanceof AppError && error.kind === "unavailable" ? 503 : 500 };
    });
    const { status, fields = [], body } = answer;
    this.#stream.write(
      formatMessage(
        `RTSP/1.0 ${status} ${STATUS_WORDS[status] ?? ""}`,
        [["CSeq", request.headers.get("cseq") ?? "0"], ["Server", "Vigia"], ...fields],
        body,
      ),
    );
    if (request.method === "PLAY" && status === 200) this.#begin();
    if (request.method === "TEARDOWN" && status === 200) this.close();
  }

  async #answer(request: RtspRequest): Promise<Answer> {
    const { method, headers } = request;
    if (method === "OPTIONS") return { status: 200, fields: [["Public", METHODS]] };
    const { guard } = this.#parts;
    if (guard !== undefined && !guard.allows(headers.get("authorization"), method)) {
      return { status: 401, fields: guard.challenges.map((value) => ["WWW-Authenticate", value]) };
    }
    const session = headers.get("session")?.split(";")[0]?.trim();
    if (session !== undefined && session !== this.#session) return { status: 454 };
    switch (method) {
      case "DESCRIBE":
        return this.#describe(request);
      case "SETUP":
        return this.#prepare(request);
      case "PLAY":
        if (this.#setUp === undefined) return { status: 455 };
        return {
          status: 200,
          fields: [
            ["Session", this.#session],
            ["Range", "npt=now-"],
          ],
        };
      case "TEARDOWN":
      case "GET_PARAMETER":
      case "SET_PARAMETER":
        return { status: 200, fields: [["Session", this.#session]] };
      default:
        return { status: 501 };
    }
  }

  async #describe({ uri }: RtspRequest): Promise<Answer> {
    const found = this.#find(uri);
    if (found === undefined) return { status: 404 };
    const format = await within(found.publication.format(), FORMAT_WAIT_MS, found.name);
    return {
      status: 200,
      fields: [
        ["Content-Type", "application/sdp"],
        ["Content-Base", `${uri.replace(/\/+$/, "")}/`],
      ],
      body: formatSdp(found.name, format),
    };
  }

  async #prepare({ uri, headers }: RtspRequest): Promise<Answer> {
    const found = this.#find(uri);
    if (found === undefined) return { status: 404 };
    if (this.#setUp !== undefined) return { status: 455 };
    for (const offer of parseTransports(headers.get("transport") ?? "")) {
      const opened = await this.#open(offer);
      if (opened === undefined) continue;
      const ssrc = randomBytes(4).readUInt32BE(0);
      this.#setUp = { ...found, player: new Player(opened.transport, ssrc) };
      const chosen = `${opened.field};ssrc=${ssrc.toString(16).padStart(8, "0").toUpperCase()}`;
      return {
        status: 200,
        fields: [
          ["Transport", chosen],
          ["Session", `${this.#session};timeout=${SESSION_TIMEOUT_S}`],
        ],
      };
    }
    return { status: 461 };
  }

  async #open(offer: Transport): Promise<{ transport: PlayerTransport; field: string } | undefined> {
    if (offer.multicast) return undefined;
    if (offer.protocol === "tcp") {
      const channels = offer.interleaved ?? [0, 1];
      const field = `RTP/AVP/TCP;unicast;interleaved=${channels.join("-")}`;
      return { transport: interleavedTransport(this.#stream, channels), field };
    }
    if (offer.clientPorts === undefined) return undefined;
    // Only to the machine that asked, whatever `destination` says: nobody is flooded by somebody else's wish.
    const host = this.#stream.remoteHost;
    const pair = await openPortPair(host.includes(":") ? "::" : "0.0.0.0");
    if (!this.#stream.isOpen) {
      // The player has left meanwhile, and what it used is disposed already.
      pair[Symbol.dispose]();
      return undefined;
    }
    this.#resources.use(pair);
    pair.rtcp.on("message", () => {
      this.#heardMs = performance.now();
    });
    this.#isUdp = true;
    const field = `RTP/AVP;unicast;client_port=${offer.clientPorts.join("-")};server_port=${pair.ports.join("-")}`;
    return { transport: udpTransport(pair, host, offer.clientPorts), field };
  }

  #begin(): void {
    if (this.#setUp === undefined || this.#playing !== undefined || !this.#stream.isOpen) return;
    const { publication, player, name } = this.#setUp;
    this.#playing = publication.attach({
      show: (picture) => player.send(picture),
      ended: () => this.close(),
    });
    this.#parts.log.info("player joined", { camera: name, from: this.#stream.remoteHost });
  }

  #find(uri: string): { publication: Publication; name: string } | undefined {
    const path = uri.replace(/^rtsps?:\/\/[^/]*/i, "").replace(/[?#].*$/, "");
    const parts = path.split("/").filter((part) => part !== "");
    if (parts.length > 1 && parts.at(-1) !== STREAM_CONTROL) return undefined;
    let name = parts[0] ?? "";
    try {
      name = decodeURIComponent(name);
    } catch {
      return undefined;
    }
    const publication = this.#parts.streams.get(name);
    return publication === undefined ? undefined : { publication, name };
  }
}
