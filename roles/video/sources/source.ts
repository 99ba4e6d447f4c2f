import type { Publication } from "../../../shared/rtsp/publication.ts";

/** A frame that has reached this node, whether or not anybody will look at it. */
export interface Arrival {
  /** Counts from 0 since the source was opened. */
  readonly sequence: number;
  /** Wall clock, ms since 1970. */
  readonly capturedMs: number;
  /** Time in the file or scene, in ms. */
  readonly mediaMs: number | undefined;
}

/** A frame's picture: a whole JPEG file. */
export interface JpegPicture {
  readonly width: number;
  readonly height: number;
  readonly jpeg: Uint8Array;
}

/**
 * Where a source puts its frames. Pictures cost time (drawing, decoding, encoding), so a source first says that a
 * frame arrived, and makes its picture only when somebody waits for one.
 */
export interface Feed {
  /**
   * For sources that go as fast as they are asked: resolves when everybody who follows the camera is ready for the
   * next frame, or `signal` aborts.
   */
  ready(signal: AbortSignal): Promise<void>;
  /** Counts a frame and says whether its picture is wanted. */
  arrive(mediaMs?: number, capturedMs?: number): { readonly arrival: Arrival; readonly wanted: boolean };
  /** Hands over a picture. Earlier frames than the last one handed over are ignored. */
  deliver(arrival: Arrival, picture: JpegPicture): void;
}

/** Something that gives frames. */
export interface FrameSource {
  /** `newest`: frames come by themselves; `every`: each frame waits for `Feed.ready`. */
  readonly delivery: "newest" | "every";
  /** Whether it is opened again after it failed. */
  readonly reconnects: boolean;
  /** The source's own stream, where it is one that RTSP players can take. */
  readonly publication?: Publication;
  /**
   * Gives frames until the source ends (resolves), fails (rejects with an `AppError`: `refused`, `unavailable`,
   * `protocol` or `input`), or `signal` aborts (resolves).
   */
  run(feed: Feed, signal: AbortSignal): Promise<void>;
}
