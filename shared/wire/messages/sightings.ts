import { CAMERA_COUNT_MAX, MESSAGE_SIZE_BYTES_MAX, PATH_POINTS_MAX } from "../../base/limits.ts";
import type { Sighting } from "../../store/sighting.ts";
import { bool, bytes, type Codec, f64, finite, list, optional, record, u16, u32, u53 } from "../codec.ts";
import { defineMessage } from "../message.ts";
import { cameraStatus } from "./frames.ts";
import { box, classNames, failure, name, path } from "./parts.ts";

/** Watcher <-> tester: the log, by cursor; photos; the cameras as they are now. Tags 0x80 to 0x8f. */

/** Sightings in one answer. */
export const FOUND_ROWS_MAX = 500;

const sighting: Codec<Sighting> = record({
  id: u53,
  camera: name,
  className: name,
  score: finite,
  firstSeenMs: f64,
  lastSeenMs: f64,
  firstMediaMs: optional(finite),
  lastMediaMs: optional(finite),
  box,
  photo: path,
  closeUp: optional(path),
  path: optional(list(record({ atMs: finite, box }), PATH_POINTS_MAX)),
  clockAheadMs: optional(finite),
  zone: optional(name),
  name: optional(name),
  closed: bool,
  model: name,
  modelVersion: u32,
  revision: u53,
});

/**
 * Send every row changed after `revision`, oldest change first, then each change as it happens. 0 is everything;
 * without it, only what changes from now on, `LogOpened` says from which revision. `databaseId` tells a watcher when
 * its cursor belongs to another log.
 */
export const FollowSightings = defineMessage(0x80, "FollowSightings", { revision: optional(u53) });
export const LogOpened = defineMessage(0x81, "LogOpened", { databaseId: name, revision: u53 });
export const SightingRows = defineMessage(0x82, "SightingRows", { rows: list(sighting, 500) });

/**
 * The newest sightings that match and are older than `before`; times in ms since 1970. Rows come without their paths,
 * unless one is asked for by its `id`.
 */
export const FindSightings = defineMessage(0x89, "FindSightings", {
  requestId: u32,
  id: optional(u53),
  sinceMs: optional(finite),
  untilMs: optional(finite),
  className: optional(name),
  camera: optional(name),
  text: optional(name),
  before: optional(record({ firstSeenMs: finite, id: u53 })),
  limit: u16,
});
export const SightingsFound = defineMessage(0x8a, "SightingsFound", {
  requestId: u32,
  rows: list(sighting, FOUND_ROWS_MAX),
});

/** `crop`: only the object with a margin around it, at most 320 px a side; otherwise the whole photo. */
export const PhotoRequest = defineMessage(0x83, "PhotoRequest", {
  requestId: u32,
  sightingId: u53,
  crop: bool,
});
export const PhotoReply = defineMessage(0x84, "PhotoReply", {
  requestId: u32,
  /** A JPEG file; absent when there is no such sighting. */
  jpeg: optional(bytes(MESSAGE_SIZE_BYTES_MAX - 4096)),
});

/** What the tester does, sent when asked for by `FollowTester`: at once, at changes, and every second. */
export const FollowTester = defineMessage(0x85, "FollowTester", {});
export const TesterStatus = defineMessage(0x86, "TesterStatus", {
  /** Empty while there is no model yet. */
  model: name,
  modelVersion: u32,
  classes: classNames,
  engine: name,
  /** Why sightings cannot be saved now; absent while they can. */
  alarm: optional(failure),
  cameras: list(
    record({
      status: cameraStatus,
      /** Frames a second that were tested: by the model, or by a glance that showed nothing new. */
      testedPerSecond: finite,
      /** Frames that this tester had to pass over, since its start. */
      skipped: u53,
      /** Sightings that are open now. */
      open: u16,
    }),
    CAMERA_COUNT_MAX,
  ),
});
export type TesterStatusMessage = ReturnType<typeof TesterStatus.decode>;

/** The camera's latest tested picture with what the model saw on it. */
export const PictureRequest = defineMessage(0x87, "PictureRequest", { requestId: u32, camera: name });
const seenObject = record({
  className: name,
  /** Who it is, where a face model says so. */
  name: optional(name),
  score: finite,
  box,
});
export const PictureReply = defineMessage(0x88, "PictureReply", {
  requestId: u32,
  capturedMs: f64,
  width: u16,
  height: u16,
  objects: list(seenObject, 1000),
  jpeg: optional(bytes(MESSAGE_SIZE_BYTES_MAX - 128 * 1024)),
});
