import { expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { selfSignedCertificate } from "../../../shared/net/certificate.ts";
import type { RtspRequest } from "../../../shared/rtsp/message.ts";
import { formatRtp } from "../../../shared/rtsp/rtp.ts";
import { parseTransport } from "../../../shared/rtsp/transport.ts";
import { fills, receive } from "./play.ts";
import {
  answering,
  type CameraScript,
  idr,
  ScriptedCamera,
  sdpWith,
  slice,
  three,
} from "./scripted-camera.ts";

const REFUSALS: readonly (readonly [what: string, kind: string, words: string, script: CameraScript])[] = [
  ["a path that is not there", "refused", "404", { answer: refusing("DESCRIBE", 404) }],
  ["a camera with too many viewers", "unavailable", "453", { answer: refusing("SETUP", 453) }],
  ["a camera that is busy", "unavailable", "503", { answer: refusing("PLAY", 503) }],
  ["a codec that nobody reads", "input", "offers MPV4-ES", { sdp: sdpWith("H264", "MPV4-ES") }],
  [
    "a server that is no camera",
    "protocol",
    "does not speak RTSP",
    { answer: () => ({ raw: Buffer.alloc(2e6, 0x81) }) },
  ],
  [
    "a header without an end",
    "protocol",
    "without an end",
    { answer: () => ({ raw: `RTSP/1.0 200 OK\r\nX: ${"y".repeat(70_000)}` }) },
  ],
  [
    "a camera that never answers",
    "unavailable",
    "did not answer DESCRIBE",
    { answer: () => ({ silent: true }) },
  ],
  ["a camera that goes away", "unavailable", "closed the connection", { play: (camera) => camera.end() }],
];

function refusing(method: string, status: number) {
  return (request: RtspRequest) => (request.method === method ? { status } : undefined);
}

for (const [what, kind, words, script] of REFUSALS) {
  test(`it is told what is wrong with ${what}`, async () => {
    await using camera = await ScriptedCamera.start(script);
    const play = receive({ url: camera.url(), transport: "tcp", timeoutMs: 150 }, 1);
    await expect(play).rejects.toMatchObject({ kind, message: expect.stringContaining(words) });
  });
}

test("a camera with a certificate of its own is played over rtsps", async () => {
  const { keyPem, certificatePem } = selfSignedCertificate();
  await using camera = await ScriptedCamera.start({ play: three }, { key: keyPem, cert: certificatePem });
  const url = camera.url().replace("rtsp:", "rtsps:");
  const { pictures } = await receive({ url, transport: "tcp" }, 3);
  expect(fills(pictures)).toEqual([1, 2, 3]);
});

test("a camera that takes no rtsps is told from one that is away", async () => {
  await using camera = await ScriptedCamera.start({ play: three });
  const url = camera.url().replace("rtsp:", "rtsps:");
  await expect(receive({ url, transport: "tcp" }, 1)).rejects.toMatchObject({ kind: "unavailable" });
  const nobody = receive({ url: "rtsp://127.0.0.1:1/", transport: "tcp" }, 1);
  await expect(nobody).rejects.toThrow("nothing listens there");
});

test("a camera that falls silent is given up", async () => {
  await using camera = await ScriptedCamera.start({ play: three });
  const play = receive({ url: camera.url(), transport: "tcp", silenceMs: 200 }, 99);
  await expect(play).rejects.toThrow("has sent nothing");
});

test("the session is kept alive at half its time-out, with what the camera knows, although it never answers", async () => {
  await using camera = await ScriptedCamera.start({
    answer: ({ method }) => {
      if (method === "OPTIONS")
        return {
          fields: [
            ["Public", "DESCRIBE, SETUP"],
            ["Public", "PLAY, GET_PARAMETER"],
          ],
        };
      if (method === "SETUP")
        return {
          fields: [
            ["Session", "abc; timeout=2"],
            ["Transport", "RTP/AVP/TCP;interleaved=0-1"],
          ],
        };
      if (method === "PLAY") return { fields: [["Session", "abc"]] };
      return method === "GET_PARAMETER" ? { silent: true } : undefined;
    },
    play: async (connection) => {
      for (let i = 0; i < 25; i++) {
        connection.packet(idr(i), 9000 * i, { marker: true });
        await Bun.sleep(100);
      }
    },
  });
  await receive({ url: camera.url(), transport: "tcp" }, 24);
  const alive = camera.requests.filter(({ method }) => method === "GET_PARAMETER");
  expect(alive.length).toBe(2);
  expect(alive[0]!.headers.get("session")).toBe("abc");
});

test("after a loss over TCP pictures are held until the next key picture", async () => {
  await using camera = await ScriptedCamera.start({
    play: (connection) => {
      connection.threePictures();
      connection.sequence += 2;
      connection.packet(slice(4), 27_000, { marker: true });
      connection.packet(slice(5), 36_000, { marker: true });
      connection.packet(idr(6), 45_000, { marker: true });
      connection.packet(slice(7), 54_000, { marker: true });
    },
  });
  const { pictures, lost } = await receive({ url: camera.url(), transport: "tcp" }, 5);
  expect(fills(pictures)).toEqual([1, 2, 3, 6, 7]);
  expect(lost).toBe(2);
});

test("over UDP, packets out of order and doubled make whole pictures, others' packets none", async () => {
  const sender = createSocket("udp4");
  await new Promise<void>((resolve) => sender.bind(0, "127.0.0.1", resolve));
  const stranger = createSocket("udp4");
  await new Promise<void>((resolve) => stranger.bind(0, "127.0.0.2", resolve));
  let clientPort = 0;
  await using camera = await ScriptedCamera.start({
    answer: ({ method, headers }) => {
      if (method !== "SETUP") return undefined;
      clientPort = parseTransport(headers.get("transport")!).clientPorts![0];
      // No server_port: some cameras leave it out.
      return {
        fields: [
          ["Transport", `RTP/AVP;unicast;client_port=${clientPort}-${clientPort + 1}`],
          ["Session", "1"],
        ],
      };
    },
    play: () => {
      const units = [idr(1), slice(2), slice(3), slice(4), slice(5)];
      const packets = units.map((payload, i) =>
        formatRtp({
          payloadType: 96,
          marker: true,
          sequence: (65_534 + i) & 0xffff,
          timestamp: i * 9000,
          ssrc: 7,
          payload,
        }),
      );
      const evil = formatRtp({
        payloadType: 96,
        marker: true,
        sequence: 65_535,
        timestamp: 9000,
        ssrc: 7,
        payload: idr(66),
      });
      stranger.send(evil, clientPort, "127.0.0.1");
      for (const place of [0, 2, 2, 1, 4, 3, 3]) sender.send(packets[place]!, clientPort, "127.0.0.1");
    },
  });
  try {
    const { pictures, lost } = await receive({ url: camera.url(), transport: "udp" }, 5);
    expect(fills(pictures)).toEqual([1, 2, 3, 4, 5]);
    expect(lost).toBe(0);
    expect(clientPort % 2).toBe(0);
  } finally {
    sender.close();
    stranger.close();
  }
});

test("a camera that refuses UDP is played over TCP, after describing it again", async () => {
  await using camera = await ScriptedCamera.start({
    answer: ({ method, headers }) =>
      method === "SETUP" && !headers.get("transport")!.includes("TCP") ? { status: 461 } : undefined,
    play: three,
  });
  const { pictures } = await receive({ url: camera.url(), transport: "udp" }, 3);
  expect(fills(pictures)).toEqual([1, 2, 3]);
  expect(camera.methods.filter((method) => method === "DESCRIBE").length).toBe(2);
});

test("a camera asked for UDP that sends interleaved is listened to all the same", async () => {
  await using camera = await ScriptedCamera.start({
    answer: answering("SETUP", [
      ["Transport", "RTP/AVP/TCP;unicast;interleaved=2-3"],
      ["Session", "1"],
    ]),
    play: (connection) => connection.threePictures({ channel: 2 }),
  });
  const { pictures } = await receive({ url: camera.url(), transport: "udp" }, 3);
  expect(fills(pictures)).toEqual([1, 2, 3]);
});
