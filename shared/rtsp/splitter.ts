import { AppError } from "../base/errors.ts";
import { parseHead, type RtspRequest, type RtspResponse } from "./message.ts";

/** Binary data between messages, RFC 2326 section 10.12: `$`, a channel, a 16-bit length, the data. */
export interface Interleaved {
  readonly kind: "interleaved";
  readonly channel: number;
  readonly data: Buffer;
}

/** Bytes that belonged to nothing were passed over: packets are missing. */
export interface Resynced {
  readonly kind: "resynced";
  readonly skippedBytes: number;
}

export type RtspItem = RtspRequest | RtspResponse | Interleaved | Resynced;

export const HEAD_SIZE_BYTES_MAX = 64 * 1024;
export const BODY_SIZE_BYTES_MAX = 256 * 1024;
/** More rubbish than this between two items is not RTSP. */
const RUBBISH_SIZE_BYTES_MAX = 1024 * 1024;
const DOLLAR = 0x24;

/**
 * Cuts a connection's bytes into messages and interleaved packets. When a camera loses its place (it dropped part of
 * a packet when its buffer was full), the next packet or message is searched for. At most one partial item is held.
 */
export class RtspSplitter {
  #rest: Buffer = Buffer.alloc(0);
  /** What came after `#rest` and cannot complete its item, which takes `#wantedBytes`: it is joined once, not each time. */
  #later: Buffer[] = [];
  #laterBytes = 0;
  #wantedBytes = 0;
  #skipped = 0;
  /** Channels that were set up; while searching, only these count. */
  readonly #isChannel: (channel: number) => boolean;

  constructor(isChannel: (channel: number) => boolean = () => true) {
    this.#isChannel = isChannel;
  }

  /** Yields what the chunk completes. The chunk is copied; what is yielded stays good. */
  *push(chunk: Uint8Array): Generator<RtspItem> {
    if (this.#rest.length + this.#laterBytes + chunk.length < this.#wantedBytes) {
      this.#later.push(Buffer.from(chunk));
      this.#laterBytes += chunk.length;
      return;
    }
    let data = Buffer.concat([this.#rest, ...this.#later, chunk]);
    [this.#later, this.#laterBytes, this.#wantedBytes] = [[], 0, 0];
    // Kept even when the caller stops drawing.
    this.#rest = data;
    while (data.length > 0) {
      const taken = this.#take(data);
      if (taken === undefined) break;
      data = data.subarray(taken.size);
      this.#rest = data;
      if (taken.item === undefined) continue;
      if (this.#skipped > 0) {
        yield { kind: "resynced", skippedBytes: this.#skipped };
        this.#skipped = 0;
      }
      yield taken.item;
    }
  }

  /** The next item and the bytes it took; no item for bytes that are passed over; `undefined` when more must come. */
  #take(data: Buffer): { item: RtspItem | undefined; size: number } | undefined {
    if (data[0] === DOLLAR) {
      if (data.length < 4) return undefined;
      const channel = data[1]!;
      const size = 4 + data.readUInt16BE(2);
      if (this.#skipped > 0 && !this.#looksRight(data)) return this.#skip(1);
      if (data.length < size) return this.#waitFor(size);
      return { item: { kind: "interleaved", channel, data: data.subarray(4, size) }, size };
    }
    // Empty lines between messages do no harm.
    if (data[0] === 0x0d || data[0] === 0x0a) return { item: undefined, size: 1 };
    const start = messageStart(data);
    if (start === "short") return undefined;
    return start === "yes" ? this.#takeMessage(data) : this.#skip(this.#nextStart(data));
  }

  #takeMessage(data: Buffer): { item: RtspItem | undefined; size: number } | undefined {
    const window = data.subarray(0, HEAD_SIZE_BYTES_MAX);
    const end = endOfHead(window);
    if (end === undefined) {
      if (data.length >= HEAD_SIZE_BYTES_MAX) throw new AppError("protocol", "RTSP header without an end");
      return undefined;
    }
    const head = parseHead(data.toString("latin1", 0, end.head));
    const lengthText = head.headers.get("content-length") ?? "0";
    const length = /^\d{1,7}$/.test(lengthText) ? Number(lengthText) : Number.POSITIVE_INFINITY;
    if (length > BODY_SIZE_BYTES_MAX) throw new AppError("protocol", `RTSP body of ${lengthText} B`);
    if (data.length < end.body + length) return this.#waitFor(end.body + length);
    const body = data.subarray(end.body, end.body + length);
    return { item: { ...head, body }, size: end.body + length };
  }

  #waitFor(bytes: number): undefined {
    this.#wantedBytes = bytes;
  }

  #skip(size: number): { item: undefined; size: number } {
    this.#skipped += size;
    if (this.#skipped > RUBBISH_SIZE_BYTES_MAX) {
      throw new AppError("protocol", "the peer does not speak RTSP");
    }
    return { item: undefined, size };
  }

  /** While searching: a known channel, and the version bits of RTP and RTCP. */
  #looksRight(data: Buffer): boolean {
    return this.#isChannel(data[1]!) && data.readUInt16BE(2) >= 8 && (data.length < 5 || data[4]! >> 6 === 2);
  }

  /** Bytes to pass over up to the next place where something may begin. */
  #nextStart(data: Buffer): number {
    const dollar = data.indexOf(DOLLAR, 1);
    // No further than that: rubbish full of dollars would be searched whole for each of them.
    const text = data.subarray(0, dollar < 0 ? data.length : dollar).indexOf("RTSP/1.", 1, "latin1");
    const places = [dollar, text].filter((place) => place > 0);
    // The last bytes may be the beginning of "RTSP/1.".
    return places.length > 0 ? Math.min(...places) : Math.max(1, data.length - 6);
  }
}

/** Whether a message begins here: `RTSP/1.` or a method name and a space. */
function messageStart(data: Buffer): "yes" | "no" | "short" {
  const text = data.toString("latin1", 0, Math.min(24, data.length));
  if (/^RTSP\/\d\./.test(text) || /^[A-Z_]{3,20} /.test(text)) return "yes";
  const mayBecome = "RTSP/1.".startsWith(text) || (/^[A-Z_]{1,20}$/.test(text) && text.length < 21);
  return mayBecome ? "short" : "no";
}

function endOfHead(data: Buffer): { head: number; body: number } | undefined {
  const crlf = data.indexOf("\r\n\r\n", 0, "latin1");
  const lf = data.indexOf("\n\n", 0, "latin1");
  if (crlf >= 0 && (lf < 0 || crlf < lf)) return { head: crlf, body: crlf + 4 };
  return lf < 0 ? undefined : { head: lf, body: lf + 2 };
}
