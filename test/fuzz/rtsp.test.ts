import { expect, test } from "bun:test";
import { AppError } from "../../shared/base/errors.ts";
import { Random } from "../../shared/base/random.ts";
import type { Depacketizer } from "../../shared/rtsp/access-unit.ts";
import { Authenticator, DigestGuard, parseChallenges } from "../../shared/rtsp/auth.ts";
import { h264Depacketizer } from "../../shared/rtsp/h264.ts";
import { h265Depacketizer } from "../../shared/rtsp/h265.ts";
import { jpegDepacketizer, jpegFileHeader } from "../../shared/rtsp/jpeg.ts";
import { packetizeJpeg, rtpJpeg } from "../../shared/rtsp/jpeg-packetizer.ts";
import { quantizationTables } from "../../shared/rtsp/jpeg-tables.ts";
import { parseRtcp, receiverReport, senderReport } from "../../shared/rtsp/rtcp.ts";
import { formatRtp, PacketOrder, parseRtp } from "../../shared/rtsp/rtp.ts";
import { chooseVideo, parseSdp } from "../../shared/rtsp/sdp.ts";
import { RtspSplitter } from "../../shared/rtsp/splitter.ts";
import { parseTransports } from "../../shared/rtsp/transport.ts";
import { controlBase, controlUri, parseRtspUrl } from "../../shared/rtsp/url.ts";
import { H264_SDP } from "../shared/rtsp/scripted-camera.ts";

/*
 * Whatever a camera or a player sends, a parser answers with a value or an `AppError`, at once. VIGIA_FUZZ sets the
 * number of inputs for each parser, VIGIA_FUZZ_SEED where they begin.
 */
const INPUTS = Number(process.env.VIGIA_FUZZ ?? 3000);
const SEED = Number(process.env.VIGIA_FUZZ_SEED ?? 1);
/** The whole run of one parser may take so long for each thousand inputs; a hang or a quadratic step shows. */
const MS_PER_THOUSAND = 1500;

/** A sound input with some of its bytes changed, taken out, doubled or cut off; or noise. */
function mutated(random: Random, seeds: readonly Buffer[]): Buffer {
  if (random.chance(0.05))
    return Buffer.from(Array.from({ length: random.below(200) }, () => random.below(256)));
  let data = Buffer.from(random.pick(seeds));
  for (let changes = 1 + random.below(6); changes > 0; changes--) {
    const at = random.below(data.length + 1);
    const kind = random.below(6);
    if (kind === 0 && data.length > 0) data[Math.min(at, data.length - 1)] = random.below(256);
    if (kind === 1) data = data.subarray(0, at);
    if (kind === 2) data = Buffer.concat([data.subarray(0, at), data.subarray(at + 1 + random.below(8))]);
    if (kind === 3)
      data = Buffer.concat([data.subarray(0, at), data.subarray(Math.max(0, at - 1 - random.below(40)))]);
    if (kind === 4) data = Buffer.concat([data.subarray(0, at), random.pick(seeds)]);
    if (kind === 5 && data.length > 0)
      data[Math.min(at, data.length - 1)] = random.pick([0, 1, 0x7f, 0x80, 0xff]);
    if (data.length > 20_000) data = data.subarray(0, 20_000);
  }
  return data;
}

function fuzz(name: string, seeds: readonly Buffer[], parse: (input: Buffer, random: Random) => void): void {
  test(
    `${name}: any input gives a value or a reason`,
    () => {
      const since = performance.now();
      for (let i = 0; i < INPUTS; i++) {
        const random = new Random(name, SEED + i);
        const input = mutated(random, seeds);
        try {
          parse(input, random);
        } catch (error) {
          if (error instanceof AppError && error.kind !== "bug") continue;
          throw new Error(`input ${SEED + i}: ${input.toString("base64").slice(0, 4000)}`, { cause: error });
        }
      }
      expect(performance.now() - since).toBeLessThan((INPUTS / 1000) * MS_PER_THOUSAND + 1000);
    },
    Math.max(5000, INPUTS * 2),
  );
}

const messages = [
  "OPTIONS rtsp://h/x RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: a\r\n\r\n",
  "RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Length: 5\r\nSession: 1;timeout=60\r\n\r\nhello$\0\0\x04abcd",
  '$\0\0\x0c\x80\x60\0\x01\0\0\0\0\0\0\0\x01RTSP/1.0 401 No\nWWW-Authenticate: Digest realm="x"\n\n',
].map((text) => Buffer.from(text, "latin1"));

