import { AppError } from "../../shared/base/errors.ts";
import { type Deferred, deferred, within } from "../../shared/base/wait.ts";
import type { Connection } from "../../shared/net/connection.ts";
import type { Sighting } from "../../shared/store/sighting.ts";
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

/** Sightings kept in memory of one tester; the oldest go first. The tester keeps all of them. */
const ROWS_MAX = 200_000;
const ANSWER_WITHIN_MS = 5000;

/** The latest picture of a camera. */
export type CameraPicture = ReturnType<typeof PictureReply.decode>;

/** What a feed tells whoever shows it. */
export interface FeedListener {
  onSightings(feed: TesterFeed, rows: readonly Sighting[]): void;
  onStatus(feed: TesterFeed): void;
  onJobs(feed: TesterFeed): void;
}

/** One tester as seen from here: its log by cursor, its state, its pictures on request. */
export class TesterFeed {
  /** Place in the watcher's list; part of the page's addresses. */
  readonly index: number;
  readonly #listener: FeedListener;
  readonly #rows = new Map<number, Sighting>();
  readonly #photos = new Map<number, Deferred<Uint8Array | undefined>>();
  readonly #pictures = new Map<number, Deferred<CameraPicture>>();
  #link: Connection | undefined;
  #cursor = 0;
  #databaseId = "";
  #nextRequest = 1;
  status: TesterStatusMessage | undefined;
  jobs: readonly JobStatus[] = [];

  constructor(index: number, listener: FeedListener) {
    this.index = index;
    this.#listener = listener;
  }

  get isConnected(): boolean {
    return this.#link !== undefined;
  }

  get name(): string {
    return this.#link?.peer.name ?? "";
  }

  /** Rows by id, the oldest first. */
  get rows(): ReadonlyMap<number, Sighting> {
    return this.#rows;
  }

  /** One session: until the link ends. A later session goes on where this one stopped. */
  async follow(link: Connection): Promise<void> {
    this.#link = link;
    const dispatch = new Dispatch()
      .on(LogOpened, async ({ databaseId }) => {
        if (databaseId === this.#databaseId || this.#databaseId === "") {
          this.#databaseId = databaseId;
          return;
        }
        // Another log than last time: what is known of the old one says nothing about it.
        this.#rows.clear();
        this.#cursor = 0;
        this.#databaseId = databaseId;
        throw new AppError("unavailable", "the tester has another log now; reading it from the start");
      })
      .on(SightingRows, ({ rows }) => this.#take(rows))
      .on(TesterStatus, (status) => {
        this.status = status;
        this.#listener.onStatus(this);
      })
      .on(TrainingStatus, ({ jobs }) => {
        this.jobs = jobs;
        this.#listener.onJobs(this);
      })
      .on(PhotoReply, ({ requestId, jpeg }) => {
        this.#photos.get(requestId)?.resolve(jpeg);
        this.#photos.delete(requestId);
      })
      .on(PictureReply, (picture) => {
        this.#pictures.get(picture.requestId)?.resolve(picture);
        this.#pictures.delete(picture.requestId);
      });
    try {
      await link.send(FollowSightings, { revision: this.#cursor });
      await link.send(FollowTester, {});
      await link.send(FollowTraining, {});
      for await (const message of link.messages()) await dispatch.run(message);
    } finally {
      this.#link = undefined;
      const lost = new AppError("unavailable", "the link to the tester ended");
      for (const one of [...this.#photos.values(), ...this.#pictures.values()]) one.reject(lost);
      this.#photos.clear();
      this.#pictures.clear();
      this.#listener.onStatus(this);
    }
  }

  /** A sighting's photo, whole or only the object; `undefined` when there is none. Throws `unavailable`. */
  async photo(sightingId: number, crop: boolean): Promise<Uint8Array | undefined> {
    const link = this.#connected();
    const requestId = this.#nextRequest++;
    const answer = deferred<Uint8Array | undefined>();
    this.#photos.set(requestId, answer);
    await link.send(PhotoRequest, { requestId, sightingId, crop });
    return within(answer.promise, ANSWER_WITHIN_MS, `photo ${sightingId}`);
  }

  /** The latest tested picture of a camera. Throws `unavailable`. */
  async picture(camera: string): Promise<CameraPicture> {
    const link = this.#connected();
    const requestId = this.#nextRequest++;
    const answer = deferred<CameraPicture>();
    this.#pictures.set(requestId, answer);
    await link.send(PictureRequest, { requestId, camera });
    return within(answer.promise, ANSWER_WITHIN_MS, `picture of ${camera}`);
  }

  #connected(): Connection {
    if (this.#link === undefined) throw new AppError("unavailable", "no link to the tester");
    return this.#link;
  }

  #take(rows: readonly Sighting[]): void {
    for (const row of rows) {
      this.#rows.set(row.id, row);
      this.#cursor = Math.max(this.#cursor, row.revision);
    }
    while (this.#rows.size > ROWS_MAX) this.#rows.delete(this.#rows.keys().next().value!);
    this.#listener.onSightings(this, rows);
  }
}
