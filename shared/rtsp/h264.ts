import type { Depacketizer } from "./access-unit.ts";
import { NalDepacketizer, type NalRules, type Payload } from "./h26x.ts";
import { parameterSets } from "./nal.ts";
import type { VideoFormat } from "./sdp.ts";

const NON_IDR_SLICE = 1;
const IDR_SLICE = 5;
const SEI = 6;
const SPS = 7;
const PPS = 8;
const STAP_A = 24;
const FU_A = 28;
/** Supplemental message "recovery point": pictures after it come out whole without an IDR (H.264 D.2.8). */
const SEI_RECOVERY_POINT = 6;
/** Messages that say something of decoding come first and are short; texts of encoders may fill packets. */
const SEI_LOOKED_AT_BYTES = 256;

/** RTP payloads of H.264, RFC 6184: single units, STAP-A and FU-A (packetization modes 0 and 1). */
const rules: NalRules = {
  headerBytes: 1,
  typeOf: (unit) => unit[0]! & 0x1f,
  isSlice: (type) => type >= NON_IDR_SLICE && type <= IDR_SLICE,
  // first_mb_in_slice is 0: an Exp-Golomb code of one bit.
  beginsPicture: (slice) => (slice[1]! & 0x80) !== 0,
  isKey: (unit) => {
    const type = unit[0]! & 0x1f;
    return type === IDR_SLICE || (type === SEI && holdsRecoveryPoint(unit));
  },
  isClean: (type) => type === IDR_SLICE,
  reachesBack: () => false, // nothing says it
  parameterTypes: [SPS, PPS],
  unpack,
};

export function h264Depacketizer({ parameters }: VideoFormat): Depacketizer {
  return new NalDepacketizer(rules, parameterSets(parameters.get("sprop-parameter-sets")));
}

/** Whether one of a unit's messages is a recovery point (H.264 7.3.2.3): types and sizes are bytes of 255 and a rest. */
function holdsRecoveryPoint(unit: Uint8Array): boolean {
  // A 3 after two zeros was put in by the encoder and is counted in no size (7.4.1).
  const bytes = unit
    .subarray(1, SEI_LOOKED_AT_BYTES)
    .filter((byte, i, all) => !(byte === 3 && all[i - 1] === 0 && all[i - 2] === 0));
  let at = 0;
  const number = (): number => {
    let sum = 0;
    for (; bytes[at] === 255; at++) sum += 255;
    return sum + (bytes[at++] ?? 0);
  };
  // The last byte is the unit's stop bit.
  while (at + 2 < bytes.length) {
    if (number() === SEI_RECOVERY_POINT) return true;
    const size = number();
    at += size;
  }
  return false;
}

function unpack(payload: Buffer): Payload {
  if (payload.length === 0) return { kind: "unknown" };
  // Some cameras put start codes before the unit.
  if (payload.length > 4 && payload[0] === 0) return { kind: "units", units: [payload] };
  const type = payload[0]! & 0x1f;
  if (type >= 1 && type <= 23) return { kind: "units", units: [payload] };
  if (type === STAP_A) return { kind: "units", units: aggregated(payload, 1) };
  if (type !== FU_A || payload.length < 2) return { kind: "unknown" };
  const flags = payload[1]!;
  return {
    kind: "piece",
    first: (flags & 0x80) !== 0,
    last: (flags & 0x40) !== 0,
    header: Buffer.from([(payload[0]! & 0xe0) | (flags & 0x1f)]),
    body: payload.subarray(2),
  };
}

/** Units with 16-bit sizes before them; ends quietly where a size goes beyond the packet. */
export function aggregated(payload: Buffer, start: number): Buffer[] {
  const units: Buffer[] = [];
  for (let at = start; at + 2 <= payload.length; ) {
    const size = payload.readUInt16BE(at);
    at += 2;
    if (at + size > payload.length) break;
    if (size > 0) units.push(payload.subarray(at, at + size));
    at += size;
  }
  return units;
}
