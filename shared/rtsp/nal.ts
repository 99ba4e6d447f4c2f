/** NAL units: what H.264 and H.265 streams are made of. */

const START_CODE = Buffer.from([0, 0, 0, 1]);
const SHORT_START_CODE = Buffer.from([0, 0, 1]);

/**
 * Units of a byte string that may hold start codes (Annex B). Encoders keep 0x000001 out of a unit, so what is found
 * is a boundary. Zeros at a unit's end are padding. Without a start code it is one unit.
 */
export function splitAnnexB(data: Buffer): Buffer[] {
  const units: Buffer[] = [];
  let start = 0;
  for (;;) {
    const code = data.indexOf(SHORT_START_CODE, start);
    const isAll = start === 0 && code < 0;
    const unit = withoutZeros(isAll ? data : data.subarray(start, code < 0 ? data.length : code));
    if (unit.length > 0) units.push(unit);
    if (code < 0) return units;
    start = code + SHORT_START_CODE.length;
  }
}

/** Units joined with start codes. */
export function joinAnnexB(units: readonly Uint8Array[]): Buffer {
  let size = 0;
  for (const unit of units) size += START_CODE.length + unit.length;
  const joined = Buffer.allocUnsafe(size);
  let at = 0;
  for (const unit of units) {
    joined.set(START_CODE, at);
    joined.set(unit, at + START_CODE.length);
    at += START_CODE.length + unit.length;
  }
  return joined;
}

/** Parameter sets from SDP: base64, parted by commas; sometimes with start codes inside, sometimes not base64 at all. */
export function parameterSets(text: string | undefined): Buffer[] {
  if (text === undefined) return [];
  return text.split(",").flatMap((part) => splitAnnexB(Buffer.from(part.trim(), "base64")));
}

function withoutZeros(unit: Buffer): Buffer {
  let end = unit.length;
  while (end > 0 && unit[end - 1] === 0) end--;
  return end === unit.length ? unit : unit.subarray(0, end);
}
