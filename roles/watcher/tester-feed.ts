import { AppError } from "../../shared/base/errors.ts";
import type { Connection } from "../../shared/net/connection.ts";
import type { Sighting } from "../../shared/store/sighting.ts";
import { Dispatch, type MessageOf } from "../../shared/wire/message.ts";
import type { JobStatus } from "../../shared/wire/messages/job-status.ts";
import { FollowTraining, TrainingStatus } from "../../shared/wire/messages/models.ts";
import { RulesReply, RulesRequest, RulesSaved, SaveRules } from "../../shared/wire/messages/rules.ts";
import {
  FindSightings,
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
import { Requests } from "./requests.ts";

/** The latest picture of a camera. */
export type CameraPicture = ReturnType<typeof PictureReply.decode>;

/** What a feed tells whoever shows it. */
export interface FeedListener {
  /** New and changed sightings, as they happen. */
  onSightings(feed: TesterFeed, rows: readonly Sighting[]): void;
  /** The link is there: what happened before can be asked for. */
  onConnected(feed: TesterFeed): void;
  onStatus(feed: TesterFeed): void;
  onJobs(feed: TesterFeed): void;
}

/** Which sightings `find` looks for. */
export type SightingSearch = Omit<ReturnType<typeof FindSightings.decode>, "requestId">;

export const EVERYTHING: SightingSearch = {
  id: undefined,
  sinceMs: undefined,
  untilMs: undefined,
  className: undefined,
  camera: undefined,
  text: undefined,
  before: undefined,
  limit: 100,
};

/**
 * One tester as seen from here: changes of its log by cursor, its state, and on request its sightings and pictures.
 * The log stays with the tester, however long it grows.
 */
export class TesterFeed {
  /** Place in the watcher's list; part of the page's addresses. */
  readonly index: number;
  readonly #listener: FeedListener;
  readonly #found = new Requests<Sighting[]>();
  readonly #photos = new Requests<Uint8Array | undefined>();
  readonly #pictures = new Requests<CameraPicture>();
  readonly #rules = new Requests<MessageOf<typeof RulesReply>>();
  readonly #saved = new Requests<MessageOf<typeof RulesSaved>>();
  #link: Connection | undefined;
  /** Absent until the first link: then what changes from there on. */
  #cursor: number | undefined;
  #databaseId = "";
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

  /** One session: until the link ends. A later session goes on where this one stopped. */
  async follow(link: Connection): Promise<void> {
    this.#link = link;
    const dispatch = new Dispatch()
      .on(LogOpened, async ({ databaseId, revision }) => {
        const isSame = databaseId === this.#databaseId || this.#databaseId === "";
        this.#databaseId = databaseId;
        if (isSame) {
          this.#cursor ??= revision;
          return;
        }
        // Another log than last time: a place in the old one says nothing about it.
        this.#cursor = undefined;
        throw new AppError("unavailable", "the tester has another log now");
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
      .on(SightingsFound, ({ requestId, rows }) => this.#found.answer(requestId, rows))
      .on(PhotoReply, ({ requestId, jpeg }) => this.#photos.answer(requestId, jpeg))
      .on(PictureReply, (picture) => this.#pictures.answer(picture.requestId, picture))
      .on(RulesReply, (rules) => this.#rules.answer(rules.requestId, rules))
      .on(RulesSaved, (saved) => this.#saved.answer(saved.requestId, saved));
    try {
      await link.send(FollowSightings, { revision: this.#cursor });
      await link.send(FollowTester, {});
      await link.send(FollowTraining, {});
      this.#listener.onConnected(this);
      for await (const message of link.messages()) await dispatch.run(message);
    } finally {
      this.#link = undefined;
      const lost = new AppError("unavailable", "the link to the tester ended");
      const all = [this.#found, this.#photos, this.#pictures, this.#rules, this.#saved];
      for (const requests of all) requests.fail(lost);
      this.#listener.onStatus(this);
    }
  }

  /** The newest sightings that match, and older than `before` where that is given. Throws `unavailable`. */
  async find(search: SightingSearch): Promise<Sighting[]> {
    const link = this.#connected();
    return this.#found.ask("sightings", (requestId) => link.send(FindSightings, { requestId, ...search }));
  }

  /** One sighting with its path. Throws `unavailable`. */
  async sighting(id: number): Promise<Sighting | undefined> {
    return (await this.find({ ...EVERYTHING, id, limit: 1 }))[0];
  }

  /** A sighting's photo, whole or only the object; `undefined` when there is none. Throws `unavailable`. */
  async photo(sightingId: number, crop: boolean): Promise<Uint8Array | undefined> {
    const link = this.#connected();
    return this.#photos.ask(`photo ${sightingId}`, (requestId) =>
      link.send(PhotoRequest, { requestId, sightingId, crop }),
    );
  }

  /** The latest tested picture of a camera. Throws `unavailable`. */
  async picture(camera: string): Promise<CameraPicture> {
    const link = this.#connected();
    return this.#pictures.ask(`picture of ${camera}`, (requestId) =>
      link.send(PictureRequest, { requestId, camera }),
    );
  }

  /** What counts as near at a camera, as the tester's file says it. Throws `unavailable`. */
  async rules(camera: string): Promise<MessageOf<typeof RulesReply>> {
    const link = this.#connected();
    return this.#rules.ask(`rules of ${camera}`, (requestId) =>
      link.send(RulesRequest, { requestId, camera }),
    );
  }

  /** Puts other rules for a camera in the tester's file and in force. Throws `unavailable`. */
  async saveRules(
    wanted: Omit<MessageOf<typeof SaveRules>, "requestId">,
  ): Promise<MessageOf<typeof RulesSaved>> {
    const link = this.#connected();
    return this.#saved.ask("an answer to new rules", (requestId) =>
      link.send(SaveRules, { requestId, ...wanted }),
    );
  }

  #connected(): Connection {
    if (this.#link === undefined) throw new AppError("unavailable", "no link to the tester");
    return this.#link;
  }

  #take(rows: readonly Sighting[]): void {
    this.#cursor = rows.reduce((newest, { revision }) => Math.max(newest, revision), this.#cursor ?? 0);
    this.#listener.onSightings(this, rows);
  }
}
