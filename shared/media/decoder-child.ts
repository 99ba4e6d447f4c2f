import { AppError, errorLine } from "../base/errors.ts";
import { MESSAGE_SIZE_BYTES_MAX } from "../base/limits.ts";
import { ErrorLines, endChild } from "./child.ts";
import type { Ffmpeg } from "./ffmpeg.ts";
import { type FrameFact, FrameFacts } from "./frame-facts.ts";
import { GLANCE_FILTER, GLANCE_OUTPUT, type Glance, GlanceSplitter } from "./glance.ts";
import { matroskaHeader, matroskaPictureHead } from "./matroska.ts";
import { MpjpegSplitter } from "./mpjpeg.ts";
import { jpegOutput, QUIET, SHOW_FACTS } from "./output.ts";
import { readPipe } from "./pipe.ts";

/** What is to come out of a coded picture: nothing, its glance, or its glance and its JPEG. */
export type Wish = "none" | "glance" | "picture";

/** A coded picture. */
export interface CodedItem {
  /** Its place among those that are shown: ffmpeg tells B-pictures from the others by it. */
  readonly id: number;
  readonly data: Uint8Array;
  readonly isKey: boolean;
}

/** A picture that was asked for. */
export interface DecodedFrame {
  /** As `LiveDecoder.push` returned it. */
  readonly id: number;
  readonly width: number;
  readonly height: number;
  /** Absent where this system's ffmpeg gives none. */
  readonly glance: Glance | undefined;
  /** A whole JPEG file; absent where a glance was asked for. */
  readonly jpeg: Uint8Array | undefined;
}

/** A second output of ffmpeg needs a fourth pipe, which Windows does not hand to a program. */
export const GIVES_GLANCES = process.platform !== "win32";

/** A picture that was asked for and does not come for so long means that ffmpeg hangs. */
const HANGS_AFTER_MS = 20_000;
/** Between the end of its output and its exit. */
const DEATH_MS = 1000;
/** Pictures that nobody asked for go to ffmpeg with the next one that somebody did, but for more than this. */
const HELD_BYTES_MAX = 128 * 1024;
/** Pictures of which one part may be ahead of the other. */
const HALVES_MAX = 64;

/** The wish as the lowest two bits of a picture's time, where ffmpeg's `select` filter reads it. */
const WISH_BITS: Readonly<Record<Wish, number>> = { none: 0, glance: 1, picture: 2 };

/** One run of ffmpeg as a decoder. */
export class DecoderChild {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #onFrame: (frame: DecodedFrame) => void;
  readonly #errors: ErrorLines;
  readonly #glanceFacts = new FrameFacts();
  readonly #pictureFacts = new FrameFacts();
  /** Pictures of which one of two parts has come. */
  readonly #halves = new Map<number, Glance | Uint8Array>();
  #queue: Uint8Array[] = [];
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #isWriting = false;
  #killedFor: string | undefined;
  #isEnding = false;
  /** When the oldest wish that was not met was made. */
  #waitingSinceMs: number | undefined;
  /** Frames that came out. */
  frames = 0;
  /** Coded bytes that wait for ffmpeg to take them. */
  queuedBytes = 0;

