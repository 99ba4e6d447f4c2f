import { AppError, errorLine } from "../base/errors.ts";
import { MESSAGE_SIZE_BYTES_MAX } from "../base/limits.ts";
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
  readonly onFrame: (frame: DecodedFrame) => void;
  /** Decoding goes on with the next key picture only; says why. */
  readonly onTrouble: (error: AppError) => void;
}

/** Coded bytes that may wait for ffmpeg; more means that this machine is too slow for the stream. */
const QUEUE_BYTES_MAX = 8 * 1024 * 1024;
/** A picture that was asked for and does not come for so long means that ffmpeg hangs. */
const HANGS_AFTER_MS = 20_000;
/** Between the end of its output and its exit. */
const DEATH_MS = 1000;
/** While nobody wants pictures for so long, no ffmpeg runs. */
const IDLE_MS = 15_000;
/** Coded pictures since the last key picture that are kept, so that decoding can begin between two of them. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024;
/** Waits before starts that follow deaths; doubling. */
const RESTART_FIRST_MS = 100;
const RESTART_MAX_MS = 10_000;

interface CodedItem {
  readonly id: number;
  readonly data: Uint8Array;
  readonly isKey: boolean;
}

/**
 * Decodes a camera's H.264 or H.265 in an ffmpeg process of its own, which may crash on bad input without harm and is
 * started again. It runs while pictures are wanted. All pictures are decoded then; only those asked for are converted
 * and encoded: the wish travels as the lowest bit of the picture's number, which ffmpeg's `select` filter reads.
 */
export class LiveDecoder implements AsyncDisposable {
  readonly #options: LiveDecoderOptions;
  #child: Child | undefined;
  #count = 0;
  #isClosed = false;
  /** False until a key picture, and again after something was lost. */
  #isDecodable = false;
  /** Pictures since the last key picture; absent when they were too many. */
  #sinceKey: CodedItem[] | undefined;
  #sinceKeyBytes = 0;
  #wantedMs = 0;
  #deaths = 0;
  #mayStartMs = 0;
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
   * Takes the next picture (Annex B).
   *
   * @param wanted whether `onFrame` is to be called with it
   * @returns the picture's number
   */
  push(data: Uint8Array, isKey: boolean, wanted: boolean): number {
    const item = { id: this.#count++, data, isKey };
    if (isKey) [this.#isDecodable, this.#sinceKey, this.#sinceKeyBytes] = [true, [], 0];
    if (this.#isClosed || !this.#isDecodable) return item.id;
    const nowMs = performance.now();
    if (wanted) this.#wantedMs = nowMs;
    if (this.#child === undefined && wanted) this.#startFromKey(nowMs);
    this.#keep(item);
    this.#child?.feed(item, wanted);
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
    const child: Child = new Child(this.#options, (problem, frames) => {
      if (this.#child === child) this.#child = undefined;
      if (this.#isClosed || problem === undefined) return;
      // What it died of may be in these pictures.
      this.#isDecodable = false;
      this.#deaths = frames > 0 ? 1 : this.#deaths + 1;
      const waitMs = Math.min(RESTART_MAX_MS, RESTART_FIRST_MS * 2 ** (this.#deaths - 1));
      this.#mayStartMs = performance.now() + waitMs;
      this.#options.onTrouble(problem);
    });
    this.#child = child;
    for (const item of this.#sinceKey) child.feed(item, false);
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

/** One run of ffmpeg. */
class Child {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #options: LiveDecoderOptions;
  readonly #errors: ErrorLines;
  readonly #facts = new FrameFacts();
  readonly #queue: Uint8Array[] = [];
  #isWriting = false;
  #killedFor: string | undefined;
  #isEnding = false;
  #frames = 0;
  /** When the oldest wish that was not met was made. */
  #waitingSinceMs: number | undefined;
  queuedBytes = 0;

  constructor(options: LiveDecoderOptions, onEnd: (problem: AppError | undefined, frames: number) => void) {
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
    this.#enqueue(matroskaHeader(codec));
    void this.#run(onEnd);
  }

  hangs(nowMs: number): boolean {
    return this.#waitingSinceMs !== undefined && nowMs - this.#waitingSinceMs > HANGS_AFTER_MS;
  }

  feed({ id, data, isKey }: CodedItem, wanted: boolean): void {
    if (wanted) this.#waitingSinceMs ??= performance.now();
    this.#enqueue(matroskaPicture(data, 2 * id + (wanted ? 0 : 1), isKey));
  }

  kill(why: string): void {
    this.#killedFor = why;
    this.#process.kill("SIGKILL");
  }

  /** Ends it; nobody is told of a problem. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await endChild(this.#process);
  }

  #enqueue(bytes: Uint8Array): void {
    this.#queue.push(bytes);
    this.queuedBytes += bytes.length;
    if (!this.#isWriting) void this.#write();
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    try {
      for (let bytes = this.#queue.shift(); bytes !== undefined; bytes = this.#queue.shift()) {
        // Both wait when the pipe is full, and both reject when it breaks.
        await this.#process.stdin.write(bytes);
        await this.#process.stdin.flush();
        this.queuedBytes -= bytes.length;
      }
      this.#isWriting = false;
    } catch {
      // The process has ended; `#run` says why. `#isWriting` stays, so that nothing else is written.
    }
  }

  async #run(onEnd: (problem: AppError | undefined, frames: number) => void): Promise<void> {
    let cause: unknown;
    try {
      const splitter = new MpjpegSplitter(MESSAGE_SIZE_BYTES_MAX - 8192);
      for await (const chunk of this.#process.stdout) {
        for (const jpeg of splitter.push(chunk)) {
          const { pts, width, height } = await this.#facts.next();
          this.#waitingSinceMs = undefined;
          this.#frames++;
          if (this.#isEnding) continue;
          this.#options.onFrame({ id: pts / 2, width, height, jpeg });
        }
      }
    } catch (error) {
      cause = error;
    }
    await endChild(this.#process, DEATH_MS);
    await this.#errors.done;
    const { signalCode, exitCode } = this.#process;
    const how = this.#killedFor ?? (signalCode === null ? `status ${exitCode}` : signalCode);
    const words = cause === undefined ? this.#errors.text : errorLine(cause);
    const problem = new AppError("unavailable", `ffmpeg ended while it decoded (${how})`, {
      cause: new Error(words),
    });
    onEnd(this.#isEnding ? undefined : problem, this.#frames);
  }
}