fuzz("RTSP stream", messages, (input, random) => {
  const splitter = new RtspSplitter((channel) => channel < 2);
  let yielded = 0;
  for (let at = 0; at < input.length; ) {
    const size = 1 + random.below(60);
    for (const item of splitter.push(input.subarray(at, at + size))) {
      if (item.kind === "interleaved") yielded += item.data.length;
    }
    at += size;
  }
  expect(yielded).toBeLessThanOrEqual(input.length);
});

fuzz(
  "SDP",
  [
    Buffer.from(H264_SDP),
    Buffer.from("v=0\r\nm=video 0 RTP/AVP 26\r\na=framesize:26 640-480\r\na=cliprect:0,0,480,640"),
  ],
  (input) => {
    const format = chooseVideo(parseSdp(input.toString("latin1")));
    h264Depacketizer(format);
    h265Depacketizer(format);
  },
);

const guard = new DigestGuard("r", { user: "u", password: "p" });
const challenges = [...guard.challenges, 'Basic realm="r", Digest realm=r, nonce=x, stale=true'].map((text) =>
  Buffer.from(text),
);
fuzz("authentication", challenges, (input) => {
  const text = input.toString("latin1");
  parseChallenges([text]);
  const client = new Authenticator({ user: "u", password: "p" }, () => "c");
  if (client.challenged([text])) client.authorization("DESCRIBE", "rtsp://h/");
  expect(guard.allows(text, "DESCRIBE")).toBe(false);
});

fuzz(
  "addresses and transports",
  ["rtsp://u:p@h:554/a?b=1", "RTP/AVP/TCP;unicast;interleaved=0-1,RTP/AVP;client_port=4-5;ssrc=1F"].map(
    (text) => Buffer.from(text),
  ),
  (input) => {
    const text = input.toString("latin1");
    parseTransports(text);
    controlUri(controlBase("rtsp://h/x", [text]), text);
    parseRtspUrl(text);
  },
);

const rtp = (payload: Buffer, marker = true, sequence = 1) =>
  formatRtp({ payloadType: 96, marker, sequence, timestamp: sequence >> 2, ssrc: 1, payload });
const now = { ssrc: 1, wallMs: 1e12, rtpTimestamp: 5, packets: 1, octets: 2 };
fuzz("RTP and RTCP", [rtp(Buffer.from("abc")), receiverReport(7), senderReport(now)], (input) => {
  for (const _report of parseRtcp(input));
  const packet = parseRtp(input);
  if (packet !== undefined) expect(packet.payload.length).toBeLessThanOrEqual(input.length);
});

const header = jpegFileHeader({
  width: 64,
  height: 64,
  kind: 1,
  tables: quantizationTables(50),
  restartInterval: 2,
});
const jpegFile = Buffer.concat([header, Buffer.alloc(3000, 0x55), Buffer.from([0xff, 0xd9])]);
fuzz("JPEG file", [jpegFile], (input) => {
  const parts = rtpJpeg(input);
  if (parts !== undefined) packetizeJpeg(parts);
});

/** A stream of packets, each changed, some lost or out of order, through a depacketizer. */
function fuzzPayload(name: string, payloads: readonly Buffer[], open: () => Depacketizer): void {
  let depacketizer = open();
  let order = new PacketOrder(0);
  fuzz(name, payloads, (payload, random) => {
    const one = random.below(400);
    if (one === 0) depacketizer = open();
    if (one < 3) order = new PacketOrder(random.pick([0, 16]));
    const packet = parseRtp(rtp(payload, random.chance(0.4), random.below(80)));
    for (const { packet: next, lostBefore } of order.push(packet!)) {
      for (const { data, packets } of depacketizer.push(next, lostBefore)) {
        expect(data.length).toBeGreaterThan(0);
        expect(packets.length).toBeGreaterThan(0);
      }
    }
  });
}

const format = chooseVideo(parseSdp(H264_SDP));
fuzzPayload(
  "H.264 payloads",
  [
    [0x67, 1, 2],
    [0x65, 0x88, 4],
    [0x78, 0, 2, 0x67, 1, 0, 2, 0x68, 2],
    [0x7c, 0x85, 1, 2],
    [0x7c, 0x45, 3],
    [0x41, 0x9a],
  ].map((bytes) => Buffer.from(bytes)),
  () => h264Depacketizer(format),
);
fuzzPayload(
  "H.265 payloads",
  [
    [0x40, 1, 1],
    [0x26, 1, 0x80, 4],
    [0x60, 1, 0, 3, 0x42, 1, 0, 0, 2, 0x44, 1],
    [0x62, 1, 0x93, 1],
    [0x62, 1, 0x53, 3],
    [0x02, 1, 0x80],
  ].map((bytes) => Buffer.from(bytes)),
  () => h265Depacketizer(format),
);
fuzzPayload("JPEG payloads", packetizeJpeg(rtpJpeg(jpegFile)!), () => jpegDepacketizer(format));
