import { basename } from "node:path";
import { AppError } from "../base/errors.ts";
import { MESSAGE_SIZE_BYTES_MAX } from "../base/limits.ts";
import { onAbort } from "../base/wait.ts";
import { ErrorLines, endChild } from "./child.ts";
import type { Ffmpeg } from "./ffmpeg.ts";
import { FrameFacts } from "./frame-facts.ts";
import { MpjpegSplitter } from "./mpjpeg.ts";
import { jpegOutput, QUIET, SHOW_FACTS } from "./output.ts";

export interface VideoFileOptions {
  /** Frames a second that are taken; each that the file has when absent. */
  readonly fps?: number | undefined;
  /** Begin again at the end; times go on rising. */
  readonly loop?: boolean;
  /** A hardware decoder by ffmpeg's name for it, or `auto`. */
  readonly hwaccel?: string | undefined;
}

/** One frame of a file. */
export interface VideoFrame {
  /** Time in the file, in ms. */
  readonly mediaMs: number;
  readonly width: number;
  readonly height: number;
  readonly jpeg: Uint8Array;
}

/**
 * The frames of a video file, in order, as JPEG with ffmpeg's standard Huffman tables. ffmpeg waits while the caller
 * does: a pipe's worth of pictures is all that is made ahead. Ends early, without an error, when `signal` aborts.
 *
 * @throws {AppError} `input` with ffmpeg's words when the file cannot be read, or breaks off
 */
export async function* videoFrames(
  ffmpeg: Ffmpeg,
  path: string,
  { fps, loop = false, hwaccel }: VideoFileOptions,
  signal: AbortSignal,
): AsyncGenerator<VideoFrame> {
  if (signal.aborted) return;
  const filters = [...(fps === undefined ? [] : [`fps=${fps}`]), SHOW_FACTS];
  const child = Bun.spawn(
    [
      ffmpeg.path,
      "-nostdin",
      ...QUIET,
      ...(hwaccel === undefined ? [] : ["-hwaccel", hwaccel]),
      ...(loop ? ["-stream_loop", "-1"] : []),
      // A name such as "-x.mp4" or "http://..." must stay a file.
      ...["-i", `file:${path}`, "-map", "0:v:0", "-an", "-sn", "-dn", "-vf", filters.join(",")],
      ...ffmpeg.keepTimes,
      ...jpegOutput(1),
    ],
    { stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  );
  using _abort = onAbort(signal, () => child.kill("SIGKILL"));
  const facts = new FrameFacts();
  const errors = new ErrorLines(child.stderr, (line) => facts.take(line));
  try {
    const splitter = new MpjpegSplitter(MESSAGE_SIZE_BYTES_MAX - 8192);
    let count = 0;
    for await (const chunk of child.stdout) {
      for (const jpeg of splitter.push(chunk)) {
        const { mediaMs, width, height } = await facts.next();
        if (signal.aborted) return;
        count++;
        yield { mediaMs, width, height, jpeg };
      }
    }
    const code = await child.exited;
    await errors.done;
    if (signal.aborted) return;
    if (code !== 0 || count === 0) {
      throw new AppError(
        "input",
        `${path} cannot be ${count === 0 ? "read as a video" : "read to its end"}`,
        {
          cause: new Error(errors.text),
          failure: "no-video-file",
          about: basename(path),
        },
      );
    }
  } finally {
    await endChild(child);
  }
}
