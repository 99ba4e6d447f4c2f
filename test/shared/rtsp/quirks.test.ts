import { expect, setDefaultTimeout, test } from "bun:test";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { receive } from "./play.ts";
import {
  answering,
  type CameraScript,
  H264_SDP,
  idr,
  PPS,
  ScriptedCamera,
  SPS,
  sdpWith,
  slice,
  three,
} from "./scripted-camera.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

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
      answer: answering("SETUP", [
        ["Transport", "RTP/AVP/TCP;unicast;interleaved=6-7"],
        ["Session", "1"],
      ]),
      play: (camera) => camera.threePictures({ channel: 6 }),
    },
  ],
  [
    "the server answers RTP/AVP and sends interleaved (Escam)",
    {
      answer: answering("SETUP", [
        ["Transport", "RTP/AVP;unicast;server_port=5000-5001"],
        ["Session", "1"],
      ]),
      play: three,
    },
  ],
  [
    "the server leaves out the Transport field",
    { answer: answering("SETUP", [["Session", "1"]]), play: three },
  ],
  [
    "ssrc= with a space and rubbish, a trailing semicolon",
    {
      answer: answering("SETUP", [
        ["Transport", "RTP/AVP/TCP;unicast;interleaved=0-1;ssrc= 66B9;"],
        ["Session", "1;"],
      ]),
      play: three,
    },
  ],
  [
    "the announced ssrc is not the sender's",
    {
      answer: answering("SETUP", [
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
    "RTP-Info with numbers that are not the stream's, a negative time among them",
    {
      answer: answering("PLAY", [["RTP-Info", "url=rtsp://h/trackID=1;seq=0;rtptime=-1847"]]),
      play: three,
    },
  ],
  [
    "the description comes without Content-Type",
    { answer: ({ method }) => (method === "DESCRIBE" ? { body: H264_SDP } : undefined), play: three },
  ],
  [
    "parameter sets in the SDP that are no base64",
    {
      sdp: sdpWith(/sprop-parameter-sets=[^\r]*/, "sprop-parameter-sets=%%%,-"),
      play: (camera) => {
        camera.packet(SPS, 0);
        camera.packet(PPS, 0);
        three(camera);
      },
    },
  ],
  [
    "timestamps leap ahead by a minute, and run backwards",
    {
      play: (camera) => {
        camera.packet(idr(1), 900_000, { marker: true });
        camera.packet(slice(2), 900_000 + 60 * 90_000, { marker: true });
        camera.packet(slice(3), 90_000, { marker: true });
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

test("controls are appended to the base, also after a query, and odd bases are passed over", async () => {
  const cases: readonly (readonly [
    base: string | undefined,
    control: string,
    expected: (root: string) => string,
  ])[] = [
    [undefined, "trackID=1", (root) => `${root}/live?channel=1/trackID=1`],
    ["192.168.1.9/live/", "trackID=1", (root) => `${root}/live?channel=1/trackID=1`],
    ["rtsp://rtsp://h/live/", "trackID=1", (root) => `${root}/live?channel=1/trackID=1`],
    ["rtsp://fe80::1/live/", "trackID=1", (root) => `${root}/live?channel=1/trackID=1`],
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

test("a camera that asks whether somebody is there is answered", async () => {
  await using camera = await ScriptedCamera.start({
    play: async (connection) => {
      connection.write("OPTIONS rtsp://127.0.0.1/ RTSP/1.0\r\nCSeq: 77\r\n\r\n");
      connection.write("ANNOUNCE rtsp://127.0.0.1/ RTSP/1.0\r\nCSeq: 78\r\n\r\n");
      while (camera.responses.length < 2) await Bun.sleep(1);
      three(connection);
    },
  });
  await receive({ url: camera.url(), transport: "tcp" }, 3);
  const said = camera.responses.map(({ status, headers }) => [headers.get("cseq"), status]);
  expect(said).toEqual([
    ["77", 200],
    ["78", 501],
  ]);
});

test("fields are written as the strictest cameras want them, and nothing is sent that some end the session for", async () => {
  await using camera = await ScriptedCamera.start({ play: three });
  await receive({ url: camera.url(), transport: "tcp" }, 3);
  for (const message of camera.heard.split("\r\n\r\n").filter((text) => text !== "")) {
    expect(message).toMatch(/\r\nCSeq: \d+\r\n/);
    expect(message).toContain("\r\nUser-Agent: ");
  }
  expect(camera.methods).toEqual(["OPTIONS", "DESCRIBE", "SETUP", "PLAY", "TEARDOWN"]);
});
