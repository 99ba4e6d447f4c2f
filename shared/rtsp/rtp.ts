/** An RTP packet (RFC 3550 section 5.1). `payload` is a view of what came. */
export interface RtpPacket {
  readonly payloadType: number;
  readonly marker: boolean;
  readonly sequence: number;
  /** In units of the media's clock rate; wraps at 2^32. */
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payload: Buffer;
  /** The header extension's profile and data, where there is one. */
  readonly extension: { readonly profile: number; readonly data: Buffer } | undefined;
}

const HEADER_SIZE_BYTES = 12;

/** Reads a packet; `undefined` when it is no RTP, or its lengths do not add up. */
export function parseRtp(data: Buffer): RtpPacket | undefined {
  if (data.length < HEADER_SIZE_BYTES || data[0]! >> 6 !== 2) return undefined;
  let start = HEADER_SIZE_BYTES + 4 * (data[0]! & 0x0f);
  let extension: RtpPacket["extension"];
  if ((data[0]! & 0x10) !== 0) {
    if (data.length < start + 4) return undefined;
    const end = start + 4 + 4 * data.readUInt16BE(start + 2);
    if (data.length < end) return undefined;
    extension = { profile: data.readUInt16BE(start), data: data.subarray(start + 4, end) };
    start = end;
  }
  const padding = (data[0]! & 0x20) === 0 ? 0 : data.at(-1)!;
  const end = data.length - padding;
  if (start > end) return undefined;
  return {
    payloadType: data[1]! & 0x7f,
    marker: (data[1]! & 0x80) !== 0,
    sequence: data.readUInt16BE(2),
    timestamp: data.readUInt32BE(4),
    ssrc: data.readUInt32BE(8),
    payload: data.subarray(start, end),
    extension,
  };
}

/** A packet as bytes, without extension or padding. */
export function formatRtp(packet: Omit<RtpPacket, "extension">): Buffer {
  const out = Buffer.allocUnsafe(HEADER_SIZE_BYTES + packet.payload.length);
  out[0] = 0x80;
  out[1] = (packet.marker ? 0x80 : 0) | packet.payloadType;
  out.writeUInt16BE(packet.sequence & 0xffff, 2);
  out.writeUInt32BE(packet.timestamp >>> 0, 4);
  out.writeUInt32BE(packet.ssrc >>> 0, 8);
  packet.payload.copy(out, HEADER_SIZE_BYTES);
  return out;
}

/** How far `b` is after `a`, -32768 to 32767. */
export function sequenceDistance(a: number, b: number): number {
  return (((b - a) & 0xffff) << 16) >> 16;
}

/** RTP timestamps as milliseconds since the first one, without the wrap at 2^32. */
export class Timeline {
  readonly #clockRate: number;
  #last: number | undefined;
  #ticks = 0;

  constructor(clockRate: number) {
    this.#clockRate = clockRate;
  }

  ms(timestamp: number): number {
    if (this.#last !== undefined) this.#ticks += (timestamp - this.#last) | 0;
    this.#last = timestamp;
    return (1000 * this.#ticks) / this.#clockRate;
  }
}

/** A packet in its place, and how many before it are missing. */
export interface OrderedPacket {
  readonly packet: RtpPacket;
  readonly lostBefore: number;
}

/** A packet that is this late is lost: on a slow stream it is one packet more or less, and pictures are waiting. */
const LATE_MS_MAX = 150;

/**
 * Follows one stream's sequence numbers. Over TCP (`depth` 0) order is given: a gap is loss, at once. Over UDP up to
 * `depth` packets wait for one that is late, and not for long; duplicates and what comes too late are dropped.
 */
export class PacketOrder {
  readonly #depth: number;
  readonly #nowMs: () => number;
  readonly #waiting = new Map<number, RtpPacket>();
  /** Since when a packet is missing that others wait for. */
  #missingSinceMs = 0;
  #next: number | undefined;
  /** Packets that never came. */
  lost = 0;

  /** @param nowMs a clock, of the caller's making in tests */
  constructor(depth: number, nowMs = () => performance.now()) {
    this.#depth = depth;
    this.#nowMs = nowMs;
  }

  /** Yields what is in order now. */
  *push(packet: RtpPacket): Generator<OrderedPacket> {
    this.#next ??= packet.sequence;
    const ahead = sequenceDistance(this.#next, packet.sequence);
    // A jump this large is a stream that began anew.
    if (Math.abs(ahead) > 3000) {
      this.#waiting.clear();
      this.#next = packet.sequence;
      yield this.#release(packet, 1);
      return;
    }
    if (ahead < 0) return;
    if (ahead === 0) {
      yield this.#release(packet, 0);
      if (this.#waiting.size === 0) return;
      this.#missingSinceMs = this.#nowMs();
      yield* this.#releaseWaiting();
      return;
    }
    if (this.#depth === 0) {
      yield this.#release(packet, ahead);
      return;
    }
    const nowMs = this.#nowMs();
    if (this.#waiting.size === 0) this.#missingSinceMs = nowMs;
    this.#waiting.set(packet.sequence, packet);
    if (this.#waiting.size <= this.#depth && nowMs - this.#missingSinceMs <= LATE_MS_MAX) return;
    // The missing ones are given up.
    this.#missingSinceMs = nowMs;
    let missing = 0;
    while (!this.#waiting.has(this.#next)) {
      this.#next = (this.#next + 1) & 0xffff;
      missing++;
    }
    yield* this.#releaseWaiting(missing);
  }

  #release(packet: RtpPacket, lostBefore: number): OrderedPacket {
    this.#next = (packet.sequence + 1) & 0xffff;
    this.lost += lostBefore;
    return { packet, lostBefore };
  }

  *#releaseWaiting(lostBefore = 0): Generator<OrderedPacket> {
    let lost = lostBefore;
    for (;;) {
      const packet = this.#waiting.get(this.#next!);
      if (packet === undefined) return;
      this.#waiting.delete(this.#next!);
      yield this.#release(packet, lost);
      lost = 0;
    }
  }
}
