import { AppError, errorKind } from "../base/errors.ts";
import { expired, onAbort } from "../base/wait.ts";
import { Moved, RtspClientLink, TransportRefused } from "./client-link.ts";
import type { RtspResponse } from "./message.ts";
import { Receiver, type RtspClientEvents } from "./receiver.ts";
import { parseRtcp, receiverReport } from "./rtcp.ts";
import { parseRtp } from "./rtp.ts";
import { chooseVideo, parseSdp } from "./sdp.ts";
import { type ByteStream, connectBytes } from "./socket.ts";
import { parseTransport, type Transport } from "./transport.ts";
import { openPortPair, type PortPair } from "./udp.ts";
import { controlBase, controlUri, movedTo, parseRtspUrl, type RtspUrl } from "./url.ts";

export interface RtspClientOptions {
  readonly url: string;
  readonly transport: "tcp" | "udp";
  /** For connecting and for each answer. */
  readonly timeoutMs?: number;
  /** A camera that sends nothing for so long is given up. */
  readonly silenceMs?: number;
}

const DEFAULT_TIMEOUT_MS = 8000;
/** On a home's network a machine that is there answers at once; a short limit finds one that returns the sooner. */
const CONNECT_TIMEOUT_MS = 3000;
const DEFAULT_SILENCE_MS = 10_000;
/** One that sends, but no whole picture for so many times as long, is given up as well: its encoder is stuck. */
const PICTURELESS = 3;
/** A camera that sends nothing for so long is asked for a sign of life: one that was started anew says it knows nobody. */
const ASKED_AFTER_MS = 1000;
/** So often the stream may be at another address, in a row. */
const MOVES_MAX = 3;
/** Packets that wait for a late one over UDP. */
const REORDER_DEPTH = 64;
/** An orderly goodbye may take so long. */
const TEARDOWN_MS = 500;
const REPORT_EVERY_MS = 5000;

/**
 * Plays a camera's video until it ends: resolves when `signal` aborts, after an orderly goodbye.
 *
 * @throws {AppError} `refused` (password, path), `input` (no codec that Vigía reads), `unavailable` (gone, silent,
 *   busy), `protocol`
 */
export async function playRtsp(
  { url: text, transport, timeoutMs = DEFAULT_TIMEOUT_MS, silenceMs = DEFAULT_SILENCE_MS }: RtspClientOptions,
  events: RtspClientEvents,
  signal: AbortSignal,
): Promise<void> {
  let url = parseRtspUrl(text);
  let way = transport;
  const limits = { timeoutMs, silenceMs, signal };
  for (let moves = 0; ; ) {
    try {
      return await playOnce(url, way, events, limits);
    } catch (error) {
      if (error instanceof Moved && moves++ < MOVES_MAX) url = movedTo(url, error.location);
      // Some cameras want DESCRIBE again before they take another transport, so all of it is done anew.
      else if (error instanceof TransportRefused && way === transport) way = way === "tcp" ? "udp" : "tcp";
      else throw error;
    }
  }
}

/** How long a session waits, and what ends it. */
export interface PlayLimits {
  readonly timeoutMs: number;
  readonly silenceMs: number;
  readonly signal: AbortSignal;
}

async function playOnce(
  url: RtspUrl,
  transport: "tcp" | "udp",
  events: RtspClientEvents,
  limits: PlayLimits,
): Promise<void> {
  const { timeoutMs, signal } = limits;
  if (signal.aborted) return;
  const { host, port, secure } = url;
  try {
    const stream = await connectBytes({
      ...{ host, port, secure, signal },
      timeoutMs: Math.min(timeoutMs, CONNECT_TIMEOUT_MS),
    });
    await playOver(stream, url, transport, events, limits);
  } catch (error) {
    if (signal.aborted && errorKind(error) === "cancelled") return;
    throw error;
  }
}

/**
 * Plays over a connection that is there, from DESCRIBE to TEARDOWN; ends the connection.
 *
 * @throws {AppError} as `playRtsp`; `TransportRefused` when it does not send this way; `cancelled` when `signal` aborts
 */
export async function playOver(
  stream: ByteStream,
  url: RtspUrl,
  transport: "tcp" | "udp",
  events: RtspClientEvents,
  limits: PlayLimits,
): Promise<void> {
  await using session = new RtspSession(stream, url, events, limits);
  using _abort = onAbort(limits.signal, () => session.stop());
  await session.play(transport);
}

