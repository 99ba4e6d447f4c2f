import { systemClock } from "../../../shared/base/clock.ts";
import { errorLine } from "../../../shared/base/errors.ts";
import type { Log } from "../../../shared/base/log.ts";
import { Random } from "../../../shared/base/random.ts";
import { backoffMs } from "../../../shared/base/retry.ts";
import { findFfmpeg } from "../../../shared/media/ffmpeg.ts";
import { LiveDecoder } from "../../../shared/media/live-decoder.ts";
import { playRtsp } from "../../../shared/rtsp/client.ts";
import { PictureSizes } from "../../../shared/rtsp/picture-sizes.ts";
import { StreamPublication } from "../../../shared/rtsp/publication.ts";
import type { ReceivedPicture } from "../../../shared/rtsp/receiver.ts";
import type { VideoFormat } from "../../../shared/rtsp/sdp.ts";
import type { Source } from "../source-text.ts";
import { LargeStream } from "./large-stream.ts";
import type { Arrival, Feed, FrameSource } from "./source.ts";

type RtspOptions = Extract<Source, { kind: "rtsp" }>;

/** Wishes that ffmpeg has not met and never will, since it was started anew, are forgotten beyond so many. */
const WISHES_MAX = 64;
const LOSS_TOLD_EVERY_MS = 30_000;

/** The large stream is tried again after so long. */
const LARGE_RETRY = { firstMs: 500, maxMs: 30_000 };

/**
 * An RTSP camera. MJPEG passes as it is; H.264 and H.265 are decoded by ffmpeg, while somebody looks. With a `record`
 * stream, players and photos get that one.
 */
export function rtspSource({ url, transport, hwaccel, record }: RtspOptions, log: Log): FrameSource {
  const publication = new StreamPublication();
  const large = record === undefined ? undefined : new LargeStream(log);
  return {
    delivery: "newest",
    reconnects: true,
    publication,
    ...(large !== undefined && { photo: (takenMs: number) => large.photo(takenMs) }),
    async run(feed, signal) {
      await using stack = new AsyncDisposableStack();
      const abort = new AbortController();
      stack.defer(() => abort.abort());
      const ending = AbortSignal.any([signal, abort.signal]);
      if (record !== undefined && large !== undefined) {
        const playing = playLarge(record, large, publication, log, ending);
        stack.defer(() => playing);
        // Runs before what was deferred above: the large stream ends with the small one.
        stack.defer(() => abort.abort());
      }
      let take: ((picture: ReceivedPicture) => void) | undefined;
      let failure: unknown;
      const events = {
        onFormat(format: VideoFormat): void {
          if (large === undefined) publication.open(format);
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
          if (large === undefined) publication.push(picture);
          take?.(picture);
        },
      };
      await playRtsp({ url, transport }, events, ending);
      if (failure !== undefined) throw failure;
    },
  };
}

/** Keeps the large stream running beside the small one; its troubles are told and do not stop the camera. */
async function playLarge(
  { url, transport }: NonNullable<RtspOptions["record"]>,
  large: LargeStream,
  publication: StreamPublication,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const random = new Random(url, Date.now());
  // The small stream tells when there is none.
  const ffmpeg = await findFfmpeg().catch(() => undefined);
  for (let failures = 1; !signal.aborted; failures++) {
    try {
      const events = {
        onFormat(format: VideoFormat): void {
          publication.open(format);
          large.open(format.codec, ffmpeg);
        },
        onPicture(picture: ReceivedPicture): void {
          failures = 1;
          publication.push(picture);
          large.push(picture);
        },
      };
      await playRtsp({ url, transport }, events, signal);
    } catch (error) {
      log.warn("no photos from the large stream for now", { why: errorLine(error) });
    }
    await systemClock.sleep(backoffMs(failures, random, LARGE_RETRY), signal);
  }
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
  return ({ data, size, arrivedMs, takenMs, cameraClockAheadMs }: ReceivedPicture): void => {
    const { arrival, wish } = feed.arrive({ capturedMs: arrivedMs, takenMs, cameraClockAheadMs });
    if (wish !== "none" && size !== undefined) feed.deliver(arrival, { ...size, jpeg: data });
  };
}

async function decodingTaker(
  feed: Feed,
  codec: "h264" | "h265",
  { hwaccel, log, stack }: { hwaccel: string | undefined; log: Log; stack: AsyncDisposableStack },
) {
  const wishes = new Map<number, Arrival>();
  const sizes = new PictureSizes();
  /** Whole pictures are wanted: something moves. */
  let isBusy = false;
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
  return (picture: ReceivedPicture): void => {
    const { data, isKey, arrivedMs, takenMs, cameraClockAheadMs } = picture;
    const sign = sizes.read(data.length, isKey);
    const { arrival, wish } = feed.arrive({ capturedMs: arrivedMs, takenMs, cameraClockAheadMs, sign });
    const id = decoder.push(picture, wish);
    if (wish !== "none") isBusy = wish === "picture";
    if (!isBusy) sizes.learn(data.length, isKey);
    if (wish === "none") return;
    wishes.set(id, arrival);
    if (wishes.size > WISHES_MAX) wishes.delete(wishes.keys().next().value!);
  };
}
