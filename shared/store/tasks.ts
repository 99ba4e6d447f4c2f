import type { Database } from "bun:sqlite";
import type { SampleRow, ShardCard } from "../wire/messages/training.ts";
import { storeError } from "./database.ts";

/** A block of samples to prepare. */
export interface Task {
  readonly id: number;
  readonly datasetId: number;
  readonly cacheSidePx: number;
  readonly split: SampleRow["split"];
  readonly firstSample: number;
  readonly sampleCount: number;
  /** Tries so far, this one included. */
  readonly attempts: number;
}

/** How far a data set's preparation is, in tasks and in samples. */
export interface TaskCounts {
  readonly open: number;
  readonly leased: number;
  readonly done: number;
  readonly poisoned: number;
  readonly samples: number;
  readonly samplesDone: number;
}

interface TaskRow {
  readonly id: number;
  readonly dataset_id: number;
  readonly cache_side_px: number;
  readonly split: SampleRow["split"];
  readonly first_sample: number;
  readonly sample_count: number;
  readonly attempts: number;
}

/** Tries that end in a failure, and tries whose worker was lost (which may be chance), before a task is set aside. */
export const TASK_FAILURES_MAX = 3;
export const TASK_LOSSES_MAX = 10;
const TASK_SAMPLES = 16;

/**
 * The durable queue of preparation. A task is *leased* to a worker until a time; a worker that dies or dawdles loses
 * it to another. One that fails too often is set aside as poisoned, with the reason, and the rest goes on.
 */
