import type { Depacketizer } from "./access-unit.ts";
import { NalDepacketizer, type NalRules, type Payload } from "./h26x.ts";
import { aggregated } from "./h264.ts";
import { parameterSets } from "./nal.ts";
import type { VideoFormat } from "./sdp.ts";

/** "Random access skipped leading" pictures (H.265 3.111): shown before a key picture that comes before them. */
const RASL_N = 8;
const RASL_R = 9;
const FIRST_KEY = 16; // BLA_W_LP
const IDR_W_RADL = 19;
const IDR_N_LP = 20;
const LAST_KEY = 21; // CRA_NUT
const LAST_SLICE = 31;
const VPS = 32;
const SPS = 33;
const PPS = 34;
const AP = 48;
const FU = 49;

const typeOf = (unit: Uint8Array) => (unit[0]! >> 1) & 0x3f;

/** RTP payloads of H.265, RFC 7798: single units, aggregation packets and fragments, without DONL fields. */
const rules: NalRules = {
  headerBytes: 2,
  typeOf,
  isSlice: (type) => type <= LAST_SLICE,
  // first_slice_segment_in_pic_flag.
  beginsPicture: (slice) => (slice[2]! & 0x80) !== 0,
  isKey: (unit) => typeOf(unit) >= FIRST_KEY && typeOf(unit) <= LAST_KEY,
  isClean: (type) => type === IDR_W_RADL || type === IDR_N_LP,
  reachesBack: (type) => type === RASL_N || type === RASL_R,
  parameterTypes: [VPS, SPS, PPS],
  unpack,
};

export function h265Depacketizer({ parameters }: VideoFormat): Depacketizer {
  const sets = ["sprop-vps", "sprop-sps", "sprop-pps"].flatMap((name) => parameterSets(parameters.get(name)));
  return new NalDepacketizer(rules, sets);
}

function unpack(payload: Buffer): Payload {
  if (payload.length < 3) return { kind: "unknown" };
  if (payload[0] === 0 && payload[1] === 0) return { kind: "units", units: [payload] };
  const type = typeOf(payload);
  if (type < AP) return { kind: "units", units: [payload] };
  if (type === AP) return { kind: "units", units: aggregated(payload, 2) };
  if (type !== FU) return { kind: "unknown" };
  const flags = payload[2]!;
  return {
    kind: "piece",
    first: (flags & 0x80) !== 0,
    last: (flags & 0x40) !== 0,
    header: Buffer.from([(payload[0]! & 0x81) | ((flags & 0x3f) << 1), payload[1]!]),
    body: payload.subarray(3),
  };
}
