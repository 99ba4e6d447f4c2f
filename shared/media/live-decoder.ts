import { AppError, errorLine } from "../base/errors.ts";
import { MESSAGE_SIZE_BYTES_MAX } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { ErrorLines, endChild } from "./child.ts";
import type { Ffmpeg } from "./ffmpeg.ts";
import { FrameFacts } from "./frame-facts.ts";
import { matroskaHeader, matroskaPicture } from "./matroska.ts";
import { MpjpegSplitter } from "./mpjpeg.ts";
import { JPEG_OUTPUT, QUIET, SHOW_FACTS } from "./output.ts";

/** A picture that was asked for. */
export interface DecodedFrame {
  /** As `LiveDecoder.push` returned it. */
  readonly id: number;
  readonly width: number;
  readonly height: number;
  readonly jpeg: Uint8Array;
}

export interface LiveDecoderOptions {
  readonly ffmpeg: Ffmpeg;
  readonly codec: "h264" | "h265";
  /** A hardware decoder by ffmpeg's name for it, or `auto`. */
  readonly hwaccel: string | undefined;
  readonly log: Log;
  readonly onFrame: (frame: DecodedFrame) => void;
  /** The decoder died and starts again with the next key picture; says why. */
  readonly onTrouble: (error: AppError) => void;
}

/** Coded bytes that may wait for ffmpeg; more means that this machine is too slow for the stream. */
const QUEUE_BYTES_MAX = 8 * 1024 * 1024;
/** A picture that was asked for and does not come for so long means that ffmpeg hangs. */
const HANGS_AFTER_MS = 8000;

/**
 * Decodes a camera's H.264 or H.265 in an ffmpeg process of its own, which may crash on bad input without harm and is
 * started again. All pictures are decoded; only those asked for are converted and encoded: the wish travels as the
 * lowest bit of the picture's number, which ffmpeg's `select` filter reads.
 */
export class LiveDecoder implements AsyncDisposable {
  readonly #options: LiveDecoderOptions;
  #child: Child | undefined;
  #count = 0;
  #startedCount = 0;
  /** Pictures are passed over until one that stands alone. */
  #needsKey = true;
  #closed = false;
  /** Pictures that were passed over since ffmpeg could not keep up. */
  dropped = 0;

  constructor(options: LiveDecoderOptions) {
    this.#options = options;
  }

  /** Times that ffmpeg was started. */
  get starts(): number {
    return this.#startedCount;
  }

  /**
   * Takes the next picture (Annex B).
   *
   * @param wanted whether `onFrame` is to be called with it
   * @returns the picture's number
   */
  push(data: Uint8Array, isKey: boolean, wanted: boolean): number {
    const id = this.#count++;
    if (this.#closed || (this.#needsKey && !isKey)) return id;
    this.#child ??= this.#start();
    const child = this.#child;
    if (child.hangs()) {
      child.kill("it hangs");
      this.#needsKey = true;
      return id;
    }
    if (child.queuedBytes + data.length > QUEUE_BYTES_MAX) {
      this.#needsKey = true;
      this.dropped++;
      return id;
    }
    this.#needsKey = false;
    child.feed(matroskaPicture(data, 2 * id + (wanted ? 0 : 1), isKey), wanted);
    return id;
  }

  #start(): Child {
    this.#startedCount++;
    const child: Child = new Child(this.#options, (problem) => {
      if (this.#child !== child) return;
      this.#child = undefined;
      this.#needsKey = true;
      if (!this.#closed) this.#options.onTrouble(problem);
    });
    return child;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#child?.end();
    this.#child = undefined;
  }
}

/** One run of ffmpeg. */
class Child {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #options: LiveDecoderOptions;
  readonly #errors: ErrorLines;
  readonly #facts = new FrameFacts();
  readonly #queue: Uint8Array[] = [];
  #isWriting = false;
  #killedFor: string | undefined;
  /** When the oldest wish that was not met was made. */
  #waitingSinceMs: number | undefined;
  queuedBytes = 0;

  constructor(options: LiveDecoderOptions, onEnd: (problem: AppError) => void) {
    this.#options = options;
    const { ffmpeg, codec, hwaccel } = options;
    this.#process = Bun.spawn(
      [
        ffmpeg.path,
        ...QUIET,
        ...(hwaccel === undefined ? [] : ["-hwaccel", hwaccel]),
        // One thread and no look-ahead: each picture comes out before the next goes in.
        ...["-flags", "low_delay", "-threads", "1", "-probesize", "32", "-analyzeduration", "0"],
        ...["-f", "matroska", "-i", "pipe:0", "-an", "-vf", `select='not(mod(pts,2))',${SHOW_FACTS}`],
        ...ffmpeg.keepTimes,
        ...JPEG_OUTPUT,
      ],
      { stdin: "pipe", stdout: "pipe", stderr: "pipe" },
    );
    this.#errors = new ErrorLines(this.#process.stderr, (line) => this.#facts.take(line));
    this.feed(matroskaHeader(codec), false);
    void this.#run(onEnd);
  }

  hangs(): boolean {
    return this.#waitingSinceMs !== undefined && performance.now() - this.#waitingSinceMs > HANGS_AFTER_MS;
  }

  feed(bytes: Uint8Array, wanted: boolean): void {
    if (wanted) this.#waitingSinceMs ??= performance.now();
    this.#queue.push(bytes);
    this.queuedBytes += bytes.length;
    if (!this.#isWriting) void this.#write();
  }

  kill(why: string): void {
    this.#killedFor = why;
    this.#process.kill("SIGKILL");
  }

  async end(): Promise<void> {
    await endChild(this.#process);
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    try {
      for (let bytes = this.#queue.shift(); bytes !== undefined; bytes = this.#queue.shift()) {
        this.#process.stdin.write(bytes);
        await this.#process.stdin.flush();
        this.queuedBytes -= bytes.length;
      }
      this.#isWriting = false;
    } catch {
      // The process has ended; `#run` says why. `#isWriting` stays, so that nothing else is written.
    }
  }

  async #run(onEnd: (problem: AppError) => void): Promise<void> {
    let cause: unknown;
    try {
      const splitter = new MpjpegSplitter(MESSAGE_SIZE_BYTES_MAX - 8192);
      for await (const chunk of this.#process.stdout) {
        for (const jpeg of splitter.push(chunk)) {
          const { pts, width, height } = await this.#facts.next();
          this.#waitingSinceMs = undefined;
          this.#options.onFrame({ id: pts / 2, width, height, jpeg });
        }
      }
    } catch (error) {
      cause = error;
    }
    await endChild(this.#process);
    await this.#errors.done;
    const { signalCode, exitCode } = this.#process;
    const how = this.#killedFor ?? (signalCode === null ? `status ${exitCode}` : signalCode);
    const words = cause === undefined ? this.#errors.text : errorLine(cause);
    onEnd(new AppError("unavailable", `ffmpeg ended while it decoded (${how})`, { cause: new Error(words) }));
  }
}
