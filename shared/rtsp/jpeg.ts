import {
  type CodedPicture,
  type Depacketizer,
  PICTURE_PACKET_COUNT_MAX,
  PICTURE_SIZE_BYTES_MAX,
} from "./access-unit.ts";
import { quantizationTables, STANDARD_HUFFMAN } from "./jpeg-tables.ts";
import type { RtpPacket } from "./rtp.ts";
import type { VideoFormat } from "./sdp.ts";

/** The fields before each payload's scan data, RFC 2435 section 3.1. */
interface JpegHeader {
  readonly offset: number;
  readonly type: number;
  readonly q: number;
  readonly width: number;
  readonly height: number;
  readonly restartInterval: number;
  /** Tables in the packet; empty when they are the ones that came before with this Q. */
  readonly tables: Buffer | undefined;
  readonly scan: Buffer;
}

/** The extension in which ONVIF cameras send the JPEG header segments (ONVIF Streaming Specification 5.1.4). */
const ONVIF_PROFILES: readonly number[] = [0xffd8, 0xffff];

export function jpegDepacketizer(format: VideoFormat): Depacketizer {
  return new JpegDepacketizer(format.size);
}

/**
 * Puts RTP/JPEG (RFC 2435) back into JPEG files, with the Huffman tables that RTP leaves out. Each fragment must
 * continue where the last one ended, else the picture is given up.
 */
class JpegDepacketizer implements Depacketizer {
  readonly #sdpSize: VideoFormat["size"];
  /** Tables by Q from 128 on: a camera may send them once and refer to them afterwards, even by 255 (which must not be). */
  readonly #tables = new Map<number, Buffer>();
  #first: { readonly header: JpegHeader; readonly size: { width: number; height: number } } | undefined;
  #parts: Buffer[] = [];
  #packets: RtpPacket[] = [];
  #held = 0;
  #timestamp = 0;
  damaged = 0;

  constructor(sdpSize: VideoFormat["size"]) {
    this.#sdpSize = sdpSize;
  }

