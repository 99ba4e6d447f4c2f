import { STANDARD_HUFFMAN } from "./jpeg-tables.ts";

/** A JPEG file, taken apart as far as RTP/JPEG (RFC 2435) can carry it. */
export interface RtpJpeg {
  readonly width: number;
  readonly height: number;
  /** 0: 4:2:2, 1: 4:2:0. */
  readonly kind: 0 | 1;
  /** Luma and chroma, 64 bytes each, in zigzag order. */
  readonly tables: Buffer;
  readonly restartInterval: number;
  /** Scan data with its end marker. */
  readonly scan: Buffer;
}

/** The size field has 8 bits for eighths of a side. */
export const RTP_JPEG_SIDE_PX_MAX = 2040;
/** Fragments say with 24 bits where they lie. */
const SCAN_SIZE_BYTES_MAX = 0xffffff;
/** Packets with their headers fit an Ethernet frame. */
const PAYLOAD_SIZE_BYTES_MAX = 1400;

/**
 * Takes a file apart. `undefined` when RTP cannot carry it: not baseline, grey, other sampling than 4:2:0 or 4:2:2,
 * Huffman tables of its own, 16-bit tables, a side over 2040 pixels, scan data over 16 MB, or damaged.
 */
export function rtpJpeg(file: Uint8Array): RtpJpeg | undefined {
  const data = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const tables = new Map<number, Buffer>();
  let frame: Buffer | undefined;
  let restartInterval = 0;
  if (data.length < 4 || data.readUInt16BE(0) !== 0xffd8) return undefined;
  for (let at = 2; at + 4 <= data.length; ) {
    if (data[at] !== 0xff) return undefined;
    const marker = data[at + 1]!;
    if (marker === 0xff) {
      at++;
      continue;
    }
    const end = at + 2 + data.readUInt16BE(at + 2);
    if (end > data.length || end < at + 4) return undefined;
    const body = data.subarray(at + 4, end);
    if (marker === 0xdb && !takeTables(body, tables)) return undefined;
    if (marker === 0xc4 && !isStandardHuffman(body)) return undefined;
    if (marker === 0xc0) frame = body;
    else if (marker >= 0xc1 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8) return undefined;
    if (marker === 0xdd && body.length >= 2) restartInterval = body.readUInt16BE(0);
    if (marker === 0xda) return assembled(frame, tables, restartInterval, data.subarray(end));
    at = end;
  }
  return undefined;
}

function takeTables(body: Buffer, tables: Map<number, Buffer>): boolean {
  for (let at = 0; at < body.length; at += 65) {
    if (body[at]! > 3 || at + 65 > body.length) return false; // 16-bit tables, or cut
    tables.set(body[at]!, body.subarray(at + 1, at + 65));
  }
  return true;
}

function isStandardHuffman(body: Buffer): boolean {
  for (let at = 0; at + 17 <= body.length; ) {
    const count = body.subarray(at + 1, at + 17).reduce((sum, codes) => sum + codes, 0);
    const table = body.subarray(at + 1, at + 17 + count);
    const standard = STANDARD_HUFFMAN.find(({ id }) => id === body[at]);
    if (standard === undefined || !standard.bytes.equals(table)) return false;
    at += 17 + count;
  }
  return true;
}

function assembled(
  frame: Buffer | undefined,
  tables: ReadonlyMap<number, Buffer>,
  restartInterval: number,
  rest: Buffer,
): RtpJpeg | undefined {
  // Three components: luma 2x1 or 2x2, both chroma 1x1.
  if (frame === undefined || frame.length < 15 || frame[0] !== 8 || frame[5] !== 3) return undefined;
  const [height, width] = [frame.readUInt16BE(1), frame.readUInt16BE(3)];
  const kind = frame[7] === 0x22 ? 1 : frame[7] === 0x21 ? 0 : undefined;
  const luma = tables.get(frame[8]!);
  const chroma = tables.get(frame[11]!);
  const plain = frame[10] === 0x11 && frame[13] === 0x11 && frame[11] === frame[14];
  const fits = Math.max(width, height) <= RTP_JPEG_SIDE_PX_MAX && width > 0 && height > 0;
  if (kind === undefined || luma === undefined || chroma === undefined || !plain || !fits) return undefined;
  const end = rest.lastIndexOf(Buffer.from([0xff, 0xd9]));
  if (end < 0 || end + 2 > SCAN_SIZE_BYTES_MAX) return undefined;
  return {
    width,
    height,
    kind,
    tables: Buffer.concat([luma, chroma]),
    restartInterval,
    scan: rest.subarray(0, end + 2),
  };
}

/** The payloads of one picture, RFC 2435 section 3.1, with its tables in the first (Q 255). */
export function packetizeJpeg(picture: RtpJpeg): Buffer[] {
  const { width, height, kind, tables, restartInterval, scan } = picture;
  const restart = Buffer.alloc(restartInterval > 0 ? 4 : 0);
  if (restartInterval > 0) {
    restart.writeUInt16BE(restartInterval, 0);
    restart.writeUInt16BE(0xffff, 2); // first and last set, count 0x3fff: the whole frame is reassembled first
  }
  const tableHeader = Buffer.from([0, 0, tables.length >> 8, tables.length & 0xff]);
  const payloads: Buffer[] = [];
  for (let offset = 0; offset < scan.length; ) {
    const type = restartInterval > 0 ? kind + 64 : kind;
    const main = Buffer.from([0, 0, 0, 0, type, 255, Math.ceil(width / 8), Math.ceil(height / 8)]);
    main.writeUIntBE(offset, 1, 3);
    const head = offset === 0 ? [main, restart, tableHeader, tables] : [main, restart];
    const headBytes = head.reduce((sum, part) => sum + part.length, 0);
    const size = Math.min(scan.length - offset, PAYLOAD_SIZE_BYTES_MAX - headBytes);
    payloads.push(Buffer.concat([...head, scan.subarray(offset, offset + size)]));
    offset += size;
  }
  return payloads;
}
