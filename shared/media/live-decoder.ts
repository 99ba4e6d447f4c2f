import { AppError } from "../base/errors.ts";
import { type CodedItem, type DecodedFrame, DecoderChild, type Wish } from "./decoder-child.ts";
import type { Ffmpeg } from "./ffmpeg.ts";
import { ShowOrder } from "./show-order.ts";

/** A coded picture as the camera sends it. */
export interface LivePicture {
  /** Annex B. */
  readonly data: Uint8Array;
  readonly isKey: boolean;
  /** No picture that comes after it builds on one before it. */
  readonly isClean: boolean;
  /** When it is shown, by the camera; absent where pictures come in the order they are shown. */
  readonly mediaMs?: number;
}

export interface LiveDecoderOptions {
  readonly ffmpeg: Ffmpeg;
  readonly codec: "h264" | "h265";
  /** A hardware decoder by ffmpeg's name for it, or `auto`. */
  readonly hwaccel: string | undefined;
  readonly onFrame: (frame: DecodedFrame) => void;
  /** Decoding goes on with the next key picture only; says why. */
  readonly onTrouble: (error: AppError) => void;
}

/** Coded bytes that may wait for ffmpeg; more means that this machine is too slow for the stream. */
const QUEUE_BYTES_MAX = 8 * 1024 * 1024;
/** While nobody wants pictures for so long, no ffmpeg runs. */
const IDLE_MS = 15_000;
/** Coded pictures since the last key picture that are kept, so that decoding can begin between two of them. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024;
/** Waits before starts that follow deaths; doubling. */
const RESTART_FIRST_MS = 100;
const RESTART_MAX_MS = 10_000;

/**
 * Decodes a camera's H.264 or H.265 in an ffmpeg process of its own, which may crash on bad input without harm and is
 * started again. It runs while pictures are wanted. Decoded are then those asked for and those they build on; only those
 * asked for are made small, and only those wanted whole are encoded: the wish travels in the picture's time, which
 * ffmpeg's `select` filter reads.
 */
export class LiveDecoder implements AsyncDisposable {
  readonly #options: LiveDecoderOptions;
  #child: DecoderChild | undefined;
  readonly #order = new ShowOrder();
  #isClosed = false;
  /** False until a key picture, and again after something was lost. */
  #isDecodable = false;
  /** Pictures since the last key picture; absent when they were too many. */
  #sinceKey: CodedItem[] | undefined;
  #sinceKeyBytes = 0;
  #wantedMs = 0;
  #deaths = 0;
  #mayStartMs = 0;
  #isHardwareBroken = false;
  /** Times that ffmpeg was started. */
  starts = 0;

  constructor(options: LiveDecoderOptions) {
    this.#options = options;
  }

  /** Whether an ffmpeg is running. */
  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /**
   * Takes the next picture.
   *
   * @param wish what `onFrame` is to be called with
   * @returns the picture's number
   */
  push({ data, isKey, isClean, mediaMs }: LivePicture, wish: Wish): number {
    const item = { id: this.#order.place(mediaMs), data, isKey };
    if (isKey) [this.#isDecodable, this.#sinceKey, this.#sinceKeyBytes] = [true, [], 0];
    if (this.#isClosed || !this.#isDecodable) return item.id;
    const nowMs = performance.now();
    if (wish !== "none") this.#wantedMs = nowMs;
    if (this.#child === undefined && wish !== "none") this.#startFromKey(nowMs);
    this.#keep(item);
    // Among B-pictures one that somebody asked for comes out only when some more have gone in.
    if (isClean && !this.#order.isMixed) this.#child?.forgetHeld();
    this.#child?.feed(item, wish);
    this.#supervise(nowMs);
    return item.id;
  }

  #keep(item: CodedItem): void {
    this.#sinceKey?.push(item);
    this.#sinceKeyBytes += item.data.length;
    if (this.#sinceKeyBytes > KEPT_BYTES_MAX) this.#sinceKey = undefined;
  }

  #startFromKey(nowMs: number): void {
    if (this.#sinceKey === undefined || nowMs < this.#mayStartMs) return;
    this.starts++;
    const hwaccel = this.#isHardwareBroken ? undefined : this.#options.hwaccel;
    const child: DecoderChild = new DecoderChild({ ...this.#options, hwaccel }, (problem) => {
      if (this.#child === child) this.#child = undefined;
      if (this.#isClosed || problem === undefined) return;
      // What it died of may be in these pictures.
      this.#isDecodable = false;
      if (hwaccel !== undefined && child.frames === 0) this.#giveUpHardware(hwaccel, problem);
      else this.#delayNextStart(child.frames, problem);
    });
    this.#child = child;
    for (const item of this.#sinceKey) child.feed(item, "none");
  }

  #giveUpHardware(hwaccel: string, cause: AppError): void {
    this.#isHardwareBroken = true;
    this.#options.onTrouble(
      new AppError("unavailable", `the hardware decoder ${hwaccel} does not work here: decoding without it`, {
        cause,
        hint: "`ffmpeg -hwaccels` lists those that this ffmpeg knows",
      }),
    );
  }

  #delayNextStart(frames: number, problem: AppError): void {
    this.#deaths = frames > 0 ? 1 : this.#deaths + 1;
    const waitMs = Math.min(RESTART_MAX_MS, RESTART_FIRST_MS * 2 ** (this.#deaths - 1));
    this.#mayStartMs = performance.now() + waitMs;
    this.#options.onTrouble(problem);
  }

  #supervise(nowMs: number): void {
    const child = this.#child;
    if (child === undefined) return;
    if (child.hangs(nowMs)) child.kill("it hangs");
    if (nowMs - this.#wantedMs > IDLE_MS) {
      this.#child = undefined;
      void child.end();
    }
    if (child.queuedBytes > QUEUE_BYTES_MAX) {
      this.#isDecodable = false;
      this.#options.onTrouble(
        new AppError(
          "unavailable",
          "this machine is too slow for the camera's stream: pictures are left out",
          {
            hint: "give the address of the camera's smaller stream",
          },
        ),
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#child?.end();
    this.#child = undefined;
  }
}
