import type { Clock } from "../../../shared/base/clock.ts";
import type { FrameThreads } from "../frame-threads.ts";
import type { Source } from "../source-text.ts";
import { prefetch } from "./prefetch.ts";
import type { FrameSource } from "./source.ts";

type SyntheticOptions = Extract<Source, { kind: "synthetic" }>;

const FRAMES_AHEAD = 3;

/** A drawn street: the same seed shows the same scene everywhere. Paced, it is drawn only while somebody looks. */
export function syntheticSource(options: SyntheticOptions, threads: FrameThreads, clock: Clock): FrameSource {
  const { fps, durationMs = Number.POSITIVE_INFINITY, paced } = options;
  const frameCount = Math.ceil((durationMs * fps) / 1000);
  const timeOf = (index: number) => (index * 1000) / fps;
  const draw = threads.open(options);
  return {
    delivery: paced ? "newest" : "every",
    reconnects: false,
    async run(feed, signal) {
      if (!paced) {
        const frames = prefetch(
          (index) =>
            index >= frameCount
              ? undefined
              : draw(timeOf(index)).then((picture) => ({ mediaMs: timeOf(index), picture })),
          FRAMES_AHEAD,
        );
        for await (const { mediaMs, picture } of frames) {
          await feed.ready(signal);
          if (signal.aborted) return;
          feed.deliver(feed.arrive({ mediaMs }).arrival, picture);
        }
        return;
      }
      const startMs = clock.monotonicMs();
      for (let index = 0; index < frameCount && !signal.aborted; index++) {
        await clock.sleep(Math.max(0, startMs + timeOf(index) - clock.monotonicMs()), signal);
        if (signal.aborted) return;
        const { arrival, wish } = feed.arrive({ mediaMs: timeOf(index) });
        if (wish !== "none") feed.deliver(arrival, await draw(timeOf(index)));
      }
    },
  };
}
