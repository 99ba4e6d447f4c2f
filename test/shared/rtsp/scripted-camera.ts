import { createServer, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { formatMessage, type RtspRequest, type RtspResponse } from "../../../shared/rtsp/message.ts";
import { formatRtp } from "../../../shared/rtsp/rtp.ts";
import { RtspSplitter } from "../../../shared/rtsp/splitter.ts";

/** What a camera answers: a status and fields, nothing at all, or bytes of its own. */
export interface ScriptedAnswer {
  readonly status?: number;
  readonly fields?: readonly (readonly [string, string])[];
  readonly body?: string;
  readonly raw?: string | Buffer;
  readonly silent?: boolean;
}

/** How a camera departs from good manners. */
export interface CameraScript {
  readonly sdp?: string;
  /** Answers a request its own way; `undefined` leaves it to the default. */
  readonly answer?: (request: RtspRequest, camera: ScriptedConnection) => ScriptedAnswer | undefined;
  /** Plays, once PLAY was answered. */
  readonly play?: (camera: ScriptedConnection) => void | Promise<void>;
}

export const H264_SDP = [
  "v=0",
  "o=- 1 1 IN IP4 127.0.0.1",
  "s=camera",
  "t=0 0",
  "a=control:*",
  "m=video 0 RTP/AVP 96",
  "a=rtpmap:96 H264/90000",
  "a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0LAHg==,aM4G4g==",
  "a=control:trackID=1",
  "",
].join("\r\n");

/** NAL units that look like H.264; nothing here decodes them. */
export const SPS = Buffer.from([0x67, 0x42, 0xc0, 0x1e]);
export const PPS = Buffer.from([0x68, 0xce, 0x06, 0xe2]);
export const idr = (fill: number) => Buffer.from([0x65, 0x88, fill, 0x11]);
export const slice = (fill: number) => Buffer.from([0x41, 0x9a, fill, 0x22]);

/** A camera that follows a script, on a port of its own. */
export class ScriptedCamera implements AsyncDisposable {
  readonly requests: RtspRequest[] = [];
  /** What was answered to requests of its own. */
  readonly responses: RtspResponse[] = [];
  /** All that was said to it, as it came. */
  heard = "";
  readonly connections: ScriptedConnection[] = [];
  readonly #server;
  port = 0;

  private constructor(script: CameraScript, tls: TlsOptions | undefined) {
    const accept = (socket: Socket) => {
      this.connections.push(new ScriptedConnection(socket, script, this));
    };
    this.#server = tls === undefined ? createServer(accept) : createTlsServer(tls, accept);
  }

  /** @param tls for a camera that speaks rtsps */
  static async start(script: CameraScript, tls?: TlsOptions): Promise<ScriptedCamera> {
    const camera = new ScriptedCamera(script, tls);
    await new Promise<void>((resolve) => camera.#server.listen(0, "127.0.0.1", resolve));
    camera.port = (camera.#server.address() as { port: number }).port;
    return camera;
  }

  url(path = "/stream", credentials = ""): string {
    return `rtsp://${credentials}127.0.0.1:${this.port}${path}`;
  }

  /** The methods that were asked for, in order. */
  get methods(): string[] {
    return this.requests.map(({ method }) => method);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.connections) connection.end();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

export class ScriptedConnection {
  readonly #socket: Socket;
  readonly #script: CameraScript;
  readonly #camera: ScriptedCamera;
  readonly #splitter = new RtspSplitter();
  sequence = 100;
  isOpen = true;

  constructor(socket: Socket, script: CameraScript, camera: ScriptedCamera) {
    this.#socket = socket;
    this.#script = script;
    this.#camera = camera;
    socket.on("data", (chunk: Buffer) => {
      camera.heard += chunk.toString("latin1");
      for (const item of this.#splitter.push(chunk)) {
        if (item.kind === "request") this.#serve(item);
        if (item.kind === "response") camera.responses.push(item);
      }
    });
    socket.on("close", () => {
      this.isOpen = false;
    });
    socket.on("error", () => {});
  }

  #serve(request: RtspRequest): void {
    this.#camera.requests.push(request);
    const own = this.#script.answer?.(request, this);
    if (own?.silent === true) return;
    if (own?.raw !== undefined) this.write(own.raw);
    else {
      const standard = this.#standard(request);
      const { status = 200, fields = standard.fields ?? [], body = standard.body ?? "" } = own ?? standard;
      const withNumber = [["CSeq", request.headers.get("cseq") ?? ""] as const, ...fields];
      this.write(formatMessage(`RTSP/1.0 ${status} Said`, withNumber, status === 200 ? body : ""));
      if (status !== 200) return;
    }
    if (request.method === "PLAY") void this.#script.play?.(this);
  }

  #standard({ method, headers }: RtspRequest): ScriptedAnswer {
    if (method === "OPTIONS")
      return { fields: [["Public", "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER"]] };
    if (method === "DESCRIBE")
      return { fields: [["Content-Type", "application/sdp"]], body: this.#script.sdp ?? H264_SDP };
    if (method === "SETUP") {
      return {
        fields: [
          ["Transport", headers.get("transport") ?? ""],
          ["Session", "12345678;timeout=60"],
        ],
      };
    }
    return { fields: [["Session", "12345678"]] };
  }

  write(bytes: string | Buffer): void {
    this.#socket.write(bytes);
  }

  end(): void {
    this.#socket.destroy();
  }

  /** Bytes between messages. */
  interleaved(channel: number, data: Buffer): void {
    this.write(Buffer.concat([Buffer.from([0x24, channel, data.length >> 8, data.length & 0xff]), data]));
  }

  /** One packet on a channel, with the next number. */
  packet(
    payload: Buffer,
    timestamp: number,
    more: { marker?: boolean; channel?: number; payloadType?: number; sequence?: number; ssrc?: number } = {},
  ): void {
    const { marker = false, channel = 0, payloadType = 96, ssrc = 0x1234, sequence } = more;
    const number = sequence ?? this.sequence++ & 0xffff;
    const data = formatRtp({ payloadType, marker, sequence: number, timestamp, ssrc, payload });
    this.interleaved(channel, data);
  }

  /** A key picture and two that follow it, 100 ms apart. */
  threePictures(more: { channel?: number; ssrc?: number } = {}): void {
    this.packet(idr(1), 0, { marker: true, ...more });
    this.packet(slice(2), 9000, { marker: true, ...more });
    this.packet(slice(3), 18_000, { marker: true, ...more });
  }
}

/** The play that most cameras here give. */
export const three = (camera: ScriptedConnection) => camera.threePictures();

/** The ordinary description, changed in one place. */
export const sdpWith = (from: string | RegExp, to: string) => H264_SDP.replace(from, to);

/** Answers one method with these fields, and the others as usual. */
export const answering =
  (method: string, fields: readonly (readonly [string, string])[]) => (request: RtspRequest) =>
    request.method === method ? { fields } : undefined;
