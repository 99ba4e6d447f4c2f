import { AppError } from "../base/errors.ts";
import { netpbmFields } from "./header.ts";
import type { Picture } from "./types.ts";

/**
 * A PGM or PPM file, binary (P5, P6) or text (P2, P3), of 8 or 16 bits a sample: the format of the classic face
 * databases, which libvips as sharp ships it does not read. The caller has held the header against the limits.
 *
 * @throws {AppError} `input` when it is cut short or not in form
 */
export function decodeNetpbm(bytes: Uint8Array): Picture {
  const fields = netpbmFields(bytes);
  if (fields === undefined || fields.maxValue < 1 || fields.maxValue > 65535) {
    throw new AppError("input", "the PGM or PPM header is not in form");
  }
  const { kind, width, height, maxValue, dataAt } = fields;
  const channels = kind === "P3" || kind === "P6" ? 3 : 1;
  const count = width * height * channels;
  const isText = kind === "P2" || kind === "P3";
  const sampleAt = isText ? textSamples(bytes, dataAt, count) : binarySamples(bytes, dataAt, count, maxValue);
  const data = new Uint8Array(width * height * 3);
  const scale = 255 / maxValue;
  for (let i = 0; i < data.length; i++) {
    data[i] = Math.min(255, Math.round(sampleAt(channels === 3 ? i : (i / 3) | 0) * scale));
  }
  return { width, height, data };
}

function binarySamples(bytes: Uint8Array, dataAt: number, count: number, maxValue: number) {
  const sampleBytes = maxValue > 255 ? 2 : 1;
  if (bytes.length < dataAt + count * sampleBytes) throw cutShort();
  if (sampleBytes === 1) return (i: number) => bytes[dataAt + i]!;
  return (i: number) => (bytes[dataAt + 2 * i]! << 8) | bytes[dataAt + 2 * i + 1]!;
}

function textSamples(bytes: Uint8Array, dataAt: number, count: number) {
  // A sample takes at least two characters, so a short file is known before anything is set aside for it.
  if (bytes.length - dataAt < 2 * count - 1) throw cutShort();
  const samples = new Uint16Array(count);
  let found = 0;
  let at = dataAt;
  while (found < count && at < bytes.length) {
    let value = -1;
    for (; at < bytes.length; at++) {
      const digit = bytes[at]! - 0x30;
      if (digit < 0 || digit > 9) break;
      value = Math.min(65535, Math.max(0, value) * 10 + digit);
    }
    if (value >= 0) samples[found++] = value;
    else at++;
  }
  if (found < count) throw cutShort();
  return (i: number) => samples[i]!;
}

function cutShort(): AppError {
  return new AppError("input", "the picture is cut short");
}
