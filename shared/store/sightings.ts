import type { Database, SQLQueryBindings } from "bun:sqlite";
import { join } from "node:path";
import { AppError } from "../base/errors.ts";
import { containing } from "./containing.ts";
import { databaseDefects, mayBeCommitted, openDatabase, storeError } from "./database.ts";
import { closeUpOf, PhotoFolder } from "./photos.ts";
import type { Sighting } from "./sighting.ts";
import { fromRow, pathText, type SightingRow as Row } from "./sighting-row.ts";

/** Steps of the schema, in order; a database remembers how many it has taken. */
const MIGRATIONS = [
  `
  CREATE TABLE log_identity (id TEXT NOT NULL) STRICT;
  INSERT INTO log_identity VALUES (lower(hex(randomblob(16))));

  -- One row a visit. Times are milliseconds since 1970; media times milliseconds into a file or scene.
  CREATE TABLE sighting (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    camera         TEXT    NOT NULL,
    class          TEXT    NOT NULL,
    score          REAL    NOT NULL,
    first_seen_ms  REAL    NOT NULL,
    last_seen_ms   REAL    NOT NULL,
    first_media_ms REAL,
    last_media_ms  REAL,
    x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL,
    photo          TEXT    NOT NULL UNIQUE,
    closed         INTEGER NOT NULL DEFAULT 0,
    model          TEXT    NOT NULL,
    model_version  INTEGER NOT NULL,
    -- grows by one with each change of any row: the cursor of those who follow the log
    revision       INTEGER NOT NULL UNIQUE
  ) STRICT;
  CREATE INDEX sighting_first_seen ON sighting (first_seen_ms);
  `,
  `
  -- the newest revision of a row that was removed: a follower's cursor must never be ahead of the log
  ALTER TABLE log_identity ADD COLUMN removed_revision INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- who it is, where a face model says so
  ALTER TABLE sighting ADD COLUMN name TEXT;
  `,
  `
  ALTER TABLE sighting ADD COLUMN close_up TEXT;
  ALTER TABLE sighting ADD COLUMN path TEXT;
  ALTER TABLE sighting ADD COLUMN clock_ahead_ms REAL;
  ALTER TABLE sighting ADD COLUMN zone TEXT;
  -- it was still there when the watching stopped: the next start may find it again
  ALTER TABLE sighting ADD COLUMN in_view INTEGER NOT NULL DEFAULT 0;
  `,
];

/** What a new sighting consists of; the log adds the rest. */
export type NewSighting = Omit<Sighting, "id" | "photo" | "closeUp" | "closed" | "revision">;

/** Which sightings to list: those seen in the time between, of the class, of the camera. */
export interface SightingQuery {
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  readonly className?: string | undefined;
  readonly camera?: string | undefined;
  /** Part of the class's, the camera's or the person's name, in whatever case. */
  readonly text?: string | undefined;
}

/** A place in the list, newest first: what comes after it is older. */
export type PagePlace = Pick<Sighting, "firstSeenMs" | "id">;

/** What `check` found, and with `mend` put right. */
export interface CheckReport {
  readonly rows: number;
  readonly rowsWithoutPhoto: readonly number[];
  readonly photosWithoutRow: readonly string[];
  readonly unfinished: readonly string[];
  readonly databaseErrors: readonly string[];
  /** Photos without a row were left alone: they are too many to come from a crash. */
  readonly tooManyPhotos: boolean;
}

/** Rows read at once where all are wanted. */
const CHUNK_ROWS = 500;
/** Sightings removed in one transaction: others may write between two. */
export const REMOVED_AT_ONCE = 100;
/** A removal that a crash cut short leaves their photos and close-ups, and no more; a crash else, few. */
const ORPHANS_OF_A_REMOVAL_MAX = 2.5 * REMOVED_AT_ONCE;
const ORPHANS_OF_A_CRASH_MAX = 6;

/**
 * The log of sightings: rows in SQLite, photos beside it. The photo is on the disk before the row that names it, and
 * both happen inside one write transaction, so that no other process's sweep can take a photo for an orphan.
 */
export class SightingLog implements Disposable {
  readonly #database: Database;
  readonly photos: PhotoFolder;
  /** Tells one log from another, so that a cursor is never used on the wrong one. */
  readonly databaseId: string;

  /** @param dataDir made when it does not exist */
  constructor(dataDir: string) {
    this.photos = new PhotoFolder(dataDir);
    this.#database = openDatabase(join(dataDir, "sightings.sqlite"), MIGRATIONS);
    const identity = this.#database.query<{ id: string }, []>("SELECT id FROM log_identity").get();
    if (identity === null) throw new AppError("data-loss", "the log of sightings has no identity");
    this.databaseId = identity.id;
  }

