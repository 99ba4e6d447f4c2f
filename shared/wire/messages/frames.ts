import { AppError } from "../../base/errors.ts";
import { CAMERA_COUNT_MAX, MESSAGE_SIZE_BYTES_MAX } from "../../base/limits.ts";
import {
  bool,
  bytes,
  f64,
  finite,
  list,
  oneOf,
  optional,
  record,
  u16,
  u32,
  u53,
  type ValueOf,
} from "../codec.ts";
import { defineMessage } from "../message.ts";
import { failure, name } from "./parts.ts";

/** Tester <-> video: the newest frame of each camera. Tags 0x60 to 0x7f. */

/** `refused`: it answers and says no (why: `problem`); `gone`: it does not answer; `ended`: a file is over. */
export const CAMERA_STATES = ["connecting", "live", "stalled", "refused", "gone", "ended"] as const;
export type CameraState = (typeof CAMERA_STATES)[number];

export const cameraStatus = record({
  name,
  state: oneOf(...CAMERA_STATES),
  problem: optional(failure),
  /** Frames a second that arrive from the source. */
  framesPerSecond: finite,
  /** Frames that arrived and were not handed out because a newer one came first; since the start. */
  skipped: u53,
  /**
   * `newest`: a live source, old frames are dropped; `every`: a file read as fast as testers ask, no frame dropped.
   */
  delivery: oneOf("newest", "every"),
  /** Photos of this camera can be had from a larger stream (`PhotoWanted`). */
  hasLargePhotos: bool,
});
export type CameraStatus = ValueOf<typeof cameraStatus>;

/**
 * The cameras that this tester is to watch. Sent when the link begins, at each change of a state or of who watches,
 * and every two seconds. A camera that was in the list before and no longer is has gone to another tester.
 */
export const CameraList = defineMessage(0x60, "CameraList", {
  cameras: list(cameraStatus, CAMERA_COUNT_MAX),
});

/**
 * The tester is ready for one frame of this camera newer than the last it got; it is sent as soon as there is one.
 * One request at a time a camera: this is the back-pressure. `framesPerSecondMax` spaces the answers.
 */
export const FrameWanted = defineMessage(0x61, "FrameWanted", {
  camera: name,
  framesPerSecondMax: finite,
  /** The small grey picture is enough: whoever asks only wants to know whether something moves. */
  glance: bool,
});

/** Sides of the grey picture of a frame, at most. */
export const GLANCE_SIDE_PX_MAX = 256;

const anyGlance = record({
  width: u16,
  height: u16,
  grey: bytes(GLANCE_SIDE_PX_MAX * GLANCE_SIDE_PX_MAX),
});

/** A frame made small and grey, rows top to bottom: [height, width]. It shows the whole frame. */
export const glancePicture: typeof anyGlance = {
  ...anyGlance,
  read: (from) => {
    const { width, height, grey } = anyGlance.read(from);
    if (grey.length === 0 || grey.length !== width * height)
      throw new AppError("protocol", `a glance of ${width} x ${height} px has ${grey.length} B`);
    return { width, height, grey };
  },
};

export const Frame = defineMessage(0x62, "Frame", {
  camera: name,
  /** Counts the source's frames from 0 since the source was opened. */
  sequence: u53,
  /** When the frame reached the video node, by its clock, in ms since 1970. */
  capturedMs: f64,
  /** Time in the file or scene in ms, where there is one. */
  mediaMs: optional(finite),
  width: u16,
  height: u16,
  /** Frames of this camera dropped since the last one that this tester got. */
  skipped: u32,
  /** The camera's clock minus the video node's in ms, where the camera tells its time (RTCP sender reports). */
  cameraClockAheadMs: optional(finite),
  /** Which picture of a slide show it shows: where that is another than before, nothing has moved, all is new. */
  slide: optional(u32),
  /** With each frame of a source that is decoded for us anyway (H.264, H.265); other sources give none. */
  glance: optional(glancePicture),
  /** A whole JPEG file; empty where only a glance was asked for and there is one. */
  jpeg: bytes(MESSAGE_SIZE_BYTES_MAX - 4096),
});
export type FrameMessage = ReturnType<typeof Frame.decode>;

/** The source is a file and it is over: no more frames will come. */
export const CameraEnded = defineMessage(0x63, "CameraEnded", { camera: name });

/** Making a photo from a larger stream may take so long; later it is of no use. */
export const PHOTO_WITHIN_MS = 5000;

/**
 * The picture of a frame from the camera's larger stream, for a photo; to be asked for within a second or so. The node
 * gives up after `PHOTO_WITHIN_MS`.
 */
export const PhotoWanted = defineMessage(0x64, "PhotoWanted", { camera: name, sequence: u53 });

export const Photo = defineMessage(0x65, "Photo", {
  camera: name,
  sequence: u53,
  width: u16,
  height: u16,
  /** A whole JPEG file; empty when it cannot be had any more. */
  jpeg: bytes(MESSAGE_SIZE_BYTES_MAX - 4096),
});
