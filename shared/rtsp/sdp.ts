import { AppError } from "../base/errors.ts";

/** What Vigía reads: other codecs are not offered to the decoder. */
export type VideoCodec = "h264" | "h265" | "jpeg";

/** One `m=` section of a session description (RFC 4566), as far as playing it needs. */
export interface SdpMedia {
  readonly type: string;
  readonly payloadTypes: readonly number[];
  readonly attributes: readonly (readonly [name: string, value: string])[];
}

export interface Sdp {
  /** Attributes before the first `m=`. */
  readonly attributes: readonly (readonly [name: string, value: string])[];
  readonly media: readonly SdpMedia[];
}

/** The video stream that will be played. */
export interface VideoFormat {
  readonly codec: VideoCodec;
  readonly payloadType: number;
  readonly clockRate: number;
  /** The codec's name as the camera wrote it, for passing the stream on. */
  readonly encoding: string;
  /** The parameters of `a=fmtp` as the camera wrote them. */
  readonly fmtp: string | undefined;
  /** `a=control` of the stream, else of the session. */
  readonly control: string | undefined;
  /** Parameters of `a=fmtp`, names in small letters. */
  readonly parameters: ReadonlyMap<string, string>;
  /** From `a=x-dimensions`, `a=framesize` or `a=cliprect`: sizes that RTP/JPEG cannot express. */
  readonly size: { readonly width: number; readonly height: number } | undefined;
}

const MEDIA_COUNT_MAX = 32;
const CODECS: Readonly<Record<string, VideoCodec>> = {
  H264: "h264",
  AVC: "h264",
  H265: "h265",
  HEVC: "h265",
  JPEG: "jpeg",
  MJPG: "jpeg",
  MJPEG: "jpeg",
};

/**
 * Reads a description line by line and keeps what is understood. Cameras leave out `o=`, send two `s=`, malformed
 * `c=`, spaces at line ends, attributes in any order; none of that matters to a player, so nothing else is checked.
 */
export function parseSdp(text: string): Sdp {
  const session: [string, string][] = [];
  const media: { type: string; payloadTypes: number[]; attributes: [string, string][] }[] = [];
  for (const line of text.replaceAll("\0", "").split(/[\r\n]+/)) {
    const found = /^([a-z])\s?=\s?(.*)$/.exec(line.trim());
    if (found === null) continue;
    const [, key, value] = found as unknown as [string, string, string];
    if (key === "m") {
      if (media.length === MEDIA_COUNT_MAX)
        throw new AppError("protocol", "the description has too many streams");
      const [type = "", , , ...formats] = value.split(/\s+/);
      const payloadTypes = formats.map(Number).filter((number) => Number.isInteger(number) && number < 128);
      media.push({ type: type.toLowerCase(), payloadTypes, attributes: [] });
    }
    if (key === "a") {
      const colon = value.indexOf(":");
      const name = (colon < 0 ? value : value.slice(0, colon)).trim().toLowerCase();
      (media.at(-1)?.attributes ?? session).push([name, colon < 0 ? "" : value.slice(colon + 1).trim()]);
    }
  }
  return { attributes: session, media };
}

/**
 * The first stream whose codec is known. Its media type may be odd, but not audio.
 *
 * @throws {AppError} `input` that names what the camera offers instead
 */
export function chooseVideo(sdp: Sdp): VideoFormat {
  const offered: string[] = [];
  for (const media of sdp.media) {
    if (media.type === "audio") continue;
    for (const payloadType of media.payloadTypes) {
      const { name, clockRate } = encodingOf(media, payloadType);
      const codec = CODECS[name.toUpperCase()];
      if (codec !== undefined) return formatOf(sdp, media, { payloadType, codec, clockRate, encoding: name });
      offered.push(name);
    }
  }
  throw new AppError("input", `the camera offers ${offered.join(", ") || "no video"}`, {
    hint: "set the camera to H.264, H.265 or MJPEG",
    failure: "no-video",
    about: offered.join(", "),
  });
}

function encodingOf(media: SdpMedia, payloadType: number): { name: string; clockRate: number } {
  for (const value of valuesOf(media, "rtpmap")) {
    const found = /^(\d+)\s+([^/\s]+)(?:\/(\d+))?/.exec(value);
    if (found !== null && Number(found[1]) === payloadType) {
      return { name: found[2]!, clockRate: Number(found[3] ?? 0) || 90_000 };
    }
  }
  // RFC 3551 gives 26 to JPEG.
  return { name: payloadType === 26 ? "JPEG" : `payload type ${payloadType}`, clockRate: 90_000 };
}

function formatOf(
  sdp: Sdp,
  media: SdpMedia,
  encoding: Pick<VideoFormat, "codec" | "payloadType" | "clockRate" | "encoding">,
): VideoFormat {
  const fmtp = valuesOf(media, "fmtp")
    .map((value) => /^(\d+)\s+(.*)$/.exec(value))
    .find((found) => Number(found?.[1]) === encoding.payloadType)?.[2];
  const parameters = new Map<string, string>();
  for (const part of fmtp?.split(";") ?? []) {
    const equals = part.indexOf("=");
    if (equals > 0) parameters.set(part.slice(0, equals).trim().toLowerCase(), part.slice(equals + 1).trim());
  }
  const control = valuesOf(media, "control")[0] ?? sdp.attributes.find(([name]) => name === "control")?.[1];
  return { ...encoding, fmtp, control, parameters, size: sizeOf(media) };
}

function sizeOf(media: SdpMedia): VideoFormat["size"] {
  const patterns: readonly (readonly [string, RegExp])[] = [
    ["x-dimensions", /^(\d+)\s*,\s*(\d+)/],
    ["framesize", /^\d+\s+(\d+)-(\d+)/],
    ["cliprect", /^\d+,\d+,(?=(\d+),(\d+))/],
  ];
  for (const [name, form] of patterns) {
    const found = valuesOf(media, name).map((value) => form.exec(value))[0];
    if (found === undefined || found === null) continue;
    const [first, second] = [Number(found[1]), Number(found[2])];
    // cliprect gives the lower right corner, height first.
    const [width, height] = name === "cliprect" ? [second, first] : [first, second];
    if (width > 0 && height > 0 && width <= 16_384 && height <= 16_384) return { width, height };
  }
  return undefined;
}

function valuesOf(media: SdpMedia, name: string): string[] {
  return media.attributes.filter(([key]) => key === name).map(([, value]) => value);
}

/** The description of a stream that is passed on, for players. */
export function formatSdp(
  name: string,
  stream: Pick<VideoFormat, "payloadType" | "encoding" | "clockRate" | "fmtp" | "size">,
): string {
  const { payloadType, encoding, clockRate, fmtp, size } = stream;
  const lines = [
    "v=0",
    "o=- 0 0 IN IP4 127.0.0.1",
    `s=${name}`,
    "c=IN IP4 0.0.0.0",
    "t=0 0",
    "a=control:*",
    "a=range:npt=now-",
    `m=video 0 RTP/AVP ${payloadType}`,
    `a=rtpmap:${payloadType} ${encoding}/${clockRate}`,
  ];
  if (fmtp !== undefined) lines.push(`a=fmtp:${payloadType} ${fmtp}`);
  if (size !== undefined) lines.push(`a=x-dimensions:${size.width},${size.height}`);
  lines.push(`a=control:${STREAM_CONTROL}`);
  return `${lines.map((line) => line.replace(/[\r\n\0]/g, " ")).join("\r\n")}\r\n`;
}

/** The last part of the address of a stream in our own descriptions. */
export const STREAM_CONTROL = "video";