/** One run from DESCRIBE to TEARDOWN. */
class RtspSession implements AsyncDisposable {
  readonly #url: RtspUrl;
  readonly #events: RtspClientEvents;
  readonly #link: RtspClientLink;
  readonly #silenceMs: number;
  readonly #ssrc = Math.floor(Math.random() * 2 ** 32);
  readonly #timers = new DisposableStack();
  #receiver: Receiver | undefined;
  #channel: number | undefined;
  #reportTo: ((report: Buffer) => void) | undefined;
  #controlUri: string;
  #aliveMethod = "OPTIONS";
  #lastHeardMs = performance.now();
  #lastPictureMs = performance.now();
  #isPlaying = false;

  constructor(
    stream: ByteStream,
    url: RtspUrl,
    events: RtspClientEvents,
    { timeoutMs, silenceMs }: PlayLimits,
  ) {
    this.#url = url;
    this.#events = {
      ...events,
      onPicture: (picture) => {
        this.#lastPictureMs = performance.now();
        events.onPicture(picture);
      },
    };
    this.#silenceMs = silenceMs;
    this.#controlUri = url.requestUri;
    this.#link = new RtspClientLink(stream, url, timeoutMs, {
      interleaved: (channel, data) => this.#takeInterleaved(channel, data),
      resynced: () => this.#events.onLoss?.(1),
    });
  }

  /** Ends `play` without an error for its caller. */
  stop(): void {
    void this.#goodbye().finally(() => this.#link.fail(new AppError("cancelled", "stopped")));
  }

  async play(transport: "tcp" | "udp"): Promise<void> {
    const options = await this.#link.request("OPTIONS", this.#url.requestUri).catch((error) => {
      // Cameras exist that know every method but this one.
      if (errorKind(error) === "refused") throw error;
      return undefined;
    });
    const described = await this.#link.request("DESCRIBE", this.#url.requestUri, [
      ["Accept", "application/sdp"],
    ]);
    const sdp = parseSdp(described.body.toString("latin1"));
    const format = chooseVideo(sdp);
    this.#controlUri = controlBase(this.#url.requestUri, [
      described.headers.get("content-base"),
      described.headers.get("content-location"),
    ]);
    this.#receiver = new Receiver(format, transport === "udp" ? REORDER_DEPTH : 0, this.#events);
    this.#events.onFormat?.(format);
    const streamUri = controlUri(this.#controlUri, format.control);
    const setUp = transport === "tcp" ? await this.#setUpTcp(streamUri) : await this.#setUpUdp(streamUri);
    this.#lastHeardMs = performance.now();
    const played = await this.#link.request("PLAY", this.#controlUri, [["Range", "npt=0.000-"]]);
    this.#keepSession(played);
    this.#isPlaying = true;
    this.#lastPictureMs = performance.now();
    this.#keepAlive(options, setUp);
    this.#watchSilence();
    await this.#link.ended;
  }

  async #setUpTcp(uri: string): Promise<RtspResponse> {
    this.#channel = 0;
    for (const channel of [0, 1]) this.#link.channels.add(channel);
    const response = await this.#link.request("SETUP", uri, [
      ["Transport", "RTP/AVP/TCP;unicast;interleaved=0-1"],
    ]);
    this.#keepSession(response);
    // Some cameras choose other channels, some leave them out, some answer RTP/AVP and send here all the same.
    const transport = parseTransport(response.headers.get("transport") ?? "");
    const chosen = transport.interleaved ?? [0, 1];
    this.#receiver!.expect(transport.ssrc);
    for (const channel of chosen) this.#link.channels.add(channel);
    this.#channel = chosen[0];
    this.#reportTo = (report) => this.#link.sendInterleaved(chosen[1], report);
    return response;
  }

  async #setUpUdp(uri: string): Promise<RtspResponse> {
    const host = this.#link.remoteHost.includes(":") ? "::" : "0.0.0.0";
    const pair = this.#timers.use(await openPortPair(host));
    const [rtp, rtcp] = pair.ports;
    const response = await this.#link.request("SETUP", uri, [
      ["Transport", `RTP/AVP;unicast;client_port=${rtp}-${rtcp}`],
    ]);
    this.#keepSession(response);
    const transport = parseTransport(response.headers.get("transport") ?? "");
    this.#receiver!.expect(transport.ssrc);
    if (transport.protocol === "tcp" || transport.interleaved !== undefined) {
      // It sends over this connection whatever it was asked for.
      this.#channel = transport.interleaved?.[0] ?? 0;
      this.#link.channels.add(this.#channel);
      return response;
    }
    this.#receiveUdp(pair, transport);
    return response;
  }

  #receiveUdp({ rtp, rtcp }: PortPair, { source, serverPorts }: Transport): void {
    // What others send to this port is not from the camera. The source may differ from the RTSP peer if it says so.
    const known = new Set([this.#link.remoteHost, source]);
    rtp.on("message", (data, from) => {
      if (known.has(from.address)) this.#takePacket(data);
    });
    rtcp.on("message", (data, from) => {
      if (known.has(from.address)) this.#takeReport(data);
    });
    if (serverPorts === undefined) return;
    const [rtpPort, rtcpPort] = serverPorts;
    const host = this.#link.remoteHost;
    // An empty packet each way opens firewalls and address translation for the answers.
    rtp.send(Buffer.from([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), rtpPort, host);
    this.#reportTo = (report) => rtcp.send(report, rtcpPort, host);
    this.#reportTo(receiverReport(this.#ssrc));
  }

  #takeInterleaved(channel: number, data: Buffer): void {
    if (this.#channel === undefined) return;
    // Data of streams that nobody set up comes from cameras too.
    if (channel === this.#channel) this.#takePacket(data);
    else if (channel === this.#channel + 1) this.#takeReport(data);
  }

  #takePacket(data: Buffer): void {
    this.#lastHeardMs = performance.now();
    const packet = parseRtp(data);
    if (packet !== undefined) this.#receiver?.take(packet);
  }

  #takeReport(data: Buffer): void {
    for (const report of parseRtcp(data)) {
      if (report.kind === "sender-report") this.#receiver?.takeReport(report);
      if (report.kind === "bye" && this.#isPlaying && this.#receiver?.isSender(report.ssrc) === true) {
        this.#link.fail(new AppError("unavailable", "the camera ended the stream", { failure: "closed" }));
      }
    }
  }

  #keepSession(response: RtspResponse): void {
    const id = response.headers.get("session")?.split(";")[0]?.trim();
    if (id !== undefined && id !== "") this.#link.session = id;
  }

  /** At half the session's time-out, with the request that the camera says it knows. */
  #keepAlive(options: RtspResponse | undefined, setUp: RtspResponse): void {
    const told = Number(/timeout\s*=\s*(\d+)/i.exec(setUp.headers.get("session") ?? "")?.[1] ?? 60);
    const everyMs = 1000 * Math.max(1, Math.min(30, told / 2));
    const methods = options?.headers.all("public").join(",").toUpperCase() ?? "";
    if (methods.includes("GET_PARAMETER")) this.#aliveMethod = "GET_PARAMETER";
    const keepAlive = setInterval(() => this.#signOfLife(), everyMs);
    const report = setInterval(() => this.#reportTo?.(receiverReport(this.#ssrc)), REPORT_EVERY_MS);
    this.#timers.defer(() => {
      clearInterval(keepAlive);
      clearInterval(report);
    });
  }

  #signOfLife(): void {
    // Some cameras never answer; silence of the stream itself is what counts.
    this.#link.request(this.#aliveMethod, this.#controlUri).catch(() => {});
  }

  /** Looks when silence may have lasted long enough to act, not by a steady beat: many cameras would wake us often. */
  #watchSilence(): void {
    let askedMs = Number.NEGATIVE_INFINITY;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const check = (): void => {
      const nowMs = performance.now();
      const silentAtMs = this.#lastHeardMs + this.#silenceMs;
      const picturelessAtMs = this.#lastPictureMs + PICTURELESS * this.#silenceMs;
      if (nowMs >= silentAtMs) {
        this.#giveUp("nothing", nowMs - this.#lastHeardMs);
        return;
      }
      if (nowMs >= picturelessAtMs) {
        this.#giveUp("no whole picture", nowMs - this.#lastPictureMs);
        return;
      }
      const askMs = () => Math.max(this.#lastHeardMs, askedMs) + ASKED_AFTER_MS;
      if (nowMs >= askMs()) {
        askedMs = nowMs;
        this.#signOfLife();
      }
      const nextMs = Math.min(askMs(), silentAtMs, picturelessAtMs);
      timer = setTimeout(check, Math.max(1, Math.ceil(nextMs - nowMs)));
    };
    check();
    this.#timers.defer(() => clearTimeout(timer));
  }

  #giveUp(what: string, forMs: number): void {
    const seconds = Math.round(forMs / 1000);
    this.#link.fail(
      new AppError("unavailable", `the camera has sent ${what} for ${seconds} s`, {
        failure: "no-picture",
        about: seconds,
      }),
    );
  }

  /** Tells the camera that nobody watches, so that it does not keep the session until its time-out. */
  async #goodbye(): Promise<void> {
    if (this.#link.session === undefined) return;
    const torn = this.#link.request("TEARDOWN", this.#controlUri).catch(() => {});
    await expired(torn, TEARDOWN_MS);
    this.#link.session = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#goodbye();
    this.#timers.dispose();
    this.#link.fail(new AppError("cancelled", "stopped"));
  }
}
