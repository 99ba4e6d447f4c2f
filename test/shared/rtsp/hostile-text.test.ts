import { expect, setDefaultTimeout, test } from "bun:test";
import { DigestGuard, parseChallenges } from "../../../shared/rtsp/auth.ts";
import { parseHead } from "../../../shared/rtsp/message.ts";
import { chooseVideo, parseSdp } from "../../../shared/rtsp/sdp.ts";
import {
  BODY_SIZE_BYTES_MAX,
  HEAD_SIZE_BYTES_MAX,
  type RtspItem,
  RtspSplitter,
} from "../../../shared/rtsp/splitter.ts";
import { parseTransports } from "../../../shared/rtsp/transport.ts";
import { controlBase, controlUri, parseRtspUrl } from "../../../shared/rtsp/url.ts";
import { cpuMsOf } from "../../support/cpu-time.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

/**
 * What a stranger may send before a password was asked for, or a camera that somebody else has: it must not hold up the
 * other cameras. Texts that make a careless pattern try again from each of their places took minutes.
 */
const REPEATED = [
  "a",
  " ",
  '"',
  '\\"',
  "\\",
  ",",
  "a=",
  "a ",
  'a="',
  "-",
  ";",
  "1",
  "/",
  "@",
  "[",
  ":",
  "\t \r",
  "\0",
];

const READERS: readonly (readonly [what: string, sizeMax: number, read: (text: string) => unknown])[] = [
  ["challenges", HEAD_SIZE_BYTES_MAX, (text) => parseChallenges([`Digest ${text}`, text])],
  ["an answer to one", HEAD_SIZE_BYTES_MAX, (text) => guard.allows(`Digest ${text}`, "PLAY")],
  ["a message's head", HEAD_SIZE_BYTES_MAX, (text) => parseHead(`RTSP/1.0 200 ${text}\r\nA: ${text}`)],
  ["transports", HEAD_SIZE_BYTES_MAX, (text) => parseTransports(`RTP/AVP;client_port=${text}`)],
  ["addresses", HEAD_SIZE_BYTES_MAX, (text) => parseRtspUrl(`rtsp://${text}@h/${text}`)],
  ["bases and controls", HEAD_SIZE_BYTES_MAX, (text) => controlUri(controlBase("rtsp://h", [text]), text)],
  ["descriptions", BODY_SIZE_BYTES_MAX, (text) => parseSdp(`v=0\r\na=${text}x`)],
  [
    "a stream's attributes",
    BODY_SIZE_BYTES_MAX,
    (text) =>
      chooseVideo(parseSdp(`m=video 0 RTP/AVP 26\r\na=rtpmap:26 ${text}x\r\na=framesize:26 ${text}x`)),
  ],
];
const guard = new DigestGuard("vigia", { user: "viewer", password: "secret" });

test.each(READERS)("%s as long as they may be are read, or refused, in no time", async (_, sizeMax, read) => {
  for (const part of REPEATED) {
    const tookMs = await cpuMsOf(() => {
      try {
        read(part.repeat(sizeMax / part.length));
      } catch {
        // Refused, which is as good.
      }
    });
    expect([part, tookMs < 3000]).toEqual([part, true]);
  }
});

test("a body that comes byte by byte is put together once, and what follows it is read", async () => {
  const body = "b".repeat(BODY_SIZE_BYTES_MAX);
  const head = `ANNOUNCE rtsp://h/ RTSP/1.0\r\nContent-Length: ${body.length}\r\n\r\n`;
  const packet = Buffer.from([0x24, 0, 0, 3, 1, 2, 3]);
  const all = Buffer.concat([Buffer.from(head + body), packet, packet]);
  const items: RtspItem[] = [];
  const splitter = new RtspSplitter();
  const tookMs = await cpuMsOf(() => {
    for (let at = 0; at < all.length; at++) items.push(...splitter.push(all.subarray(at, at + 1)));
  });
  expect(items.map(({ kind }) => kind)).toEqual(["request", "interleaved", "interleaved"]);
  const [request] = items;
  expect(request?.kind === "request" && request.body.toString() === body).toBe(true);
  expect(tookMs).toBeLessThan(3000);
});
