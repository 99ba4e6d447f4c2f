import type { Log } from "../../shared/base/log.ts";
import { cropPhoto } from "../../shared/detect/crop-photo.ts";
import type { Connection } from "../../shared/net/connection.ts";
import type { SightingLog } from "../../shared/store/sightings.ts";
import { Dispatch } from "../../shared/wire/message.ts";
import { FollowTraining, type JobStatus, TrainingStatus } from "../../shared/wire/messages/models.ts";
import {
  FollowSightings,
  FollowTester,
  LogOpened,
  PhotoReply,
  PhotoRequest,
  PictureReply,
  PictureRequest,
  SightingRows,
  TesterStatus,
  type TesterStatusMessage,
} from "../../shared/wire/messages/sightings.ts";
import type { CameraWatch } from "./camera-watch.ts";
import type { Changes } from "./changes.ts";

/** Rows sent in one message. */
const ROWS_MAX = 200;

/** What a watcher may look at. */
export interface Watched {
  readonly sightings: SightingLog;
  readonly cameras: ReadonlyMap<string, CameraWatch>;
  readonly classes: () => readonly string[];
  readonly status: () => TesterStatusMessage;
  readonly jobs: () => readonly JobStatus[];
  readonly sightingChanges: Changes;
  readonly statusChanges: Changes;
  readonly jobChanges: Changes;
  readonly log: Log;
}

/** Serves one watcher until its link ends. */
export async function serveWatcher(link: Connection, watched: Watched): Promise<void> {
  const running: Promise<void>[] = [];
  const begin = (task: Promise<void>): void => {
    running.push(task.catch((error) => watched.log.debug("a watcher went away", { error })));
  };
  const dispatch = new Dispatch()
    .on(FollowSightings, ({ revision }) => begin(sendSightings(link, watched, revision)))
    .on(FollowTester, () =>
      begin(repeat(link, watched.statusChanges, () => link.send(TesterStatus, watched.status()))),
    )
    .on(FollowTraining, () =>
      begin(repeat(link, watched.jobChanges, () => link.send(TrainingStatus, { jobs: watched.jobs() }))),
    )
    .on(PhotoRequest, ({ requestId, sightingId, crop }) =>
      begin(sendPhoto(link, watched, requestId, sightingId, crop)),
    )
    .on(PictureRequest, ({ requestId, camera }) => begin(sendPicture(link, watched, requestId, camera)));
  for await (const message of link.messages()) await dispatch.run(message);
  await Promise.all(running);
}

/** Every row after the cursor, then each change as it happens; the log itself is the queue, so none is missed. */
async function sendSightings(
  link: Connection,
  { sightings, sightingChanges }: Watched,
  after: number,
): Promise<void> {
  await link.send(LogOpened, { databaseId: sightings.databaseId, revision: sightings.revision });
  let cursor = after;
  await repeat(link, sightingChanges, async () => {
    for (;;) {
      const rows = sightings.changedAfter(cursor, ROWS_MAX);
      if (rows.length === 0) return;
      await link.send(SightingRows, { rows });
      cursor = rows.at(-1)!.revision;
    }
  });
}

async function sendPhoto(
  link: Connection,
  { sightings, log }: Watched,
  requestId: number,
  sightingId: number,
  crop: boolean,
): Promise<void> {
  const sighting = sightings.get(sightingId);
  let jpeg: Uint8Array | undefined;
  try {
    if (sighting !== undefined) {
      const photo = await Bun.file(sightings.photos.pathOf(sighting.photo)).bytes();
      jpeg = crop ? await cropPhoto(photo, sighting.box) : photo;
    }
  } catch (error) {
    // The watcher still gets its answer: it waits for one.
    log.warn("a photo cannot be shown", { sighting: sightingId, error });
  }
  await link.send(PhotoReply, { requestId, jpeg });
}

async function sendPicture(
  link: Connection,
  { cameras, classes }: Watched,
  requestId: number,
  camera: string,
): Promise<void> {
  const latest = cameras.get(camera)?.latest;
  const names = classes();
  await link.send(PictureReply, {
    requestId,
    capturedMs: latest?.capturedMs ?? 0,
    width: latest?.width ?? 0,
    height: latest?.height ?? 0,
    objects: (latest?.detections ?? []).slice(0, 1000).map(({ classIndex, name, score, box }) => ({
      className: names[classIndex] ?? "?",
      name,
      score,
      box,
    })),
    jpeg: latest?.jpeg,
  });
}

/** Does `work` now and after each change, until the link ends. */
async function repeat(link: Connection, changes: Changes, work: () => Promise<void>): Promise<void> {
  while (!link.closed.aborted) {
    const changed = changes.next(link.closed);
    await work();
    await changed;
  }
}
