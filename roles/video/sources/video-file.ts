import type { Clock } from "../../../shared/base/clock.ts";
import type { Ffmpeg } from "../../../shared/media/ffmpeg.ts";
import { videoFrames } from "../../../shared/media/video-file.ts";
import type { Source } from "../source-text.ts";
import type { FrameSource } from "./source.ts";

/** A video file through ffmpeg: at its own speed, or as fast as its frames are asked for. */
export function videoFileSource(
  ffmpeg: Ffmpeg,
  { path, fps, loop, paced, hwaccel }: Extract<Source, { kind: "path" }>,
  clock: Clock,
): FrameSource {
  return {
    delivery: paced ? "newest" : "every",
    reconnects: false,
    async run(feed, signal) {
      let startMs: number | undefined;
      for await (const { mediaMs, ...picture } of videoFrames(ffmpeg, path, { fps, loop, hwaccel }, signal)) {
        // The film's time runs from its first frame, so that ffmpeg's start is not caught up with.
        startMs ??= clock.monotonicMs() - mediaMs;
        if (paced) await clock.sleep(Math.max(0, startMs + mediaMs - clock.monotonicMs()), signal);
        else await feed.ready(signal);
        if (signal.aborted) return;
        feed.deliver(feed.arrive({ mediaMs }).arrival, picture);
      }
    },
  };
}
