import { errorLine } from "../../../shared/base/errors.ts";
import type { Log } from "../../../shared/base/log.ts";
import { findFfmpeg } from "../../../shared/media/ffmpeg.ts";
import { LiveDecoder } from "../../../shared/media/live-decoder.ts";
import { playRtsp, type ReceivedPicture } from "../../../shared/rtsp/client.ts";
import { StreamPublication } from "../../../shared/rtsp/publication.ts";
import type { VideoFormat } from "../../../shared/rtsp/sdp.ts";
import type { Source } from "../source-text.ts";
import type { Arrival, Feed, FrameSource } from "./source.ts";

type RtspOptions = Extract<Source, { kind: "rtsp" }>;

/** Wishes that ffmpeg has not met and never will, since it was started anew, are forgotten beyond so many. */
const WISHES_MAX = 64;
const LOSS_TOLD_EVERY_MS = 30_000;

/** An RTSP camera. MJPEG passes as it is; H.264 and H.265 are decoded by ffmpeg, while somebody looks. */
export function rtspSource({ url, transport, hwaccel }: RtspOptions, log: Log): FrameSource {
  const publication = new StreamPublication();
  return {
    delivery: "newest",
    reconnects: true,
    publication,
    async run(feed, signal) {
      await using stack = new AsyncDisposableStack();
      const abort = new AbortController();
      stack.defer(() => abort.abort());
      const ending = AbortSignal.any([signal, abort.signal]);
      let take: ((picture: ReceivedPicture) => void) | undefined;
      let failure: unknown;
      const events = {
        onFormat(format: VideoFormat): void {
          publication.open(format);
          take = format.codec === "jpeg" ? jpegTaker(feed) : undefined;
          if (format.codec === "jpeg") return;
          decodingTaker(feed, format.codec, { hwaccel, log, stack }).then(
            (ready) => {
              take = ready;
            },
            (error) => {
              // Without ffmpeg the camera is of no use here.
              failure = error;
              abort.abort();
            },
          );
        },
        onLoss: lossTeller(log),
        onPicture(picture: ReceivedPicture): void {
          publication.push(picture);
          take?.(picture);
        },
      };
      await playRtsp({ url, transport }, events, ending);
      if (failure !== undefined) throw failure;
    },
  };
}

/** Says now and then how many packets are missing: the network loses them, or the camera since nobody read fast enough. */
function lossTeller(log: Log): (lost: number) => void {
  let lostSince = 0;
  let toldMs = Number.NEGATIVE_INFINITY;
  return (lost) => {
    lostSince += lost;
    const nowMs = performance.now();
    if (nowMs - toldMs < LOSS_TOLD_EVERY_MS) return;
    log.warn("packets are missing; pictures are held back until the next key picture", {
      packets: lostSince,
    });
    [lostSince, toldMs] = [0, nowMs];
  };
}

function jpegTaker(feed: Feed) {
  return ({ data, size, arrivedMs, cameraClockAheadMs }: ReceivedPicture): void => {
    const { arrival, wish } = feed.arrive({ capturedMs: arrivedMs, cameraClockAheadMs });
    if (wish !== "none" && size !== undefined) feed.deliver(arrival, { ...size, jpeg: data });
  };
}

async function decodingTaker(
  feed: Feed,
  codec: "h264" | "h265",
  { hwaccel, log, stack }: { hwaccel: string | undefined; log: Log; stack: AsyncDisposableStack },
) {
  const wishes = new Map<number, Arrival>();
  const decoder = stack.use(
    new LiveDecoder({
      ffmpeg: await findFfmpeg(),
      codec,
      hwaccel,
      onFrame: ({ id, ...picture }) => {
        const arrival = wishes.get(id);
        wishes.delete(id);
        if (arrival !== undefined) feed.deliver(arrival, picture);
      },
      onTrouble: (error) => log.warn("pictures are left out", { why: errorLine(error) }),
    }),
  );
  return ({ data, isKey, arrivedMs, cameraClockAheadMs }: ReceivedPicture): void => {
    const { arrival, wish } = feed.arrive({ capturedMs: arrivedMs, cameraClockAheadMs });
    const id = decoder.push(data, isKey, wish);
    if (wish === "none") return;
    wishes.set(id, arrival);
    if (wishes.size > WISHES_MAX) wishes.delete(wishes.keys().next().value!);
  };
}
