import type { Wish } from "../../../shared/media/decoder-child.ts";
import type { Glance } from "../../../shared/media/glance.ts";
import type { SizeSign } from "../../../shared/rtsp/picture-sizes.ts";
import type { Publication } from "../../../shared/rtsp/publication.ts";

/** A frame that has reached this node, whether or not anybody will look at it. */
export interface Arrival {
  /** Counts from 0 since the source was opened. */
  readonly sequence: number;
  /** Wall clock, ms since 1970. */
  readonly capturedMs: number;
  /** Time in the file or scene, in ms. */
  readonly mediaMs: number | undefined;
  /** The camera's clock minus ours, in ms, where it tells its time. */
  readonly cameraClockAheadMs: number | undefined;
  /** What its coding says of motion; absent where it says nothing. */
  readonly sign: SizeSign | undefined;
  /** The place of its picture in a slide show. */
  readonly slide: number | undefined;
}

/** What a source knows of a frame when it arrives. */
export interface ArrivalFacts {
  /** Time in the file or scene, in ms. */
  readonly mediaMs?: number;
  /** Wall clock, ms since 1970; the present when absent. */
  readonly capturedMs?: number;
  readonly cameraClockAheadMs?: number | undefined;
  /** When it was taken, by our clock, where that is known better than by its arrival. */
  readonly takenMs?: number;
  readonly sign?: SizeSign;
  readonly slide?: number | undefined;
}

/** A frame's picture: a whole JPEG file. */
export interface JpegPicture {
  readonly width: number;
  readonly height: number;
  readonly jpeg: Uint8Array;
}

/** What was made of a frame: its JPEG, its glance, or both. */
export interface FramePicture extends Omit<JpegPicture, "jpeg"> {
  /** Absent where only a glance was wished for. */
  readonly jpeg: Uint8Array | undefined;
  readonly glance?: Glance | undefined;
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
  /** Counts a frame and says what is wanted of it. A source without glances gives its picture instead. */
  arrive(facts?: ArrivalFacts): { readonly arrival: Arrival; readonly wish: Wish };
  /** Hands over a picture. Earlier frames than the last one handed over are ignored. */
  deliver(arrival: Arrival, picture: FramePicture): void;
}

/** Something that gives frames. */
export interface FrameSource {
  /** `newest`: frames come by themselves; `every`: each frame waits for `Feed.ready`. */
  readonly delivery: "newest" | "every";
  /** Whether it is opened again after it failed. */
  readonly reconnects: boolean;
  /** The source's own stream, where it is one that RTSP players can take. */
  readonly publication?: Publication;
  /** The picture of a moment from a larger stream of the same camera, where it has one. Never rejects. */
  photo?(takenMs: number): Promise<JpegPicture | undefined>;
  /**
   * Gives frames until the source ends (resolves), fails (rejects with an `AppError`: `refused`, `unavailable`,
   * `protocol` or `input`), or `signal` aborts (resolves).
   */
  run(feed: Feed, signal: AbortSignal): Promise<void>;
}
