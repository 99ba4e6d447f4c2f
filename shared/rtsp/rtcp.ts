/** RTCP as far as a viewer and a small server need it (RFC 3550 section 6). */

const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;
const SOURCE_DESCRIPTION = 202;
const BYE = 203;
/** Seconds from 1900 (NTP) to 1970. */
const NTP_EPOCH_SECONDS = 2_208_988_800;

export interface SenderReport {
  readonly kind: "sender-report";
  readonly ssrc: number;
  /** The sender's wall clock in ms since 1970, at `rtpTimestamp`. */
  readonly wallMs: number;
  readonly rtpTimestamp: number;
}
export interface Bye {
  readonly kind: "bye";
  readonly ssrc: number;
}

/** The reports of a compound packet that matter here. Stops quietly where lengths do not add up. */
export function* parseRtcp(data: Buffer): Generator<SenderReport | Bye> {
  for (let at = 0; at + 8 <= data.length; ) {
    if (data[at]! >> 6 !== 2) return;
    const end = at + 4 + 4 * data.readUInt16BE(at + 2);
    if (end > data.length) return;
    const type = data[at + 1];
    const ssrc = data.readUInt32BE(at + 4);
    if (type === SENDER_REPORT && end - at >= 28) {
      const seconds = data.readUInt32BE(at + 8) - NTP_EPOCH_SECONDS;
      const wallMs = 1000 * (seconds + data.readUInt32BE(at + 12) / 2 ** 32);
      yield { kind: "sender-report", ssrc, wallMs, rtpTimestamp: data.readUInt32BE(at + 16) };
    }
    if (type === BYE && (data[at]! & 0x1f) > 0) yield { kind: "bye", ssrc };
    at = end;
  }
}

/** A receiver report without blocks, with a name: enough for cameras that end sessions nobody reports on. */
export function receiverReport(ssrc: number): Buffer {
  return Buffer.concat([header(RECEIVER_REPORT, 0, ssrc, 4), sourceDescription(ssrc)]);
}

export function senderReport(report: {
  readonly ssrc: number;
  readonly wallMs: number;
  readonly rtpTimestamp: number;
  readonly packets: number;
  readonly octets: number;
}): Buffer {
  const out = Buffer.concat([header(SENDER_REPORT, 0, report.ssrc, 24), Buffer.alloc(20)]);
  const seconds = report.wallMs / 1000 + NTP_EPOCH_SECONDS;
  out.writeUInt32BE(Math.floor(seconds) >>> 0, 8);
  out.writeUInt32BE(Math.floor((seconds % 1) * 2 ** 32) >>> 0, 12);
  out.writeUInt32BE(report.rtpTimestamp >>> 0, 16);
  out.writeUInt32BE(report.packets >>> 0, 20);
  out.writeUInt32BE(report.octets >>> 0, 24);
  return Buffer.concat([out, sourceDescription(report.ssrc)]);
}

/** @param bodyBytes of the whole report, the SSRC included, 4-byte aligned */
function header(type: number, count: number, ssrc: number, bodyBytes: number): Buffer {
  const out = Buffer.alloc(8);
  out[0] = 0x80 | count;
  out[1] = type;
  out.writeUInt16BE(bodyBytes / 4, 2);
  out.writeUInt32BE(ssrc >>> 0, 4);
  return out;
}

/** CNAME is the one item that every compound packet must hold. */
function sourceDescription(ssrc: number): Buffer {
  const name = Buffer.from("vigia");
  const items = Buffer.alloc(8); // type, length, 5 letters, end: a multiple of 4
  items[0] = 1;
  items[1] = name.length;
  name.copy(items, 2);
  return Buffer.concat([header(SOURCE_DESCRIPTION, 1, ssrc, 4 + items.length), items]);
}