export class TaskStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Makes the tasks of a data set at a size, unless they are there. Each holds neighbours of one split. */
  plan(datasetId: number, cacheSidePx: number, splits: readonly SampleRow["split"][]): void {
    this.#saving(() => {
      this.#database
        .transaction(() => {
          if (this.counts(datasetId, cacheSidePx).samples > 0) return;
          const insert = this.#database.query(
            `INSERT INTO tasks (dataset_id, cache_side_px, position, split, first_sample, sample_count)
             VALUES (?, ?, ?, ?, ?, ?)`,
          );
          let position = 0;
          for (let first = 0; first < splits.length; ) {
            const split = splits[first]!;
            let end = first;
            while (end < splits.length && end - first < TASK_SAMPLES && splits[end] === split) end++;
            insert.run(datasetId, cacheSidePx, position++, split, first, end - first);
            first = end;
          }
        })
        .immediate();
    });
  }

  /** Hands the next open task to a worker, if there is one. */
  lease(datasetId: number, cacheSidePx: number, worker: string, untilMs: number): Task | undefined {
    return this.#saving(() => {
      const row = this.#database
        .query<TaskRow, [string, number, number, number]>(
          `UPDATE tasks SET state = 'leased', worker = ?, lease_until_ms = ?, attempts = attempts + 1
           WHERE id = (SELECT id FROM tasks WHERE dataset_id = ? AND cache_side_px = ? AND state = 'open'
                       ORDER BY attempts, position LIMIT 1)
           RETURNING id, dataset_id, cache_side_px, split, first_sample, sample_count, attempts`,
        )
        .get(worker, untilMs, datasetId, cacheSidePx);
      return row === null ? undefined : taskOf(row);
    });
  }

  /** Gives a worker more time for what it has. */
  extend(worker: string, untilMs: number): void {
    this.#saving(() => {
      this.#database
        .query("UPDATE tasks SET lease_until_ms = ? WHERE worker = ? AND state = 'leased'")
        .run(untilMs, worker);
    });
  }

  /** Keeps a task's result. False when it had been given to another, or was done already: the result is then spare. */
  done(
    id: number,
    worker: string,
    shard: { readonly sha256: string; readonly bytes: number; readonly pictures: number },
  ): boolean {
    return this.#saving(() => {
      const { changes } = this.#database
        .query(
          `UPDATE tasks SET state = 'done', shard_sha256 = ?, shard_bytes = ?, pictures = ?, worker = NULL,
             lease_until_ms = NULL, reason = ''
           WHERE id = ? AND worker = ? AND state = 'leased'`,
        )
        .run(shard.sha256, shard.bytes, shard.pictures, id, worker);
      return changes === 1;
    });
  }

  /**
   * Takes a task back from a worker. It is open again, or poisoned after too many tries.
   *
   * @param attemptsMax `TASK_FAILURES_MAX` or `TASK_LOSSES_MAX`
   */
  giveBack(
    id: number,
    worker: string,
    reason: string,
    attemptsMax: number,
  ): "open" | "poisoned" | "not theirs" {
    return this.#saving(() => {
      const row = this.#database
        .query<{ state: "open" | "poisoned" }, [number, string, number, string]>(
          `UPDATE tasks SET state = iif(attempts >= ?, 'poisoned', 'open'), reason = ?, worker = NULL,
             lease_until_ms = NULL
           WHERE id = ? AND worker = ? AND state = 'leased' RETURNING state`,
        )
        .get(attemptsMax, reason, id, worker);
      return row?.state ?? "not theirs";
    });
  }

  /** The leases of a worker, or those that ran out by `nowMs`. */
  leases(of: { readonly worker: string } | { readonly nowMs: number }): { id: number; worker: string }[] {
    const [condition, value] = "worker" in of ? ["worker = ?", of.worker] : ["lease_until_ms <= ?", of.nowMs];
    return this.#database
      .query<{ id: number; worker: string }, [string | number]>(
        `SELECT id, worker FROM tasks WHERE state = 'leased' AND ${condition}`,
      )
      .all(value);
  }

  /** After a start: nobody works on anything, and it was nobody's fault. */
  recover(): void {
    this.#saving(() => {
      this.#database
        .query(
          `UPDATE tasks SET state = 'open', worker = NULL, lease_until_ms = NULL, attempts = attempts - 1
           WHERE state = 'leased'`,
        )
        .run();
    });
  }

  /** A new job tries again what was set aside: what was wrong may have been mended. */
  forgive(datasetId: number, cacheSidePx: number): void {
    this.#saving(() => {
      this.#database
        .query(
          `UPDATE tasks SET state = 'open', attempts = 0
           WHERE dataset_id = ? AND cache_side_px = ? AND state = 'poisoned'`,
        )
        .run(datasetId, cacheSidePx);
    });
  }

  /** Makes a task open again whose shard is no longer in the store. */
  reopen(shardSha256: string): void {
    this.#saving(() => {
      this.#database
        .query("UPDATE tasks SET state = 'open', attempts = 0, shard_sha256 = NULL WHERE shard_sha256 = ?")
        .run(shardSha256);
    });
  }

  counts(datasetId: number, cacheSidePx: number): TaskCounts {
    const rows = this.#database
      .query<
        { state: "open" | "leased" | "done" | "poisoned"; n: number; samples: number },
        [number, number]
      >(
        `SELECT state, count(*) AS n, sum(sample_count) AS samples FROM tasks
         WHERE dataset_id = ? AND cache_side_px = ? GROUP BY state`,
      )
      .all(datasetId, cacheSidePx);
    const of = (state: string): number => rows.find((row) => row.state === state)?.n ?? 0;
    return {
      open: of("open"),
      leased: of("leased"),
      done: of("done"),
      poisoned: of("poisoned"),
      samples: rows.reduce((sum, { samples }) => sum + samples, 0),
      samplesDone: rows
        .filter(({ state }) => state === "done" || state === "poisoned")
        .reduce((sum, { samples }) => sum + samples, 0),
    };
  }

  /** What preparation made, in the order of the samples. Shards without a picture are left out. */
  shards(datasetId: number, cacheSidePx: number): (ShardCard & { readonly pictures: number })[] {
    return this.#database
      .query<
        { sha256: string; shardBytes: number; split: SampleRow["split"]; pictures: number },
        [number, number]
      >(
        `SELECT shard_sha256 AS sha256, shard_bytes AS shardBytes, split, pictures FROM tasks
         WHERE dataset_id = ? AND cache_side_px = ? AND state = 'done' AND pictures > 0 ORDER BY position`,
      )
      .all(datasetId, cacheSidePx);
  }

  /** Tasks that were set aside, with why. */
  poisoned(datasetId: number, cacheSidePx: number): { id: number; reason: string; samples: number }[] {
    return this.#database
      .query<{ id: number; reason: string; samples: number }, [number, number]>(
        `SELECT id, reason, sample_count AS samples FROM tasks
         WHERE dataset_id = ? AND cache_side_px = ? AND state = 'poisoned' ORDER BY position`,
      )
      .all(datasetId, cacheSidePx);
  }

  #saving<T>(write: () => T): T {
    try {
      return write();
    } catch (error) {
      throw storeError(error, "a task cannot be saved");
    }
  }
}

function taskOf(row: TaskRow): Task {
  return {
    id: row.id,
    datasetId: row.dataset_id,
    cacheSidePx: row.cache_side_px,
    split: row.split,
    firstSample: row.first_sample,
    sampleCount: row.sample_count,
    attempts: row.attempts,
  };
}
