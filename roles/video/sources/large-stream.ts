import { AppError, errorLine } from "../../../shared/base/errors.ts";
import type { Log } from "../../../shared/base/log.ts";
import { deferred, within } from "../../../shared/base/wait.ts";
import { type CodedItem, DecoderChild } from "../../../shared/media/decoder-child.ts";
import type { Ffmpeg } from "../../../shared/media/ffmpeg.ts";
import { ShowOrder } from "../../../shared/media/show-order.ts";
import type { ReceivedPicture } from "../../../shared/rtsp/receiver.ts";
import { PHOTO_WITHIN_MS } from "../../../shared/wire/messages/frames.ts";
import type { JpegPicture } from "./source.ts";

/** Coded pictures that are kept: at the 8 Mbit/s of a 4K camera, eight seconds. */
const KEPT_BYTES_MAX = 8 * 1024 * 1024;
/** Two streams of a camera are seldom further apart than this. */
const APART_MS_MAX = 1500;
/** B-pictures in a row, and the one that they build on. */
const AFTER_MAX = 4;
/** Photos of one camera that may wait to be made. */
const WAITING_MAX = 4;

interface KeptPicture extends CodedItem {
  readonly atMs: number;
  readonly size: ReceivedPicture["size"];
}

/**
 * The last pictures of a camera's large stream, as they came. They are decoded only when a photo is wanted, from the
 * key picture before it, so that a large stream costs its network traffic and no more.
 */
export class LargeStream {
  readonly #log: Log;
  #kept: KeptPicture[] = [];
  #keptBytes = 0;
  readonly #order = new ShowOrder();
  #codec: "h264" | "h265" | "jpeg" | undefined;
  #ffmpeg: Ffmpeg | undefined;
  /** One photo of a camera is made at a time. */
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** The stream begins, perhaps anew. @param ffmpeg needed for all but JPEG */
  open(codec: "h264" | "h265" | "jpeg", ffmpeg: Ffmpeg | undefined): void {
    [this.#codec, this.#ffmpeg] = [codec, ffmpeg];
    [this.#kept, this.#keptBytes] = [[], 0];
  }

  push(picture: ReceivedPicture): void {
    const { data, isKey, takenMs: atMs, mediaMs, size } = picture;
    if (this.#codec === undefined || (this.#kept.length === 0 && !isKey)) return;
    this.#kept.push({ id: this.#order.place(mediaMs), data, isKey, atMs, size });
    this.#keptBytes += data.length;
    // What goes is a key picture with all that builds on it.
    while (this.#keptBytes > KEPT_BYTES_MAX) this.#dropFirstGroup();
  }

  /**
   * The picture of about this moment, as JPEG; `undefined` when it is not there any more, or cannot be decoded in time.
   */
  async photo(atMs: number, withinMs = PHOTO_WITHIN_MS): Promise<JpegPicture | undefined> {
    if (this.#waiting >= WAITING_MAX) return undefined;
    this.#waiting++;
    const deadlineMs = performance.now() + withinMs;
    const made = this.#last.then(() => this.#make(atMs, deadlineMs));
    this.#last = made;
    try {
      return await made;
    } finally {
      this.#waiting--;
    }
  }

  async #make(atMs: number, deadlineMs: number): Promise<JpegPicture | undefined> {
    if (performance.now() >= deadlineMs) return undefined; // others took all its time: nobody waits for it
    const nearest = this.#kept.reduce<KeptPicture | undefined>(
      (a, b) => (a === undefined || Math.abs(b.atMs - atMs) < Math.abs(a.atMs - atMs) ? b : a),
      undefined,
    );
    if (nearest === undefined || Math.abs(nearest.atMs - atMs) > APART_MS_MAX) return undefined;
    try {
      return await this.#decode(nearest, deadlineMs);
    } catch (error) {
      this.#log.debug("no photo from the large stream", { why: errorLine(error) });
      return undefined;
    }
  }

  async #decode(wanted: KeptPicture, deadlineMs: number): Promise<JpegPicture | undefined> {
    if (this.#codec === "jpeg") return wanted.size && { ...wanted.size, jpeg: wanted.data };
    if (this.#codec === undefined || this.#ffmpeg === undefined) return undefined;
    const until = this.#kept.indexOf(wanted);
    const from = this.#kept.findLastIndex(({ isKey }, at) => isKey && at <= until);
    const found = deferred<JpegPicture>();
    const child = new DecoderChild(
      {
        ...{ ffmpeg: this.#ffmpeg, codec: this.#codec, hwaccel: undefined },
        onFrame: ({ width, height, jpeg }) => jpeg && found.resolve({ width, height, jpeg }),
      },
      (problem) => found.reject(problem ?? new AppError("cancelled", "stopped")),
    );
    try {
      for (const item of this.#kept.slice(from, until)) child.feed(item, "none");
      child.feed(wanted, "picture");
      // With B-pictures it comes out when the decoder has seen some of those that follow.
      const after = this.#order.isMixed ? this.#kept.slice(until + 1, until + 1 + AFTER_MAX) : [];
      for (const item of after) child.feed(item, "glance");
      return await within(found.promise, deadlineMs - performance.now(), "the photo");
    } finally {
      await child.end();
    }
  }

  #dropFirstGroup(): void {
    const next = this.#kept.findIndex(({ isKey }, at) => isKey && at > 0);
    const gone = this.#kept.splice(0, next < 0 ? this.#kept.length : next);
    this.#keptBytes -= gone.reduce((sum, { data }) => sum + data.length, 0);
  }
}