  /** @param onEnd called once, with the reason unless `end` was called */
  constructor(
    options: {
      readonly ffmpeg: Ffmpeg;
      readonly codec: "h264" | "h265";
      readonly hwaccel: string | undefined;
      readonly onFrame: (frame: DecodedFrame) => void;
    },
    onEnd: (problem: AppError | undefined) => void,
  ) {
    const { ffmpeg, codec, hwaccel } = options;
    this.#onFrame = options.onFrame;
    this.#process = Bun.spawn(
      [
        ffmpeg.path,
        ...QUIET,
        ...(hwaccel === undefined ? [] : ["-hwaccel", hwaccel]),
        // The pictures' times carry their wishes: ffmpeg is not to count them from the first one.
        "-copyts",
        // One thread and no look-ahead: each picture comes out before the next goes in.
        ...["-flags", "low_delay", "-threads", "1", "-filter_complex_threads", "1"],
        ...["-probesize", "32", "-analyzeduration", "0", "-f", "matroska", "-i", "pipe:0"],
        ...outputs(ffmpeg.keepTimes),
      ],
      { stdio: ["pipe", "pipe", "pipe", ...(GIVES_GLANCES ? (["pipe"] as const) : [])] },
    ) as Bun.Subprocess<"pipe", "pipe", "pipe">;
    this.#errors = new ErrorLines(this.#process.stderr, (line) => this.#takeFact(line));
    this.#queue.push(matroskaHeader(codec));
    void this.#run(onEnd);
  }

  hangs(nowMs: number): boolean {
    return this.#waitingSinceMs !== undefined && nowMs - this.#waitingSinceMs > HANGS_AFTER_MS;
  }

  feed({ id, data, isKey }: CodedItem, wish: Wish): void {
    const head = matroskaPictureHead(data.length, 4 * id + WISH_BITS[wish], isKey);
    this.#held.push(head, data);
    this.#heldBytes += head.length + data.length;
    this.queuedBytes += head.length + data.length;
    if (wish !== "none") this.#waitingSinceMs ??= performance.now();
    else if (this.#heldBytes < HELD_BYTES_MAX) return;
    this.#queue.push(...this.#held);
    [this.#held, this.#heldBytes] = [[], 0];
    if (!this.#isWriting) void this.#write();
  }

  /** Nothing that will come builds on what has come so far: what nobody asked for need not be decoded any more. */
  forgetHeld(): void {
    this.queuedBytes -= this.#heldBytes;
    [this.#held, this.#heldBytes] = [[], 0];
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

  async #write(): Promise<void> {
    this.#isWriting = true;
    try {
      while (this.#queue.length > 0) {
        const bytes = this.#queue.length === 1 ? this.#queue[0]! : Buffer.concat(this.#queue);
        this.#queue = [];
        // Both wait when the pipe is full, and both reject when it breaks.
        await this.#process.stdin.write(bytes);
        await this.#process.stdin.flush();
        this.queuedBytes = Math.max(0, this.queuedBytes - bytes.length);
      }
      this.#isWriting = false;
    } catch {
      // The process has ended; `#run` says why. `#isWriting` stays, so that nothing else is written.
    }
  }

  /** A line of `showinfo` is written before both parts of its frame. */
  #takeFact(line: string): boolean {
    const fact = FrameFacts.read(line);
    if (fact === undefined) return false;
    if (fact === "other") return true;
    if (GIVES_GLANCES) this.#glanceFacts.add(fact);
    if (fact.pts % 4 === WISH_BITS.picture || !GIVES_GLANCES) this.#pictureFacts.add(fact);
    return true;
  }

  async #run(onEnd: (problem: AppError | undefined) => void): Promise<void> {
    let cause: unknown;
    try {
      const parts = GIVES_GLANCES
        ? [this.#readGlances(), this.#readPictures(await readPipe(this.#fourthPipe()))]
        : [this.#readPictures(this.#process.stdout)];
      await Promise.all(parts);
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
    onEnd(this.#isEnding ? undefined : problem);
  }

  #fourthPipe(): number {
    const pipe = this.#process.stdio[3];
    if (typeof pipe !== "number") throw new AppError("bug", "ffmpeg has no pipe for its pictures");
    return pipe;
  }

  async #readGlances(): Promise<void> {
    const splitter = new GlanceSplitter();
    for await (const chunk of this.#process.stdout) {
      for (const glance of splitter.push(chunk)) {
        const fact = await this.#glanceFacts.next();
        if (fact.pts % 4 === WISH_BITS.picture) this.#join(fact, glance);
        else this.#give(fact, glance, undefined);
      }
    }
  }

  async #readPictures(stream: ReadableStream<Uint8Array>): Promise<void> {
    const splitter = new MpjpegSplitter(MESSAGE_SIZE_BYTES_MAX - 64 * 1024);
    for await (const chunk of stream) {
      for (const jpeg of splitter.push(chunk)) {
        const fact = await this.#pictureFacts.next();
        if (GIVES_GLANCES) this.#join(fact, jpeg);
        else this.#give(fact, undefined, jpeg);
      }
    }
  }

  /** The two parts of a picture come over two pipes, in any order. */
  #join(fact: FrameFact, part: Glance | Uint8Array): void {
    const other = this.#halves.get(fact.pts);
    if (other === undefined) {
      this.#halves.set(fact.pts, part);
      if (this.#halves.size > HALVES_MAX) this.#halves.delete(this.#halves.keys().next().value!);
      return;
    }
    this.#halves.delete(fact.pts);
    const [jpeg, glance] = part instanceof Uint8Array ? [part, other] : [other, part];
    this.#give(fact, glance as Glance, jpeg as Uint8Array);
  }

  #give({ pts, width, height }: FrameFact, glance: Glance | undefined, jpeg: Uint8Array | undefined): void {
    this.#waitingSinceMs = undefined;
    this.frames++;
    if (!this.#isEnding) this.#onFrame({ id: Math.floor(pts / 4), width, height, glance, jpeg });
  }
}

/** Encoders take only times that rise. ffmpeg's first pictures of a stream with B-pictures come out of order. */
const COUNTED = "setpts=N";

/** Filters and files: glances on standard output and JPEGs on a fourth pipe, or JPEGs alone on standard output. */
function outputs(keepTimes: readonly string[]): string[] {
  const asked = `select='mod(pts,4)',${SHOW_FACTS}`;
  if (!GIVES_GLANCES) return ["-an", "-vf", `${asked},${COUNTED}`, ...keepTimes, ...jpegOutput(1)];
  const pictures = `select='eq(mod(pts,4),${WISH_BITS.picture})'`;
  const graph = `[0:v]${asked},split[all][again];[all]${GLANCE_FILTER},${COUNTED}[glance];[again]${pictures},${COUNTED}[picture]`;
  return [
    ...["-filter_complex", graph, "-map", "[glance]", ...keepTimes, ...GLANCE_OUTPUT],
    ...["-map", "[picture]", ...keepTimes, ...jpegOutput(3)],
  ];
}
