import { AppError } from "../base/errors.ts";
import { deferred } from "../base/wait.ts";
import type { CodedPicture } from "./access-unit.ts";
import { packetizeJpeg, type RtpJpeg } from "./jpeg-packetizer.ts";
import type { VideoFormat } from "./sdp.ts";

/** A packet before it has a sender's number and a place in a player's sequence. */
export interface OutgoingPacket {
  readonly payloadType: number;
  readonly marker: boolean;
  readonly timestamp: number;
  readonly payload: Buffer;
}

/** The packets of one picture. */
export interface OutgoingPicture {
  readonly isKey: boolean;
  readonly packets: readonly OutgoingPacket[];
}

export type PublishedFormat = Pick<VideoFormat, "payloadType" | "encoding" | "clockRate" | "fmtp" | "size">;

/** Somebody who watches a stream. Nothing here may throw or wait. */
export interface StreamViewer {
  show(picture: OutgoingPicture): void;
  /** Nothing more will come. */
  ended(): void;
}

/** A stream that players may open. */
export interface Publication {
  /** Resolves when the stream is known, which for a camera is after it was reached. */
  format(): Promise<PublishedFormat>;
  /** Shows a viewer what it needs to begin at once, then each picture, until disposed. */
  attach(viewer: StreamViewer): Disposable;
}

/** What a new player gets at once is bounded by this. */
const BACKLOG_BYTES_MAX = 4 * 1024 * 1024;
const BACKLOG_PICTURES_MAX = 600;

/** A camera's own stream, passed on packet by packet. A player that joins gets the pictures since the last key picture. */
export class StreamPublication implements Publication {
  readonly #viewers = new Set<StreamViewer>();
  #format = deferred<PublishedFormat>();
  #known: PublishedFormat | undefined;
  #backlog: OutgoingPicture[] = [];
  #backlogBytes = 0;

  /** The camera was reached, perhaps again, perhaps with another stream: then its viewers must ask anew what it is. */
  open(format: PublishedFormat): void {
    if (this.#known !== undefined) this.#format = deferred<PublishedFormat>();
    const isOther = this.#known !== undefined && !isSameStream(this.#known, format);
    this.#known = format;
    this.#format.resolve(format);
    this.#clearBacklog();
    if (isOther) endAll(this.#viewers);
  }

  push({ isKey, packets }: CodedPicture): void {
    const picture = { isKey, packets };
    if (isKey) this.#clearBacklog();
    if (isKey || this.#backlog.length > 0) {
      this.#backlog.push(picture);
      for (const { payload } of packets) this.#backlogBytes += payload.length;
      // Without its beginning the rest is of no use.
      const tooLong = this.#backlog.length > BACKLOG_PICTURES_MAX || this.#backlogBytes > BACKLOG_BYTES_MAX;
      if (tooLong) this.#clearBacklog();
    }
    for (const viewer of this.#viewers) viewer.show(picture);
  }

  format(): Promise<PublishedFormat> {
    return this.#format.promise;
  }

  attach(viewer: StreamViewer): Disposable {
    for (const picture of this.#backlog) viewer.show(picture);
    this.#viewers.add(viewer);
    return { [Symbol.dispose]: () => this.#viewers.delete(viewer) };
  }

  #clearBacklog(): void {
    this.#backlog = [];
    this.#backlogBytes = 0;
  }
}

/** Whether who can play the one can play the other; parameter sets come with the key pictures. */
function isSameStream(a: PublishedFormat, b: PublishedFormat): boolean {
  return a.payloadType === b.payloadType && a.encoding === b.encoding && a.clockRate === b.clockRate;
}

function endAll(viewers: Set<StreamViewer>): void {
  for (const viewer of [...viewers]) viewer.ended();
  viewers.clear();
}

const JPEG_FORMAT = {
  payloadType: 26,
  encoding: "JPEG",
  clockRate: 90_000,
  fmtp: undefined,
  size: undefined,
} as const;

/** Pictures as RTP/JPEG. Nothing is packed while nobody watches. */
export class JpegPublication implements Publication {
  readonly #viewers = new Set<StreamViewer>();
  #hasEnded = false;

  get hasAudience(): boolean {
    return this.#viewers.size > 0;
  }

  /** @param timeMs rises with each picture */
  push(picture: RtpJpeg, timeMs: number): void {
    if (!this.hasAudience) return;
    const timestamp = Math.round(timeMs * 90) >>> 0;
    const payloads = packetizeJpeg(picture);
    const packets = payloads.map((payload, place) => ({
      payloadType: JPEG_FORMAT.payloadType,
      marker: place === payloads.length - 1,
      timestamp,
      payload,
    }));
    for (const viewer of this.#viewers) viewer.show({ isKey: true, packets });
  }

  /** The file or the scene is over. */
  end(): void {
    this.#hasEnded = true;
    endAll(this.#viewers);
  }

  async format(): Promise<PublishedFormat> {
    if (this.#hasEnded) throw new AppError("unavailable", "the camera is a file, and it is over");
    return JPEG_FORMAT;
  }

  attach(viewer: StreamViewer): Disposable {
    // It may have ended between a player's question and its PLAY.
    if (this.#hasEnded) viewer.ended();
    else this.#viewers.add(viewer);
    return { [Symbol.dispose]: () => this.#viewers.delete(viewer) };
  }
}
