import type { RtpPacket } from "./rtp.ts";

/** One picture as it came, coded. */
export interface CodedPicture {
  /** RTP time, in units of the clock rate. */
  readonly timestamp: number;
  /** Can be decoded without what came before. */
  readonly isKey: boolean;
  /** No picture that comes after it builds on one before it. */
  readonly isClean: boolean;
  /** Annex B with its parameter sets for H.264 and H.265; a whole file for JPEG. */
  readonly data: Buffer;
  /** The packets it came in, for passing them on. */
  readonly packets: readonly RtpPacket[];
  /** For JPEG, from its header. */
  readonly size?: { readonly width: number; readonly height: number };
}

/** Makes pictures from packets in order. */
export interface Depacketizer {
  /**
   * Takes the next packet and yields the pictures it completes. Pictures that lost packets, or that build on such,
   * are not yielded; `lostBefore` says how many packets are missing before this one.
   */
  push(packet: RtpPacket, lostBefore: number): Generator<CodedPicture>;
  /** Pictures that were held back since packets were missing. */
  readonly damaged: number;
}

/** A picture coded in more bytes than this is refused: no camera makes them. */
export const PICTURE_SIZE_BYTES_MAX = 8 * 1024 * 1024;
/** Nor in more packets: empty ones would add no bytes. */
export const PICTURE_PACKET_COUNT_MAX = 16 * 1024;
