import { stat } from "node:fs/promises";
import type { Clock } from "../../shared/base/clock.ts";
import { AppError } from "../../shared/base/errors.ts";
import type { Log } from "../../shared/base/log.ts";
import { findFfmpeg } from "../../shared/media/ffmpeg.ts";
import type { FrameThreads } from "./frame-threads.ts";
import type { CameraSpec, Source } from "./source-text.ts";
import { folderSource, listPictures } from "./sources/folder.ts";
import { rtspSource } from "./sources/rtsp.ts";
import type { FrameSource } from "./sources/source.ts";
import { syntheticSource } from "./sources/synthetic.ts";
import { videoFileSource } from "./sources/video-file.ts";

/**
 * Makes a camera's source ready to run. What a person got wrong (a missing file, no ffmpeg) is told now, before
 * anything listens.
 *
 * @throws {AppError} `usage`, `input` or `unavailable`
 */
export async function openSource(
  spec: CameraSpec,
  source: Source,
  parts: { threads: FrameThreads; clock: Clock; log: Log },
): Promise<FrameSource> {
  if (source.kind === "synthetic") return syntheticSource(source, parts.threads, parts.clock);
  if (source.kind === "rtsp") return rtspSource(source, parts.log.child(spec.name));
  const facts = await stat(source.path).catch((cause) => {
    throw new AppError("input", `camera ${spec.name}: there is no file or folder ${source.path}`, { cause });
  });
  if (facts.isDirectory())
    return folderSource(await listPictures(source.path), source, {
      clock: parts.clock,
      log: parts.log.child(spec.name),
    });
  return videoFileSource(await findFfmpeg(), source, parts.clock);
}
