import type { Random } from "../../../shared/base/random.ts";
import { readHeader } from "../../../shared/image/header.ts";
import {
  type CodedPicture,
  type Depacketizer,
  PICTURE_SIZE_BYTES_MAX,
} from "../../../shared/rtsp/access-unit.ts";
import { h264Depacketizer } from "../../../shared/rtsp/h264.ts";
import { h265Depacketizer } from "../../../shared/rtsp/h265.ts";
import { jpegDepacketizer, jpegFileHeader } from "../../../shared/rtsp/jpeg.ts";
import { packetizeJpeg, rtpJpeg } from "../../../shared/rtsp/jpeg-packetizer.ts";
import { quantizationTables } from "../../../shared/rtsp/jpeg-tables.ts";
import { parseRtcp, receiverReport, senderReport } from "../../../shared/rtsp/rtcp.ts";
import { formatRtp, PacketOrder, parseRtp } from "../../../shared/rtsp/rtp.ts";
import { chooseVideo, parseSdp } from "../../../shared/rtsp/sdp.ts";
import { H264_SDP } from "../../shared/rtsp/scripted-camera.ts";
import { claim, type FuzzTarget, joinParts, mutated, partsOf } from "../target.ts";

const packetOf = (payload: Buffer, sequence: number, timestamp: number, marker: boolean) =>
  formatRtp({ payloadType: 96, marker, sequence, timestamp, ssrc: 1, payload });

const now = { ssrc: 1, wallMs: 1e12, rtpTimestamp: 5, packets: 1, octets: 2 };
const extended = Buffer.from("90600001000000000000000100d80001aabbccddeeff", "hex");
const PACKETS = [
  packetOf(Buffer.from("abc"), 1, 0, true),
  extended,
  receiverReport(7),
  senderReport(now),
  Buffer.concat([senderReport(now), Buffer.from("81cb000100000001", "hex")]),
];

/** One packet of either kind. */
const packet: FuzzTarget = {
  name: "rtp-packet",
  refuses: "protocol",
  make: (random) => mutated(random, PACKETS),
  run(input) {
    const reports = [...parseRtcp(input)];
    claim(reports.length <= input.length / 8, "a report has eight bytes");
    const read = parseRtp(input);
    const told = reports.map(({ kind }) => kind).join(" ");
    if (read === undefined) return `no packet ${told}`;
    const { payload, extension } = read;
    claim(
      payload.length + (extension?.data.length ?? 0) + 12 <= input.length,
      "a payload lies in its packet",
    );
    return `a packet ${told}${extension === undefined ? "" : " with an extension"}`;
  },
};

const SESSION_PACKETS_MAX = 12;
/** One session in so many is long, so that what a session keeps would show. */
const LONG_SESSION_EVERY = 500;

/**
 * Packets of a session: a stream's payloads in their order or out of it, some changed, some lost, late or doubled,
 * with times and marks as they should be or not.
 */
function session(random: Random, payloads: readonly Buffer[]): Buffer {
  const count = random.below(LONG_SESSION_EVERY) === 0 ? 200 : 1 + random.below(SESSION_PACKETS_MAX);
  let [sequence, timestamp, place] = [random.below(65_536), random.u32(), random.below(payloads.length)];
  const parts: Buffer[] = [];
  for (let i = 0; i < count; i++) {
    const payload = random.chance(0.6) ? payloads[place]! : mutated(random, payloads);
    place = random.chance(0.9) ? (place + 1) % payloads.length : random.below(payloads.length);
    const marker = random.chance(place === 0 ? 0.9 : 0.1);
    const whole = packetOf(payload, sequence, timestamp, marker);
    parts.push(random.chance(0.05) ? mutated(random, [whole]) : whole);
    sequence = (sequence + (random.chance(0.9) ? 1 : random.below(9) - 3)) & 0xffff;
    if (random.chance(place === 0 ? 0.9 : 0.05)) timestamp = (timestamp + 9000) >>> 0;
    if (random.chance(0.01)) timestamp = random.u32();
  }
  return joinParts(parts);
}

/** Packets put in order, then into pictures. A picture that comes out is whole. */
function payloadTarget(
  name: string,
  payloads: readonly Buffer[],
  open: () => Depacketizer,
  isPicture: (picture: CodedPicture) => boolean,
): FuzzTarget {
  return {
    name,
    refuses: "protocol",
    make: (random) => session(random, payloads),
    run(input) {
      // UDP's patience or TCP's order, by the input's length: half of the sessions each.
      let nowMs = 0;
      const order = new PacketOrder(input.length % 2 === 0 ? 0 : 16, () => (nowMs += 20));
      const depacketizer = open();
      let pictures = 0;
      for (const part of partsOf(input)) {
        const read = parseRtp(part);
        if (read === undefined) continue;
        for (const { packet: next, lostBefore } of order.push(read)) {
          for (const picture of depacketizer.push(next, lostBefore)) {
            claim(picture.packets.length > 0, "a picture has packets");
            claim(
              picture.data.length < PICTURE_SIZE_BYTES_MAX + 1000,
              "a picture is no larger than its limit",
            );
            claim(isPicture(picture), "what comes out is a picture");
            pictures++;
          }
        }
      }
      return `${Math.min(pictures, 5)} pictures, ${Math.min(depacketizer.damaged, 3)} damaged, ${order.lost > 0 ? "losses" : "whole"}`;
    },
  };
}

const bytes = (...units: number[][]) => units.map((unit) => Buffer.from(unit));
const beginsWithStartCode = ({ data }: CodedPicture) => data.length > 4 && data.readUInt32BE(0) === 1;
const format = chooseVideo(parseSdp(H264_SDP));

const h264 = payloadTarget(
  "h264-session",
  bytes(
    [0x67, 1, 2],
    [0x68, 3],
    [0x65, 0x88, 4],
    [0x78, 0, 2, 0x67, 1, 0, 2, 0x68, 2],
    [0x7c, 0x85, 0x88, 2],
    [0x7c, 0x05, 7],
    [0x7c, 0x45, 3],
    [0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x65, 0x88, 0, 0],
    [0x06, 0x06, 1, 0x84],
    [0x41, 0x9a],
  ),
  () => h264Depacketizer(format),
  beginsWithStartCode,
);

const h265 = payloadTarget(
  "h265-session",
  bytes(
    [0x40, 1, 1],
    [0x26, 1, 0x80, 4],
    [0x60, 1, 0, 3, 0x42, 1, 0, 0, 2, 0x44, 1],
    [0x62, 1, 0x93, 0x81],
    [0x62, 1, 0x13, 9],
    [0x62, 1, 0x53, 3],
    [0x02, 1, 0x80],
  ),
  () => h265Depacketizer(format),
  beginsWithStartCode,
);

const header = jpegFileHeader({
  width: 64,
  height: 64,
  kind: 1,
  tables: quantizationTables(50),
  restartInterval: 2,
});
export const jpegFile = Buffer.concat([header, Buffer.alloc(3000, 0x55), Buffer.from([0xff, 0xd9])]);

const jpeg = payloadTarget(
  "jpeg-session",
  packetizeJpeg(rtpJpeg(jpegFile)!),
  () => jpegDepacketizer(format),
  ({ data, size }) => {
    const read = readHeader(data);
    return typeof read === "object" && read.width === size?.width && read.height === size.height;
  },
);

export const packetTargets: readonly FuzzTarget[] = [packet, h264, h265, jpeg];