  *push(packet: RtpPacket, lostBefore: number): Generator<CodedPicture> {
    const header = parseJpegHeader(packet.payload);
    const continues = this.#first !== undefined && packet.timestamp === this.#timestamp && lostBefore === 0;
    if (this.#first !== undefined && (!continues || header?.offset !== this.#held)) this.#giveUp();
    if (header === undefined) return;
    if (header.offset === 0) this.#begin(header, packet);
    if (this.#first === undefined) return; // its beginning is missing
    this.#parts.push(header.scan);
    this.#packets.push(packet);
    this.#held += header.scan.length;
    const isTooLarge = this.#held > PICTURE_SIZE_BYTES_MAX || this.#packets.length > PICTURE_PACKET_COUNT_MAX;
    if (isTooLarge) return this.#giveUp();
    if (packet.marker) yield* this.#finish();
  }

  #begin(header: JpegHeader, packet: RtpPacket): void {
    if (header.q >= 128 && header.tables !== undefined && header.tables.length > 0) {
      this.#tables.set(header.q, Buffer.from(header.tables));
    }
    this.#timestamp = packet.timestamp;
    this.#parts = [];
    this.#packets = [];
    this.#held = 0;
    this.#first = { header, size: trueSize(header, onvifSize(packet) ?? this.#sdpSize) };
  }

  *#finish(): Generator<CodedPicture> {
    const { header, size } = this.#first!;
    const packets = this.#packets;
    const tables = header.q < 128 ? quantizationTables(header.q) : this.#tables.get(header.q);
    const scan = Buffer.concat(this.#parts);
    const kind = header.type & 63;
    if (tables === undefined || kind > 1 || size.width === 0 || size.height === 0) return this.#giveUp();
    this.#first = undefined;
    const data = Buffer.concat([
      jpegFileHeader({ ...size, kind, tables, restartInterval: header.restartInterval }),
      ...(endsWithEoi(scan) ? [scan] : [scan, Buffer.from([0xff, 0xd9])]),
    ]);
    yield { timestamp: this.#timestamp, isKey: true, isClean: true, data, packets, size };
  }

  #giveUp(): void {
    this.damaged++;
    this.#first = undefined;
    this.#parts = [];
    this.#packets = [];
    this.#held = 0;
  }
}

/** Reads the headers of one payload; `undefined` when it is too short for what it claims. */
export function parseJpegHeader(payload: Buffer): JpegHeader | undefined {
  if (payload.length < 8) return undefined;
  const offset = payload.readUIntBE(1, 3);
  const [type, q] = [payload[4]!, payload[5]!];
  let at = 8;
  let restartInterval = 0;
  if (type >= 64 && type <= 127) {
    if (payload.length < at + 4) return undefined;
    restartInterval = payload.readUInt16BE(at);
    at += 4;
  }
  let tables: Buffer | undefined;
  if (q >= 128 && offset === 0) {
    if (payload.length < at + 4) return undefined;
    const precision = payload[at + 1]!;
    const length = payload.readUInt16BE(at + 2);
    at += 4;
    if (payload.length < at + length) return undefined;
    // 16-bit tables do not occur in baseline JPEG; one table serves luma and chroma.
    if (length !== 0 && (precision !== 0 || (length !== 64 && length !== 128))) return undefined;
    const given = payload.subarray(at, at + length);
    tables = length === 64 ? Buffer.concat([given, given]) : given;
    at += length;
  }
  return {
    offset,
    type,
    q,
    width: payload[6]! * 8,
    height: payload[7]! * 8,
    restartInterval,
    tables,
    scan: payload.subarray(at),
  };
}

/**
 * The size field has 8 bits for eighths, so it holds at most 2040 pixels: larger pictures come as 0, or with the high
 * bits cut off. What SDP or the ONVIF extension says wins when it agrees with the bits that are there; otherwise
 * usual sizes of cameras are recognised by their low bits.
 */
function trueSize(
  { width, height }: JpegHeader,
  told: { readonly width: number; readonly height: number } | undefined,
): { width: number; height: number } {
  const agrees = (field: number, side: number) => field === 0 || field === (Math.ceil(side / 8) * 8) % 2048;
  if (told !== undefined && agrees(width, told.width) && agrees(height, told.height)) return told;
  const large = LARGE_SIZES.find(
    (size) => agrees(width, size.width) && agrees(height, size.height) && !(width === 0 && height === 0),
  );
  // A real picture of the cut-off size would be this much wider or taller than any camera's.
  const odd = width === 0 || height === 0 || width / height < 0.6 || width / height > 3.6;
  return odd && large !== undefined ? { ...large } : { width, height };
}

const LARGE_SIZES = [
  { width: 2048, height: 1536 },
  { width: 2304, height: 1296 },
  { width: 2304, height: 1536 },
  { width: 2560, height: 1440 },
  { width: 2560, height: 1920 },
  { width: 2592, height: 1520 },
  { width: 2592, height: 1944 },
  { width: 2688, height: 1520 },
  { width: 3072, height: 2048 },
  { width: 3840, height: 2160 },
] as const;

/** Width and height from a start-of-frame segment in the ONVIF header extension. */
function onvifSize({ extension }: RtpPacket): { width: number; height: number } | undefined {
  if (extension === undefined || !ONVIF_PROFILES.includes(extension.profile)) return undefined;
  const { data } = extension;
  for (let at = 0; at + 9 <= data.length; ) {
    if (data[at] !== 0xff) return undefined;
    if (data[at + 1] === 0xc0) return { width: data.readUInt16BE(at + 7), height: data.readUInt16BE(at + 5) };
    at += 2 + data.readUInt16BE(at + 2);
  }
  return undefined;
}

function endsWithEoi(scan: Buffer): boolean {
  return scan.length >= 2 && scan.at(-2) === 0xff && scan.at(-1) === 0xd9;
}

/** Everything before the scan data: tables, frame and scan headers (RFC 2435 appendix B). */
export function jpegFileHeader(picture: {
  readonly width: number;
  readonly height: number;
  /** 0: 4:2:2, 1: 4:2:0. */
  readonly kind: number;
  /** Luma and chroma, 64 bytes each, in zigzag order. */
  readonly tables: Buffer;
  readonly restartInterval: number;
}): Buffer {
  const { width, height, kind, tables, restartInterval } = picture;
  const segment = (marker: number, body: Buffer) => {
    const head = Buffer.from([0xff, marker, 0, 0]);
    head.writeUInt16BE(body.length + 2, 2);
    return Buffer.concat([head, body]);
  };
  const sampling = kind === 0 ? 0x21 : 0x22;
  const frame = Buffer.from([8, 0, 0, 0, 0, 3, 1, sampling, 0, 2, 0x11, 1, 3, 0x11, 1]);
  frame.writeUInt16BE(height, 1);
  frame.writeUInt16BE(width, 3);
  const interval = Buffer.from([restartInterval >> 8, restartInterval & 0xff]);
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xdb, Buffer.concat([Buffer.from([0]), tables.subarray(0, 64)])),
    segment(0xdb, Buffer.concat([Buffer.from([1]), tables.subarray(64, 128)])),
    ...(restartInterval > 0 ? [segment(0xdd, interval)] : []),
    segment(0xc0, frame),
    ...STANDARD_HUFFMAN.map(({ id, bytes }) => segment(0xc4, Buffer.concat([Buffer.from([id]), bytes]))),
    segment(0xda, Buffer.from([3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0])),
  ]);
}
