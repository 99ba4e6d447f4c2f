import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Clock } from "../../../shared/base/clock.ts";
import { AppError } from "../../../shared/base/errors.ts";
import { MESSAGE_SIZE_BYTES_MAX, PICTURE_COUNT_MAX } from "../../../shared/base/limits.ts";
import type { Log } from "../../../shared/base/log.ts";
import { decodePicture, readPictureFile } from "../../../shared/image/codec.ts";
import { isPictureName } from "../../../shared/image/endings.ts";
import { readHeader } from "../../../shared/image/header.ts";
import { encodeStandardJpeg } from "../../../shared/media/standard-jpeg.ts";
import type { Source } from "../source-text.ts";
import { prefetch } from "./prefetch.ts";
import type { ArrivalFacts, Feed, FrameSource, JpegPicture } from "./source.ts";

type FolderOptions = Extract<Source, { kind: "path" }>;

/** A picture on show is a still scene; this is often enough to follow what is in it. */
const DEFAULT_FPS = 5;
/** Pictures that are shown for less are the frames of a film. */
const SLIDE_SECONDS_MIN = 0.5;
const PICTURES_AHEAD = 2;
const QUALITY = 90;

/**
 * A slide show of a folder's pictures, by name, each shown `seconds` long at `fps`. JPEG files pass as they are. What is
 * on one picture is nothing that was on the one before, however alike they are, unless they follow as fast as a film's.
 * A file that holds no picture is passed over, unless none does.
 */
export function folderSource(
  pictures: readonly string[],
  { fps = DEFAULT_FPS, secondsEach, loop, paced }: FolderOptions,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): FrameSource {
  const framesEach = Math.max(1, Math.round(secondsEach * fps));
  const timeOf = (frame: number) => (frame * 1000) / fps;
  return {
    delivery: paced ? "newest" : "every",
    reconnects: false,
    async run(feed, signal) {
      const startMs = clock.monotonicMs();
      const isFilm = secondsEach < SLIDE_SECONDS_MIN;
      let frame = 0;
      let index = 0;
      let unreadable = 0; // one after the other
      const told = new Set<string>();
      const slides = prefetch(
        (index) =>
          index < pictures.length || loop ? loadSlide(pictures[index % pictures.length]!) : undefined,
        PICTURES_AHEAD,
      );
      for await (const picture of slides) {
        const path = pictures[index % pictures.length]!;
        const slide = isFilm ? undefined : index % pictures.length;
        index++;
        if (picture instanceof AppError) {
          if (++unreadable === pictures.length) throw picture;
          if (!told.has(path)) log.warn("a picture is passed over", { why: picture });
          told.add(path);
          continue;
        }
        unreadable = 0;
        for (let shown = 0; shown < framesEach; shown++, frame++) {
          if (paced) await clock.sleep(Math.max(0, startMs + timeOf(frame) - clock.monotonicMs()), signal);
          else await feed.ready(signal);
          if (signal.aborted) return;
          show(feed, picture, { mediaMs: timeOf(frame), slide });
        }
      }
    },
  };
}

/** The pictures in a folder and the folders within, by name; numbers in names count as numbers. */
export async function listPictures(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true });
  const order = new Intl.Collator("en", { numeric: true });
  const pictures = entries.filter((name) => isPictureName(basename(name))).sort(order.compare);
  if (pictures.length === 0) {
    throw new AppError("input", `there is no picture in ${folder}`, {
      hint: "a folder given as a camera holds JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF, PGM or PPM files",
    });
  }
  if (pictures.length > PICTURE_COUNT_MAX) {
    throw new AppError(
      "input",
      `${folder} holds ${pictures.length} pictures, up to ${PICTURE_COUNT_MAX} are taken`,
    );
  }
  return pictures.map((name) => join(folder, name));
}

function show(feed: Feed, picture: JpegPicture, facts: ArrivalFacts): void {
  const { arrival, wish } = feed.arrive(facts);
  if (wish !== "none") feed.deliver(arrival, picture);
}

/** A picture as it is shown, or why it cannot be. */
async function loadSlide(path: string): Promise<JpegPicture | AppError> {
  try {
    return await decodeSlide(path);
  } catch (cause) {
    return new AppError("input", `the picture ${path} cannot be shown`, { cause });
  }
}

async function decodeSlide(path: string): Promise<JpegPicture> {
  const file = await readPictureFile(path);
  const header = readHeader(file);
  const upright = header !== undefined && header !== "short" && header.orientation === 1;
  if (upright && header.format === "jpeg" && file.length < MESSAGE_SIZE_BYTES_MAX - 8192) {
    return { width: header.width, height: header.height, jpeg: file };
  }
  const picture = await decodePicture(file);
  return { width: picture.width, height: picture.height, jpeg: await encodeStandardJpeg(picture, QUALITY) };
}
