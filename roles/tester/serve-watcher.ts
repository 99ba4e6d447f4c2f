import type { Log } from "../../shared/base/log.ts";
import { cropPhoto } from "../../shared/detect/crop-photo.ts";
import type { Connection } from "../../shared/net/connection.ts";
import { readingPhoto } from "../../shared/store/reading-photo.ts";
import type { Sighting } from "../../shared/store/sighting.ts";
import type { SightingLog } from "../../shared/store/sightings.ts";
import { Dispatch } from "../../shared/wire/message.ts";
import type { JobStatus } from "../../shared/wire/messages/job-status.ts";
import { FollowTraining, TrainingStatus } from "../../shared/wire/messages/models.ts";
import { RulesReply, RulesRequest, RulesSaved, SaveRules } from "../../shared/wire/messages/rules.ts";
import {
  FindSightings,
  FOUND_ROWS_MAX,
  FollowSightings,
  FollowTester,
  LogOpened,
  PhotoReply,
  PhotoRequest,
  PictureReply,
  PictureRequest,
  SightingRows,
  SightingsFound,
  TesterStatus,
  type TesterStatusMessage,
} from "../../shared/wire/messages/sightings.ts";
import type { CameraWatch } from "./camera-watch.ts";
import type { Changes } from "./changes.ts";
import type { RulesSource } from "./rules-source.ts";

/** Rows sent in one message. */
const ROWS_MAX = 200;

/** What a watcher may look at, and the rules, which it may also change. */
export interface Watched {
  readonly sightings: SightingLog;
  readonly rules: RulesSource;
  /** *Near*, where the rules say nothing else: share of the picture's height. */
  readonly nearHeightShare: number;
  /** Puts the rules in force that the source has now. */
  readonly useRules: () => void;
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
  const running = new Set<Promise<void>>();
  const begin = (task: Promise<void>): void => {
    const handled = task
      .catch((error) => watched.log.debug("a watcher went away", { error }))
      .finally(() => running.delete(handled));
    running.add(handled);
  };
  const dispatch = new Dispatch()
    .on(FollowSightings, ({ revision }) => begin(sendSightings(link, watched, revision)))
    .on(FollowTester, () =>
      begin(repeat(link, watched.statusChanges, () => link.send(TesterStatus, watched.status()))),
    )
    .on(FollowTraining, () =>
      begin(repeat(link, watched.jobChanges, () => link.send(TrainingStatus, { jobs: watched.jobs() }))),
    )
    .on(FindSightings, ({ requestId, id, before, limit, ...query }) => {
      const rows =
        id === undefined
          ? watched.sightings.newest(query, Math.min(limit, FOUND_ROWS_MAX), before).map(withoutPath)
          : [watched.sightings.get(id)].filter((row) => row !== undefined);
      return link.send(SightingsFound, { requestId, rows });
    })
    .on(PhotoRequest, ({ requestId, sightingId, crop }) =>
      begin(sendPhoto(link, watched, requestId, sightingId, crop)),
    )
    .on(PictureRequest, ({ requestId, camera }) => begin(sendPicture(link, watched, requestId, camera)))
    .on(RulesRequest, ({ requestId, camera }) => {
      const minHeightPercent = 100 * watched.nearHeightShare;
      return link.send(RulesReply, { requestId, minHeightPercent, ...watched.rules.written(camera) });
    })
    .on(SaveRules, ({ requestId, ...wanted }) => {
      const saved = watched.rules.save(wanted);
      if (saved.outcome === "saved") watched.useRules();
      return link.send(RulesSaved, { requestId, ...saved });
    });
  for await (const message of link.messages()) await dispatch.run(message);
  await Promise.all(running);
}

/** Every row after the cursor, then each change as it happens; the log itself is the queue, so none is missed. */
async function sendSightings(
  link: Connection,
  { sightings, sightingChanges }: Watched,
  after: number | undefined,
): Promise<void> {
  const { databaseId, revision } = sightings;
  await link.send(LogOpened, { databaseId, revision });
  let cursor = after ?? revision;
  await repeat(link, sightingChanges, async () => {
    for (;;) {
      const rows = sightings.changedAfter(cursor, ROWS_MAX);
      if (rows.length === 0) return;
      await link.send(SightingRows, { rows });
      cursor = rows.at(-1)!.revision;
    }
  });
}

/** Paths are long, and only one is looked at. */
function withoutPath({ path: _, ...row }: Sighting): Sighting {
  return row;
}

async function sendPhoto(
  link: Connection,
  { sightings, log }: Watched,
  requestId: number,
  sightingId: number,
  crop: boolean,
): Promise<void> {
  let jpeg: Uint8Array | undefined;
  try {
    jpeg = await readingPhoto(sightings, sightingId, async ({ photo, closeUp, box }) => {
      const file = await Bun.file(sightings.photos.pathOf(crop ? (closeUp ?? photo) : photo)).bytes();
      return crop && closeUp === undefined ? await cropPhoto(file, box) : file;
    });
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
