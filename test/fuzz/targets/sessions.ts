import { connect, createServer, type Socket } from "node:net";
import { AppError } from "../../../shared/base/errors.ts";
import { silentLog } from "../../../shared/base/log.ts";
import type { Random } from "../../../shared/base/random.ts";
import { expired } from "../../../shared/base/wait.ts";
import { playRtsp } from "../../../shared/rtsp/client.ts";
import { packetizeJpeg, rtpJpeg } from "../../../shared/rtsp/jpeg-packetizer.ts";
import { JpegPublication } from "../../../shared/rtsp/publication.ts";
import { formatRtp } from "../../../shared/rtsp/rtp.ts";
import { RtspServer } from "../../../shared/rtsp/server.ts";
import { H264_SDP, idr, slice } from "../../shared/rtsp/scripted-camera.ts";
import { claim, type FuzzTarget, joinParts, mutated, partsOf } from "../target.ts";
import { jpegFile } from "./packets.ts";

/*
 * Whole sessions over real sockets, with the client's and the server's timers: few of them, as each takes
 * milliseconds. `talks.ts` has the same without sockets, as many as are asked for.
 */
const SHARE = 1 / 500;
const ENDS_WITHIN_MS = 8000;

const answer = (sequence: number, fields = "", body = "", status = "200 OK") =>
  Buffer.from(
    `RTSP/1.0 ${status}\r\nCSeq: ${sequence}\r\n${fields}${body === "" ? "" : `Content-Length: ${body.length}\r\n`}\r\n${body}`,
  );
const framed = (payload: Buffer, i: number, payloadType = 96, marker = true, timestamp = i * 9000) => {
  const data = formatRtp({ payloadType, marker, sequence: i, timestamp, ssrc: 1, payload });
  return Buffer.concat([Buffer.from([0x24, 0, data.length >> 8, data.length & 0xff]), data]);
};
const jpegPayloads = packetizeJpeg(rtpJpeg(jpegFile)!);
const TRANSPORT = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=00000001\r\n";

/** What cameras answer to OPTIONS, DESCRIBE, SETUP and PLAY, and what they send then; the second asks who it is. */
const CAMERAS: readonly (readonly Buffer[])[] = [
  [
    answer(1, "Public: OPTIONS, DESCRIBE, SETUP, PLAY\r\n"),
    answer(2, "Content-Base: rtsp://127.0.0.1/x/\r\n", H264_SDP),
    answer(3, `${TRANSPORT}Session: 7;timeout=60\r\n`),
    Buffer.concat([
      answer(4, "Session: 7\r\n"),
      ...[idr(1), slice(2), idr(3), slice(4)].map((p, i) => framed(p, i)),
    ]),
  ],
  [
    answer(1, "", "", "501 Not Implemented"),
    answer(2, 'WWW-Authenticate: Digest realm="x", nonce="1", qop="auth"\r\n', "", "401 Unauthorized"),
    answer(3, "", "v=0\r\nm=video 0 RTP/AVP 26\r\na=control:track1\r\n"),
    answer(4, `${TRANSPORT}Session: abc\r\n`),
    Buffer.concat([
      answer(5),
      ...jpegPayloads.map((payload, i) => framed(payload, i, 26, i === jpegPayloads.length - 1, 9000)),
      Buffer.from("$\x01\0\x08\x80\xcb\0\x01\0\0\0\x01", "latin1"),
    ]),
  ],
];

/** What a camera says, a part for each request, half of the parts changed. */
export function cameraInput(random: Random): Buffer {
  const parts = random.pick(CAMERAS);
  return joinParts(parts.map((sound) => (random.chance(0.5) ? sound : mutated(random, [sound]))));
}

/** A camera that says to each request what the input's next part is, and hangs up after the last. */
class Speaker {
  readonly #server = createServer((socket) => this.#take(socket));
  parts: Buffer[] = [];

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.#server.unref();
    return (this.#server.address() as { port: number }).port;
  }

  #take(socket: Socket): void {
    socket.on("error", () => {});
    socket.on("data", () => {
      const next = this.parts.shift();
      if (next !== undefined) socket.write(next);
      if (this.parts.length === 0) socket.end();
    });
  }
}

