import type { Socket } from "node:dgram";
import type { OutgoingPicture } from "./publication.ts";
import { senderReport } from "./rtcp.ts";
import { formatRtp } from "./rtp.ts";

/** Where a player's packets go. */
export interface PlayerTransport {
  /** All packets of one picture, in order. */
  send(packets: readonly Buffer[]): void;
  sendReport(report: Buffer): void;
  /** Bytes that wait since the player does not take them. */
  readonly queuedBytes: number;
}

/** With so much waiting, pictures are left out for this player. */
const QUEUE_BYTES_MAX = 1024 * 1024;
/** A player that takes nothing for so long is given up. */
const STUCK_AFTER_MS = 10_000;
const REPORT_EVERY_MS = 5000;

/** One player of one stream: its own packet numbers, its own pace. */
export class Player {
  readonly #transport: PlayerTransport;
  readonly #ssrc: number;
  readonly #nowMs: () => number;
  #sequence = Math.floor(Math.random() * 0x8000);
  #needsKey = true;
  #packets = 0;
  #octets = 0;
  #reportedMs = Number.NEGATIVE_INFINITY;
  #fullSinceMs: number | undefined;
  /** Pictures left out since this player was slow. */
  skipped = 0;

  /** @param nowMs a clock, of the caller's making in tests */
  constructor(transport: PlayerTransport, ssrc: number, nowMs = () => performance.now()) {
    this.#transport = transport;
    this.#ssrc = ssrc;
    this.#nowMs = nowMs;
  }

  /** The player takes nothing any more. */
  get isStuck(): boolean {
    return this.#fullSinceMs !== undefined && this.#nowMs() - this.#fullSinceMs > STUCK_AFTER_MS;
  }

  send({ isKey, packets }: OutgoingPicture): void {
    const isFull = this.#transport.queuedBytes > QUEUE_BYTES_MAX;
    this.#fullSinceMs = isFull ? (this.#fullSinceMs ?? this.#nowMs()) : undefined;
    if (isFull || (this.#needsKey && !isKey)) {
      this.#needsKey = true;
      this.skipped++;
      return;
    }
    this.#needsKey = false;
    const timestamp = packets[0]?.timestamp ?? 0;
    this.#report(timestamp);
    const out = packets.map((packet) => {
      this.#sequence = (this.#sequence + 1) & 0xffff;
      this.#packets++;
      this.#octets += packet.payload.length;
      return formatRtp({ ...packet, sequence: this.#sequence, ssrc: this.#ssrc });
    });
    this.#transport.send(out);
  }

  /** Players set their clocks by these. */
  #report(rtpTimestamp: number): void {
    const nowMs = this.#nowMs();
    if (nowMs - this.#reportedMs < REPORT_EVERY_MS) return;
    this.#reportedMs = nowMs;
    const counts = { packets: this.#packets, octets: this.#octets };
    this.#transport.sendReport(
      senderReport({ ssrc: this.#ssrc, wallMs: Date.now(), rtpTimestamp, ...counts }),
    );
  }
}

/** Packets between the messages of the RTSP connection (RFC 2326 section 10.12). */
export function interleavedTransport(
  stream: { write(bytes: Uint8Array): void; readonly queuedBytes: number },
  [rtp, rtcp]: readonly [number, number],
): PlayerTransport {
  const framed = (channel: number, data: Buffer) => [
    Buffer.from([0x24, channel, data.length >> 8, data.length & 0xff]),
    data,
  ];
  return {
    send: (packets) => stream.write(Buffer.concat(packets.flatMap((packet) => framed(rtp, packet)))),
    sendReport: (report) => stream.write(Buffer.concat(framed(rtcp, report))),
    get queuedBytes() {
      return stream.queuedBytes;
    },
  };
}

/** Packets by UDP. What the network does not take is lost, as UDP is. */
export function udpTransport(
  sockets: { readonly rtp: Socket; readonly rtcp: Socket },
  host: string,
  [rtp, rtcp]: readonly [number, number],
): PlayerTransport {
  return {
    send: (packets) => {
      for (const packet of packets) sockets.rtp.send(packet, rtp, host);
    },
    sendReport: (report) => sockets.rtcp.send(report, rtcp, host),
    queuedBytes: 0,
  };
}
