import { expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { selfSignedCertificate } from "../../../shared/net/certificate.ts";
import { DigestGuard } from "../../../shared/rtsp/auth.ts";
import type { RtspRequest } from "../../../shared/rtsp/message.ts";
import { formatRtp } from "../../../shared/rtsp/rtp.ts";
import { parseTransport } from "../../../shared/rtsp/transport.ts";
import { fills, receive } from "./play.ts";
import {
  type CameraScript,
  H264_SDP,
  idr,
  PPS,
  ScriptedCamera,
  type ScriptedConnection,
  SPS,
  slice,
} from "./scripted-camera.ts";

const three = (camera: ScriptedConnection) => camera.threePictures();
const sdpWith = (from: string | RegExp, to: string) => H264_SDP.replace(from, to);
const wants = (method: string, fields: readonly (readonly [string, string])[]) => (request: RtspRequest) =>
  request.method === method ? { fields } : undefined;

/** Cameras that differ from the standard and must play all the same: three pictures arrive. */
const PLAYS: readonly (readonly [quirk: string, script: CameraScript])[] = [
  ["an ordinary camera", { play: three }],
  [
    "the session's number changes between answers",
    {
      answer: (request) =>
        request.method === "PLAY" && request.headers.get("session") !== "12345678"
          ? { status: 454 }
          : undefined,
      play: three,
    },
  ],
  [
    "the server picks other interleaved channels",
    {
      answer: wants("SETUP", [
        ["Transport", "RTP/AVP/TCP;unicast;interleaved=6-7"],
        ["Session", "1"],
      ]),
      play: (camera) => camera.threePictures({ channel: 6 }),
    },
  ],
  [
    "the server answers RTP/AVP and sends interleaved (Escam)",
    {
      answer: wants("SETUP", [
        ["Transport", "RTP/AVP;unicast;server_port=5000-5001"],
        ["Session", "1"],
      ]),
      play: three,
    },
  ],
  ["the server leaves out the Transport field", { answer: wants("SETUP", [["Session", "1"]]), play: three }],
  [
    "ssrc= with a space and rubbish, a trailing semicolon",
    {
      answer: wants("SETUP", [
        ["Transport", "RTP/AVP/TCP;unicast;interleaved=0-1;ssrc= 66B9;"],
        ["Session", "1;"],
      ]),
      play: three,
    },
  ],
  [
    "the announced ssrc is not the sender's",
    {
      answer: wants("SETUP", [
        ["Transport", "RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=00000001"],
        ["Session", "1"],
      ]),
      play: (camera) => {
        for (let i = 0; i < 60; i++) camera.packet(idr(i), 9000 * i, { marker: true });
        camera.threePictures();
      },
    },
  ],
  [
    "packets of an old session come first",
    {
      play: (camera) => {
        for (let i = 0; i < 3; i++)
          camera.packet(slice(9), i, { marker: true, ssrc: 99, sequence: 40_000 + i });
        for (let i = 0; i < 60; i++) camera.packet(idr(i), 9000 * i, { marker: true });
      },
    },
  ],
  [
    "data on channels that were never set up",
    {
      play: (camera) => {
        camera.packet(idr(9), 5, { marker: true, channel: 4 });
        three(camera);
      },
    },
  ],
  [
    "data before the answer to PLAY",
    {
      answer: (request, camera) => {
        if (request.method === "PLAY") camera.threePictures();
        return undefined;
      },
    },
  ],
  [
    "the server sends a request of its own",
    {
      play: (camera) => {
        camera.write("OPTIONS rtsp://127.0.0.1/ RTSP/1.0\r\nCSeq: 77\r\n\r\n");
        three(camera);
      },
    },
  ],
  [
    "OPTIONS is not known",
    {
      answer: ({ method }) => (method === "OPTIONS" ? { status: 501 } : undefined),
      play: three,
    },
  ],
  [
    "lines end in LF alone, a field goes on in the next line",
    {
      answer: ({ method, headers }) =>
        method === "OPTIONS"
          ? { raw: `RTSP/1.0 200 OK\nCSeq: ${headers.get("cseq")}\nPublic: DESCRIBE,\n PLAY\n\n` }
          : undefined,
      play: three,
    },
  ],
  [
    "the answer has no CSeq",
    {
      answer: ({ method }) => (method === "OPTIONS" ? { raw: "RTSP/1.0 200 OK\r\n\r\n" } : undefined),
      play: three,
    },
  ],
  [
    "rubbish between packets",
    {
      play: (camera) => {
        camera.packet(idr(1), 0, { marker: true });
        camera.write(Buffer.from([0x00, 0xff, 0x24, 0x07, 0x00, 0x05, 0x41, 0x00, 0x13, 0x37]));
        camera.packet(idr(2), 9000, { marker: true });
        camera.packet(slice(3), 18_000, { marker: true });
      },
    },
  ],
  [
    "SDP without o=, with two s=, bad c=, spaces at line ends",
    {
      sdp: sdpWith("o=- 1 1 IN IP4 127.0.0.1", "s=again \r\nc=IN IP4").replaceAll("\r\n", "  \r\n"),
      play: three,
    },
  ],
  [
    "SDP with the control before the media's type",
    {
      sdp: "v=0\r\nm=video 0 RTP/AVP 96\r\na=control:trackID=1\r\na=rtpmap:96 h264/90000\r\na=fmtp:96 sprop-parameter-sets=Z0LAHg==,aM4G4g==",
      play: three,
    },
  ],
  [
    "SDP with an odd media type, after audio",
    {
      sdp: sdpWith("m=video 0", "m=audio 0 RTP/AVP 0\r\nm=application/x-video 0"),
      play: three,
    },
  ],
  [
    "SDP without parameter sets: they come in the stream",
    {
      sdp: sdpWith(/;sprop[^\r]*/, ""),
      play: (camera) => {
        camera.packet(SPS, 0, { marker: true });
        camera.packet(PPS, 0, { marker: true });
        three(camera);
      },
    },
  ],
  [
    "the marker is never set",
    {
      play: (camera) => {
        for (const [i, unit] of [idr(1), slice(2), slice(3), slice(4)].entries())
          camera.packet(unit, i * 9000);
      },
    },
  ],
  [
    "the marker is set on parameter sets with their own time",
    {
      play: (camera) => {
        camera.packet(SPS, 7, { marker: true });
        camera.packet(PPS, 8, { marker: true });
        three(camera);
      },
    },
  ],
  [
    "a payload type of its own for notes, with doubled numbers (Geovision)",
    {
      play: (camera) => {
        for (const [i, unit] of [idr(1), slice(2), slice(3)].entries()) {
          camera.packet(unit, 9000 * i, { marker: true, sequence: 500 + i });
          camera.packet(Buffer.from("note"), 9000 * i, { payloadType: 50, sequence: 500 + i });
        }
      },
    },
  ],
  [
    "timestamps jump back",
    {
      play: (camera) => {
        camera.packet(idr(1), 4_000_000_000, { marker: true });
        camera.packet(slice(2), 100, { marker: true });
        camera.packet(slice(3), 9100, { marker: true });
      },
    },
  ],
];

for (const [quirk, script] of PLAYS) {
  test(`a camera plays although: ${quirk}`, async () => {
    await using camera = await ScriptedCamera.start(script);
    const { pictures } = await receive({ url: camera.url(), transport: "tcp" }, 3);
    expect(pictures.length).toBeGreaterThanOrEqual(3);
    expect(pictures[0]!.isKey).toBe(true);
    // Each key picture can start a decoder: its parameter sets come with it.
    expect(pictures[0]!.data.indexOf(SPS)).toBeGreaterThan(0);
    expect(camera.methods.at(-1)).toBe("TEARDOWN");
  });
}

/** A camera that wants Digest, and changes its mind about it. */
function guarded(
  check: (
    authorization: string | undefined,
    method: string,
    request: number,
  ) => readonly string[] | undefined,
): CameraScript {
  let request = 0;
  return {
    answer: ({ method, headers }) => {
      const challenges = check(headers.get("authorization"), method, request++);
      return challenges === undefined
        ? undefined
        : { status: 401, fields: challenges.map((value) => ["WWW-Authenticate", value] as const) };
    },
    play: three,
  };
}

const credentials = { user: "admin", password: "p@ss:w/ord#1" };
const CREDENTIALS = "admin:p%40ss%3Aw%2Ford%231@";
const guard = () => new DigestGuard("cam", credentials);

const LOGINS: readonly (readonly [quirk: string, make: () => CameraScript])[] = [
  [
    "several challenges, Basic among them broken (Tapo)",
    () => {
      const digest = guard();
      return guarded((given, method) =>
        digest.allows(given, method) ? undefined : ['Basic realm="cam"', ...digest.challenges],
      );
    },
  ],
  [
    "SHA-256 only (Hikvision)",
    () => {
      const digest = guard();
      const only = digest.challenges.filter((text) => text.includes("SHA-256"));
      return guarded((given, method) =>
        digest.allows(given, method) && given!.includes("SHA-256") ? undefined : only,
      );
    },
  ],
  [
    "Digest without qop and algorithm (RFC 2069)",
    () => {
      const digest = guard();
      const bare = digest.challenges[0]!.replace(/, qop="auth", algorithm=MD5/, "");
      return guarded((given, method) =>
        digest.allows(given, method) && !given!.includes("qop") ? undefined : [bare],
      );
    },
  ],
  [
    "Basic only",
    () => {
      const expected = `Basic ${Buffer.from("admin:p@ss:w/ord#1").toString("base64")}`;
      return guarded((given) => (given === expected ? undefined : ['Basic realm="/"']));
    },
  ],
  [
    "a new nonce for each request, called stale",
    () => {
      let digest = guard();
      return guarded((given, method) => {
        if (digest.allows(given, method)) {
          digest = guard();
          return undefined;
        }
        return digest.challenges.map((text) => `${text}, stale=TRUE`);
      });
    },
  ],
  [
    "a new nonce in the middle, not called stale (Axis)",
    () => {
      let digest = guard();
      let changed = false;
      return guarded((given, method) => {
        if (method === "SETUP" && !changed) {
          changed = true;
          digest = guard();
          return digest.challenges;
        }
        return digest.allows(given, method) ? undefined : digest.challenges;
      });
    },
  ],
  [
    "both challenges in one field, parameters unquoted",
    () => {
      const digest = guard();
      const loose = digest.challenges[0]!.replace('realm="cam"', "realm=cam").replace(
        'qop="auth"',
        "qop=auth,auth-int",
      );
      return guarded((given, method) =>
        digest.allows(given, method) ? undefined : [`Basic realm=cam, ${loose}`],
      );
    },
  ],
  [
    "401 without User-Agent",
    () => ({
      answer: ({ headers }) => (headers.get("user-agent") === undefined ? { status: 401 } : undefined),
      play: three,
    }),
  ],
];

for (const [quirk, make] of LOGINS) {
  test(`a login works although: ${quirk}`, async () => {
    await using camera = await ScriptedCamera.start(make());
    const { pictures } = await receive({ url: camera.url("/s?x=1", CREDENTIALS), transport: "tcp" }, 3);
    expect(fills(pictures)).toEqual([1, 2, 3]);
    expect(camera.requests.every(({ uri }) => !uri.includes("admin"))).toBe(true);
  });
}

test("a wrong password is tried once for each challenge and then refused", async () => {
  await using camera = await ScriptedCamera.start(guarded(() => guard().challenges));
  const play = receive({ url: camera.url("/s", "admin:wrong@"), transport: "tcp" }, 1);
  await expect(play).rejects.toMatchObject({ kind: "refused" });
  expect(camera.requests.length).toBeLessThanOrEqual(3);
});

const REFUSALS: readonly (readonly [what: string, kind: string, words: string, script: CameraScript])[] = [
  ["no credentials where some are wanted", "refused", "wants a user", guarded(() => guard().challenges)],
  ["a path that is not there", "refused", "404", { answer: wants2("DESCRIBE", 404) }],
  ["a camera with too many viewers", "unavailable", "453", { answer: wants2("SETUP", 453) }],
  ["a camera that is busy", "unavailable", "503", { answer: wants2("PLAY", 503) }],
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

function wants2(method: string, status: number) {
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

test("controls are appended to the base, also after a query, and odd bases are passed over", async () => {
  const cases: readonly (readonly [
    base: string | undefined,
    control: string,
    expected: (root: string) => string,
  ])[] = [
    [undefined, "trackID=1", (root) => `${root}/live?channel=1/trackID=1`],
    ["192.168.1.9/live/", "trackID=1", (root) => `${root}/live?channel=1/trackID=1`],
    ["rtsp://rtsp://h/live/", "trackID=1", (root) => `${root}/live?channel=1/trackID=1`],
    ["rtsp://camera.local/live/", "trackID=1", () => "rtsp://camera.local/live/trackID=1"],
    [undefined, "rtsp://10.0.0.1/x/track1", () => "rtsp://10.0.0.1/x/track1"],
    [undefined, "*", (root) => `${root}/live?channel=1`],
  ];
  for (const [base, control, expected] of cases) {
    await using camera = await ScriptedCamera.start({
      sdp: sdpWith("trackID=1", control),
      answer: ({ method }) =>
        method === "DESCRIBE" && base !== undefined ? { fields: [["Content-Base", base]] } : undefined,
      play: three,
    });
    await receive({ url: camera.url("/live?channel=1"), transport: "tcp" }, 3);
    const setUp = camera.requests.find(({ method }) => method === "SETUP");
    expect(setUp?.uri).toBe(expected(camera.url("")));
  }
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
    answer: wants("SETUP", [
      ["Transport", "RTP/AVP/TCP;unicast;interleaved=2-3"],
      ["Session", "1"],
    ]),
    play: (connection) => connection.threePictures({ channel: 2 }),
  });
  const { pictures } = await receive({ url: camera.url(), transport: "udp" }, 3);
  expect(fills(pictures)).toEqual([1, 2, 3]);
});
