import { readFileSync } from "node:fs";
import type { CodedPicture } from "../../shared/rtsp/access-unit.ts";
import { joinAnnexB, splitAnnexB } from "../../shared/rtsp/nal.ts";
import type { PublishedFormat } from "../../shared/rtsp/publication.ts";
import type { RtpPacket } from "../../shared/rtsp/rtp.ts";

const CLOCK_RATE = 90_000;
const PAYLOAD_SIZE_BYTES_MAX = 1400;
const PAYLOAD_TYPE = 96;
const [IDR_SLICE, SPS, PPS, FU_A] = [5, 7, 8, 28];

/** An H.264 file cut into pictures, ready to be sent: sending costs next to nothing. */
export interface H264File {
  readonly format: PublishedFormat;
  readonly pictures: readonly (Pick<CodedPicture, "isKey"> & { readonly payloads: readonly Buffer[] })[];
}

/** Reads a file in Annex B with one slice a picture. */
export function readH264File(path: string): H264File {
  const pictures: { isKey: boolean; payloads: Buffer[] }[] = [];
  const parameters = new Map<number, Buffer>();
  let units: Buffer[] = [];
  for (const unit of splitAnnexB(readFileSync(path))) {
    const type = unit[0]! & 0x1f;
    if (type === SPS || type === PPS) parameters.set(type, unit);
    units.push(unit);
    if (type < 1 || type > IDR_SLICE) continue;
    pictures.push({ isKey: type === IDR_SLICE, payloads: units.flatMap(payloadsOf) });
    units = [];
  }
  const sets = [...parameters.values()].map((set) => set.toString("base64")).join(",");
  const fmtp = `packetization-mode=1;sprop-parameter-sets=${sets}`;
  return {
    format: {
      payloadType: PAYLOAD_TYPE,
      encoding: "H264",
      clockRate: CLOCK_RATE,
      fmtp,
      size: undefined,
    },
    pictures,
  };
}

/** The picture at a place of a file played over and over, as a publication takes it. */
export function pictureAt({ pictures }: H264File, place: number, framesPerSecond: number): CodedPicture {
  const { isKey, payloads } = pictures[place % pictures.length]!;
  const timestamp = Math.round((place * CLOCK_RATE) / framesPerSecond) >>> 0;
  const packets = payloads.map(
    (payload, at): RtpPacket => ({
      payloadType: PAYLOAD_TYPE,
      marker: at === payloads.length - 1,
      sequence: 0,
      timestamp,
      ssrc: 0,
      payload,
      extension: undefined,
    }),
  );
  return { timestamp, isKey, isClean: isKey, data: joinAnnexB([]), packets };
}

/** A unit in packets: whole, or in fragments (RFC 6184 section 5.8). */
function payloadsOf(unit: Buffer): Buffer[] {
  if (unit.length <= PAYLOAD_SIZE_BYTES_MAX) return [unit];
  const payloads: Buffer[] = [];
  const indicator = (unit[0]! & 0xe0) | FU_A;
  for (let at = 1; at < unit.length; at += PAYLOAD_SIZE_BYTES_MAX) {
    const end = Math.min(unit.length, at + PAYLOAD_SIZE_BYTES_MAX);
    const flags = (at === 1 ? 0x80 : 0) | (end === unit.length ? 0x40 : 0) | (unit[0]! & 0x1f);
    payloads.push(Buffer.concat([Buffer.from([indicator, flags]), unit.subarray(at, end)]));
  }
  return payloads;
}
