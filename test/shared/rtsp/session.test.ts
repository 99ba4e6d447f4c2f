import { expect, setDefaultTimeout, test } from "bun:test";
import { selfSignedCertificate } from "../../../shared/net/certificate.ts";
import type { RtspRequest } from "../../../shared/rtsp/message.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
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

setDefaultTimeout(BUSY_MACHINE_MS);

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
    // Only who waits in vain must not wait long.
    const limits = words.startsWith("did not answer") ? { timeoutMs: 150 } : {};
    const play = receive({ url: camera.url(), transport: "tcp", ...limits }, 1);
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
  const refused = receive({ url, transport: "tcp", timeoutMs: 300 }, 1);
  await expect(refused).rejects.toMatchObject({ kind: "unavailable" });
  const nobody = receive({ url: "rtsp://127.0.0.1:1/", transport: "tcp" }, 1);
  await expect(nobody).rejects.toThrow("nothing listens there");
});

test("a camera that falls silent is given up", async () => {
  await using camera = await ScriptedCamera.start({ play: three });
  const play = receive({ url: camera.url(), transport: "tcp", silenceMs: 200 }, 99);
  await expect(play).rejects.toThrow("has sent nothing");
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

test("a camera that sends us to another address is followed there, and not in circles", async () => {
  await using camera = await ScriptedCamera.start({ play: three });
  const sends = (to: () => string): CameraScript => ({
    answer: ({ method }) =>
      method === "DESCRIBE" ? { status: 302, fields: [["Location", to()]] } : undefined,
  });
  await using door = await ScriptedCamera.start(sends(() => camera.url("/behind")));
  const { pictures } = await receive({ url: door.url("/stream", "u:p@"), transport: "tcp" }, 3);
  expect(fills(pictures)).toEqual([1, 2, 3]);
  expect(camera.requests.every(({ uri }) => uri.includes("/behind"))).toBe(true);

  await using circle = await ScriptedCamera.start(sends(() => circle.url()));
  await expect(receive({ url: circle.url(), transport: "tcp" }, 1)).rejects.toThrow("302");
  expect(circle.methods.filter((method) => method === "DESCRIBE").length).toBe(4);
  await using nowhere = await ScriptedCamera.start(sends(() => "http://example.org/"));
  await expect(receive({ url: nowhere.url(), transport: "tcp" }, 1)).rejects.toThrow("no RTSP address");
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