  /** Saves the photo (and the close-up), then the row. Throws `data-loss`, and then none of them is there. */
  open(sighting: NewSighting, jpeg: Uint8Array, closeUp?: Uint8Array): Sighting {
    const photo = this.photos.newName(sighting.camera, sighting.firstSeenMs);
    return this.#write("the sighting", (writePhoto) => {
      writePhoto(photo, jpeg, closeUp);
      const row = this.#database
        .query<Row, (string | number | null)[]>(
          `INSERT INTO sighting (camera, class, score, first_seen_ms, last_seen_ms, first_media_ms, last_media_ms,
                                   x1, y1, x2, y2, photo, model, model_version, name, close_up, path, clock_ahead_ms, zone,
                                   revision)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ${NEXT_REVISION}) RETURNING *`,
        )
        .get(
          sighting.camera,
          sighting.className,
          sighting.score,
          sighting.firstSeenMs,
          sighting.lastSeenMs,
          sighting.firstMediaMs ?? null,
          sighting.lastMediaMs ?? null,
          ...sighting.box,
          photo,
          sighting.model,
          sighting.modelVersion,
          sighting.name ?? null,
          closeUp === undefined ? null : closeUpOf(photo),
          sighting.path === undefined ? null : pathText(sighting.path),
          sighting.clockAheadMs ?? null,
          sighting.zone ?? null,
        );
      return fromRow(row!);
    });
  }

  /**
   * Puts a better photo in place of the old one: the new file, then the row, then the old file goes. `undefined` when
   * the sighting is gone: then nothing is written.
   */
  improve(
    id: number,
    better: Pick<Sighting, "score" | "box" | "lastSeenMs" | "lastMediaMs">,
    jpeg: Uint8Array,
    closeUp?: Uint8Array,
  ): Sighting | undefined {
    const changed = this.#write("the better photo", (writePhoto) => {
      const before = this.get(id);
      if (before === undefined) return undefined;
      const photo = this.photos.newName(before.camera, better.lastSeenMs);
      writePhoto(photo, jpeg, closeUp);
      const row = this.#database
        .query<Row, (string | number | null)[]>(
          `UPDATE sighting SET score = ?, x1 = ?, y1 = ?, x2 = ?, y2 = ?, last_seen_ms = max(last_seen_ms, ?),
                                 last_media_ms = coalesce(?, last_media_ms),
                                 photo = ?, close_up = ?, revision = ${NEXT_REVISION} WHERE id = ? RETURNING *`,
        )
        .get(
          better.score,
          ...better.box,
          better.lastSeenMs,
          better.lastMediaMs ?? null,
          photo,
          closeUp === undefined ? null : closeUpOf(photo),
          id,
        );
      return { sighting: fromRow(row!), old: before.photo };
    });
    // After the commit: a crash before this line leaves a photo without a row, which the next sweep removes.
    if (changed !== undefined) this.photos.remove(changed.old);
    return changed?.sighting;
  }

  /**
   * Moves the end of a sighting, and with `closed` ends it; `inView` with it says that the watching stopped while the
   * object was still there. `undefined` when the sighting is gone.
   */
  touch(
    id: number,
    last: Pick<Sighting, "lastSeenMs" | "lastMediaMs" | "closed" | "path"> & { readonly inView?: boolean },
  ): Sighting | undefined {
    return this.#write("the sighting's end", () => {
      const row = this.#database
        .query<Row, (string | number | null)[]>(
          `UPDATE sighting SET last_seen_ms = max(last_seen_ms, ?), last_media_ms = coalesce(?, last_media_ms),
                               closed = ?, in_view = ?, path = coalesce(?, path),
                               revision = ${NEXT_REVISION} WHERE id = ? RETURNING *`,
        )
        .get(
          last.lastSeenMs,
          last.lastMediaMs ?? null,
          last.closed ? 1 : 0,
          last.inView === true ? 1 : 0,
          last.path === undefined ? null : pathText(last.path),
          id,
        );
      return row === null ? undefined : fromRow(row);
    });
  }

  /** Says who it is, once that is known. `undefined` when the sighting is gone. */
  setName(id: number, name: string): Sighting | undefined {
    return this.#write("the sighting's name", () => {
      const row = this.#database
        .query<Row, [string, number]>(
          `UPDATE sighting SET name = ?, revision = ${NEXT_REVISION} WHERE id = ? RETURNING *`,
        )
        .get(name, id);
      return row === null ? undefined : fromRow(row);
    });
  }

  get(id: number): Sighting | undefined {
    const row = this.#database.query<Row, [number]>("SELECT * FROM sighting WHERE id = ?").get(id);
    return row === null ? undefined : fromRow(row);
  }

  /** Rows changed after `revision`, the oldest change first, at most `limit`. */
  changedAfter(revision: number, limit: number): Sighting[] {
    return this.#database
      .query<Row, [number, number]>("SELECT * FROM sighting WHERE revision > ? ORDER BY revision LIMIT ?")
      .all(revision, limit)
      .map(fromRow);
  }

  /** The newest change's number, 0 for a log that never had a row. */
  get revision(): number {
    const row = this.#database.query<{ next: number }, []>(`SELECT ${NEXT_REVISION} AS next`).get();
    return row!.next - 1;
  }

  /** Sightings that match, the oldest first. */
  list(query: SightingQuery = {}): Sighting[] {
    return [...this.each(query)];
  }

  /** The same one by one, for more of them than memory should hold; the log may change meanwhile. */
  *each(query: SightingQuery = {}): Generator<Sighting> {
    const next = this.#database.query<Row, SQLQueryBindings[]>(
      `SELECT * FROM sighting WHERE ${MATCHES} AND (first_seen_ms, id) > (?6, ?7)
       ORDER BY first_seen_ms, id LIMIT ${CHUNK_ROWS}`,
    );
    for (let after: PagePlace = { firstSeenMs: -1e300, id: 0 }; ; ) {
      const rows = next.all(...valuesOf(query), after.firstSeenMs, after.id).map(fromRow);
      yield* rows;
      if (rows.length < CHUNK_ROWS) return;
      after = rows.at(-1)!;
    }
  }

  /** The newest that match and are older than `before`, at most `limit`. */
  newest(query: SightingQuery, limit: number, before?: PagePlace): Sighting[] {
    return this.#database
      .query<Row, SQLQueryBindings[]>(
        `SELECT * FROM sighting WHERE ${MATCHES} AND (first_seen_ms, id) < (?6, ?7)
         ORDER BY first_seen_ms DESC, id DESC LIMIT ?8`,
      )
      .all(...valuesOf(query), before?.firstSeenMs ?? 1e300, before?.id ?? 0, limit)
      .map(fromRow);
  }

  get count(): number {
    return this.#database.query<{ rows: number }, []>("SELECT count(*) AS rows FROM sighting").get()!.rows;
  }

  /**
   * Removes closed sightings with their photos, `REMOVED_AT_ONCE` at a time: the rows first, so that whoever is killed
   * meanwhile leaves a few photos without a row, which the next sweep takes. Open ones stay. Returns how many went.
   */
  remove(ids: readonly number[]): number {
    let removed = 0;
    for (let at = 0; at < ids.length; at += REMOVED_AT_ONCE) {
      const photos = this.#removeRows(ids.slice(at, at + REMOVED_AT_ONCE));
      for (const photo of photos) this.photos.remove(photo);
      removed += photos.length;
    }
    return removed;
  }

  /** In one transaction; returns their photos. */
  #removeRows(ids: readonly number[]): string[] {
    return this.#write("the removal of sightings", () => {
      const remove = this.#database.query<{ photo: string; revision: number }, [number]>(
        "DELETE FROM sighting WHERE id = ? AND closed = 1 RETURNING photo, revision",
      );
      const rows = ids.flatMap((id) => remove.all(id));
      const newest = rows.reduce((most, { revision }) => Math.max(most, revision), 0);
      this.#database.query("UPDATE log_identity SET removed_revision = max(removed_revision, ?)").run(newest);
      return rows.map(({ photo }) => photo);
    });
  }

  /**
   * Puts photo files in place of a row's lost or damaged ones, which are set aside. False when the row has another
   * photo by now, or is gone: then nothing is written.
   */
  restore(
    id: number,
    name: string,
    files: { readonly photo?: Uint8Array; readonly closeUp?: Uint8Array },
  ): boolean {
    return this.#write("the mended photo", () => {
      if (this.get(id)?.photo !== name) return false;
      for (const [path, jpeg] of [
        [name, files.photo],
        [closeUpOf(name), files.closeUp],
      ] as const) {
        if (jpeg === undefined) continue;
        this.photos.setAside(path);
        this.photos.write(path, jpeg);
      }
      return true;
    });
  }

  /** Sightings of a camera whose objects were still there when the watching stopped, and last seen since `sinceMs`. */
  interrupted(camera: string, sinceMs: number): Sighting[] {
    return this.#database
      .query<Row, [string, number]>(
        "SELECT * FROM sighting WHERE in_view = 1 AND camera = ? AND last_seen_ms >= ? ORDER BY id",
      )
      .all(camera, sinceMs)
      .map(fromRow);
  }

  /** Closes what a tester that ended without a word left open, as still in view. Returns how many. */
  closeAll(): number {
    return this.#write("the end of open sightings", () => {
      const open = this.#database.query<Row, []>("SELECT * FROM sighting WHERE closed = 0 ORDER BY id").all();
      const close = this.#database.query(
        `UPDATE sighting SET closed = 1, in_view = 1, revision = ${NEXT_REVISION} WHERE id = ?`,
      );
      for (const { id } of open) close.run(id);
      return open.length;
    });
  }

  /**
   * Holds rows and photos against each other. With `mend`, unfinished files and photos without a row are removed,
   * unless those are more than half of all and more than a crash can leave: then it is the rows that are lost. A row
   * without its photo is only reported: a record is never thrown away by a machine. Others may write meanwhile.
   */
  check({ mend }: { mend: boolean }): CheckReport {
    const databaseErrors = databaseDefects(this.#database);
    const { photos, closeUps, unfinished } = this.photos.list();
    // Whoever was writing one of these files held the lock. Once it was free, a file's row is there or will never be.
    this.#write("the check", () => {});
    const rows = this.#database
      .query<Pick<Sighting, "id" | "photo">, []>("SELECT id, photo FROM sighting")
      .all();
    const there = new Set(photos);
    const named = new Set(rows.flatMap(({ photo }) => [photo, closeUpOf(photo)]));
    const isLeft = (name: string): boolean => !named.has(name) && this.photos.exists(name);
    const photosWithoutRow = [...photos, ...closeUps].filter(isLeft);
    const orphansMax = rows.length === 0 ? ORPHANS_OF_A_CRASH_MAX : ORPHANS_OF_A_REMOVAL_MAX;
    const report: CheckReport = {
      rows: rows.length,
      rowsWithoutPhoto: rows
        .filter(({ photo }) => !there.has(photo) && !this.photos.exists(photo))
        .filter(({ id, photo }) => this.get(id)?.photo === photo) // no better one came meanwhile
        .map(({ id }) => id),
      photosWithoutRow,
      unfinished: unfinished.filter(isLeft),
      databaseErrors,
      tooManyPhotos:
        photosWithoutRow.length > (photos.length + closeUps.length) / 2 &&
        photosWithoutRow.length > orphansMax,
    };
    const spare = [...(report.tooManyPhotos ? [] : photosWithoutRow), ...report.unfinished];
    if (mend) for (const name of spare) this.photos.remove(name);
    return report;
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  /**
   * One write at a time over all processes: `IMMEDIATE` takes the lock before anything is read. What the body writes as a
   * photo goes when the rest of it fails, up to the commit.
   */
  #write<T>(what: string, body: (writePhoto: PhotoFolder["write"]) => T): T {
    let photo: string | undefined;
    const writePhoto: PhotoFolder["write"] = (name, ...files) => {
      photo = name;
      this.photos.write(name, ...files);
    };
    try {
      return this.#database.transaction(() => body(writePhoto)).immediate();
    } catch (error) {
      if (photo !== undefined && !mayBeCommitted(error)) this.#removeIfItGoes(photo);
      throw storeError(error, `${what} could not be saved`);
    }
  }

  /** What went wrong is to be told, and not that this does too: the next start's sweep takes the photo. */
  #removeIfItGoes(photo: string): void {
    try {
      this.photos.remove(photo);
    } catch {}
  }
}

const NEXT_REVISION =
  "(SELECT max(coalesce((SELECT max(revision) FROM sighting), 0), removed_revision) + 1 FROM log_identity)";

/** The conditions of a `SightingQuery`; `valuesOf` has the values. */
const MATCHES = `last_seen_ms >= coalesce(?1, -1e300) AND first_seen_ms < coalesce(?2, 1e300)
  AND (?3 IS NULL OR class = ?3) AND (?4 IS NULL OR camera = ?4)
  AND (?5 IS NULL OR class || ' ' || camera || ' ' || coalesce(name, '') GLOB ?5)`;

function valuesOf({ sinceMs, untilMs, className, camera, text }: SightingQuery): SQLQueryBindings[] {
  const pattern = text === undefined ? null : containing(text);
  return [sinceMs ?? null, untilMs ?? null, className ?? null, camera ?? null, pattern];
}
