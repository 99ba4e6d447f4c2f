import type { CodedPicture, Depacketizer } from "./access-unit.ts";
import { CameraClock } from "./camera-clock.ts";
import { h264Depacketizer } from "./h264.ts";
import { h265Depacketizer } from "./h265.ts";
import { jpegDepacketizer } from "./jpeg.ts";
import type { SenderReport } from "./rtcp.ts";
import { PacketOrder, type RtpPacket, Timeline } from "./rtp.ts";
import type { VideoFormat } from "./sdp.ts";

export interface RtspClientEvents {
  /** What will come, before it comes. */
  readonly onFormat?: (format: VideoFormat) => void;
  /** A picture that came whole. */
  readonly onPicture: (picture: ReceivedPicture) => void;
  /** Packets are missing; how many, and of what is held back for them since the last call. */
  readonly onLoss?: (lost: number) => void;
}

export interface ReceivedPicture extends CodedPicture {
  /** Wall clock when its first packet came, in ms since 1970. */
  readonly arrivedMs: number;
  /** Time since the stream's first picture by the camera's clock, in ms. */
  readonly mediaMs: number;
  /** The camera's clock minus ours in ms, where it tells its time. */
  readonly cameraClockAheadMs: number | undefined;
  /** When it was taken, by our clock: from the camera's reports where it sends them, else `arrivedMs`. */
  readonly takenMs: number;
}

/** So many packets in a row of another sender are the stream. */
const STRANGERS_MAX = 50;
/** No camera takes longer from its sensor to us. */
const TAKEN_AGO_MS_MAX = 3000;

const DEPACKETIZERS = { h264: h264Depacketizer, h265: h265Depacketizer, jpeg: jpegDepacketizer } as const;

/** From packets to pictures. */
export class Receiver {
  readonly #format: VideoFormat;
  readonly #events: RtspClientEvents;
  readonly #depacketizer: Depacketizer;
  readonly #timeline: Timeline;
  readonly #clock = new CameraClock();
  #report: SenderReport | undefined;
  readonly #depth: number;
  #order: PacketOrder;
  #ssrc: number | undefined;
  #announced: number | undefined;
  #strangers = 0;
  #isNewSender = false;
  /** When the first packet of the picture under way came, and that of the one before, which it may complete. */
  #arrivals: readonly { readonly timestamp: number; readonly atMs: number }[] = [];

  constructor(format: VideoFormat, depth: number, events: RtspClientEvents) {
    this.#format = format;
    this.#events = events;
    this.#depth = depth;
    this.#order = new PacketOrder(depth);
    this.#timeline = new Timeline(format.clockRate);
    this.#depacketizer = DEPACKETIZERS[format.codec](format);
  }

  /** The sender's number that the camera announced. It may be wrong. */
  expect(ssrc: number | undefined): void {
    this.#announced = ssrc;
  }

  /** Whether a report is of this stream: those of other senders, such as an old session's, do not count. */
  isSender(ssrc: number): boolean {
    // The first report may come before the first packet.
    return ssrc === (this.#ssrc ?? this.#announced ?? ssrc);
  }

  takeReport(report: SenderReport): void {
    if (!this.isSender(report.ssrc)) return;
    this.#clock.note(report.wallMs, Date.now());
    this.#report = report;
  }

  #takenMs(timestamp: number): number | undefined {
    const aheadMs = this.#clock.aheadMs;
    if (this.#report === undefined || aheadMs === undefined) return undefined;
    const sinceMs = (1000 * ((timestamp - this.#report.rtpTimestamp) | 0)) / this.#format.clockRate;
    const takenMs = this.#report.wallMs + sinceMs - aheadMs;
    // Reports of some cameras have nothing to do with their pictures.
    return Math.abs(Date.now() - takenMs) < TAKEN_AGO_MS_MAX ? takenMs : undefined;
  }

  take(packet: RtpPacket): void {
    if (!this.#isOurs(packet)) return;
    for (const { packet: next, lostBefore: missing } of this.#order.push(packet)) {
      // What another sender began does not continue here.
      const lostBefore = this.#isNewSender ? Math.max(1, missing) : missing;
      this.#isNewSender = false;
      if (lostBefore > 0) this.#events.onLoss?.(lostBefore);
      const { timestamp } = next;
      if (this.#arrivals[0]?.timestamp !== timestamp) {
        this.#arrivals = [{ timestamp, atMs: Date.now() }, ...this.#arrivals.slice(0, 1)];
      }
      for (const picture of this.#depacketizer.push(next, lostBefore)) {
        const mediaMs = this.#timeline.ms(picture.timestamp);
        const arrival = this.#arrivals.find((one) => one.timestamp === picture.timestamp);
        const arrivedMs = arrival?.atMs ?? Date.now();
        const cameraClockAheadMs = this.#clock.aheadMs;
        const takenMs = this.#takenMs(picture.timestamp) ?? arrivedMs;
        this.#events.onPicture({ ...picture, arrivedMs, mediaMs, cameraClockAheadMs, takenMs });
      }
    }
  }

  /**
   * Packets of another payload type are not this stream's (some cameras send notes as type 50 with sequence numbers of
   * the video). Those of another sender come from an old session, unless it is the sender that was announced, or only
   * they come.
   */
  #isOurs({ payloadType, ssrc }: RtpPacket): boolean {
    if (payloadType !== this.#format.payloadType) return false;
    this.#ssrc ??= ssrc;
    if (ssrc === this.#ssrc) {
      this.#strangers = 0;
      return true;
    }
    if (ssrc !== this.#announced && ++this.#strangers < STRANGERS_MAX) return false;
    this.#ssrc = ssrc;
    this.#strangers = 0;
    this.#order = new PacketOrder(this.#depth);
    this.#isNewSender = true;
    return true;
  }
}
