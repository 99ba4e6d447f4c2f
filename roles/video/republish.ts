import type { Log } from "../../shared/base/log.ts";
import type { Wish } from "../../shared/media/decoder-child.ts";
import { toStandardJpeg } from "../../shared/media/standard-jpeg.ts";
import { RTP_JPEG_SIDE_PX_MAX, type RtpJpeg, rtpJpeg } from "../../shared/rtsp/jpeg-packetizer.ts";
import { JpegPublication, type Publication } from "../../shared/rtsp/publication.ts";
import type { Camera, Follower } from "./camera.ts";
import type { Arrival, FramePicture } from "./sources/source.ts";

const QUALITY = 80;

/**
 * What RTSP players get of a camera: its own stream where it has one, else its pictures as RTP/JPEG, made only while
 * somebody watches.
 */
export function republish(camera: Camera, log: Log): { readonly publication: Publication } & Disposable {
  if (camera.publication !== undefined) {
    return { publication: camera.publication, [Symbol.dispose]() {} };
  }
  const publication = new JpegPublication();
  const following = camera.follow(new PlayerFollower(publication, log));
  return { publication, [Symbol.dispose]: () => following[Symbol.dispose]() };
}

/** Follows a camera for its RTSP players. They see every picture, and hold nobody up. */
class PlayerFollower implements Follower {
  readonly #publication: JpegPublication;
  readonly #log: Log;
  /** The last picture that had to be made anew, and what became of it: slide shows repeat theirs. */
  #remade: { readonly from: Uint8Array; readonly picture: RtpJpeg | undefined } | undefined;
  #isRemaking = false;
  readonly ready = undefined;

  constructor(publication: JpegPublication, log: Log) {
    this.#publication = publication;
    this.#log = log;
  }

  claim(): Wish {
    return this.#publication.hasAudience ? "picture" : "none";
  }

  take({ capturedMs }: Arrival, { jpeg }: FramePicture): void {
    if (jpeg === undefined || !this.#publication.hasAudience) return;
    const picture = this.#remade?.from === jpeg ? this.#remade.picture : rtpJpeg(jpeg);
    if (picture !== undefined) this.#publication.push(picture, capturedMs);
    else if (this.#remade?.from !== jpeg && !this.#isRemaking) void this.#remake(jpeg, capturedMs);
  }

  ended(): void {
    this.#publication.end();
  }

  /** RTP carries baseline JPEG with standard tables up to 2040 pixels; other pictures are made into such. */
  async #remake(jpeg: Uint8Array, capturedMs: number): Promise<void> {
    this.#isRemaking = true;
    let picture: RtpJpeg | undefined;
    try {
      picture = rtpJpeg(await toStandardJpeg(jpeg, QUALITY, RTP_JPEG_SIDE_PX_MAX));
      if (picture !== undefined) this.#publication.push(picture, capturedMs);
    } catch (error) {
      this.#log.debug("a picture cannot be shown to players", { why: error });
    } finally {
      this.#remade = { from: jpeg, picture };
      this.#isRemaking = false;
    }
  }
}