let speaker: { readonly camera: Speaker; readonly url: string } | undefined;

const client: FuzzTarget = {
  name: "rtsp-client",
  share: SHARE,
  refuses: "unavailable",
  make: cameraInput,
  async run(input) {
    if (speaker === undefined) {
      const camera = new Speaker();
      speaker = { camera, url: `rtsp://u:p@127.0.0.1:${await camera.listen()}/x` };
    }
    speaker.camera.parts = partsOf(input);
    let pictures = 0;
    const events = { onPicture: () => void pictures++ };
    const options = { url: speaker.url, transport: "tcp", timeoutMs: 100, silenceMs: 100 } as const;
    const playing = playRtsp(options, events, new AbortController().signal);
    const ended = playing.then(
      () => undefined,
      (error: unknown) => error,
    );
    claim(!(await expired(ended, ENDS_WITHIN_MS)), "a session ends");
    const why = await ended;
    claim(why instanceof AppError && why.kind !== "bug", `it ends with a reason: ${why}`);
    return `${pictures} pictures, ${why.kind}`;
  },
};

const request = (method: string, sequence: number, fields: string) =>
  Buffer.from(`${method} rtsp://127.0.0.1/yard RTSP/1.0\r\nCSeq: ${sequence}\r\n${fields}\r\n`);
const REQUESTS = [
  request("OPTIONS", 1, ""),
  request("DESCRIBE", 2, "Accept: application/sdp\r\n"),
  request("SETUP", 3, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"),
  request("SETUP", 3, "Transport: RTP/AVP;unicast;client_port=40000-40001\r\n"),
  request("PLAY", 4, "Range: npt=0.000-\r\n"),
  request("GET_PARAMETER", 5, ""),
  Buffer.from("$\x01\0\x08\x80\xc9\0\x01\0\0\0\x01", "latin1"),
  request("TEARDOWN", 6, ""),
];

/** What a player says, one of its requests changed, or none. */
export function playerInput(random: Random): Buffer {
  const changed = random.below(2 * REQUESTS.length);
  return Buffer.concat(REQUESTS.map((sound, i) => (i === changed ? mutated(random, [sound]) : sound)));
}

/** The statuses that a server answered with. */
export function statusesIn(heard: Buffer): string {
  return [...heard.toString("latin1").matchAll(/^RTSP\/1.0 (\d+)/gm)].map(([, status]) => status).join(" ");
}

let served: RtspServer | undefined;

/** A server with one stream that ticks while somebody watches; it does not keep the process. */
function startServer(): RtspServer {
  const yard = new JpegPublication();
  setInterval(() => yard.push(rtpJpeg(jpegFile)!, performance.now()), 5).unref();
  return new RtspServer({
    host: "127.0.0.1",
    port: 0,
    streams: new Map([["yard", yard]]),
    viewer: { user: "viewer", password: "" },
    log: silentLog,
  });
}

/** Sends the bytes, says that there are no more, and waits for the server's end of the connection. */
async function spoken(port: number, bytes: Buffer): Promise<Buffer> {
  const socket = connect(port, "127.0.0.1");
  const heard: Buffer[] = [];
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", () => {});
  socket.on("data", (data) => void heard.push(data as Buffer));
  socket.end(bytes);
  const isLate = await expired(closed, ENDS_WITHIN_MS);
  socket.destroy();
  claim(!isLate, "a connection ends with its player");
  return Buffer.concat(heard);
}

const server: FuzzTarget = {
  name: "rtsp-server",
  share: SHARE,
  refuses: "unavailable",
  make: playerInput,
  async run(input) {
    served ??= startServer();
    const heard = await spoken(served.port, input);
    const after = await spoken(served.port, request("TEARDOWN", 9, ""));
    claim(after.toString("latin1").startsWith("RTSP/1.0 200"), "the next player is served");
    return `answers: ${statusesIn(heard)}`;
  },
};

export const sessionTargets: readonly FuzzTarget[] = [client, server];
