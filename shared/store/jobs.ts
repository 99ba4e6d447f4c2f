import type { Database } from "bun:sqlite";
import { createHash } from "node:crypto";
import type { ToldFailure } from "../base/failure.ts";
import type { JobStatus } from "../wire/messages/job-status.ts";
import type { SampleRow } from "../wire/messages/training.ts";
import { storeError } from "./database.ts";

export type JobState = JobStatus["state"];

/** A job as it is kept; `options` and `plan` are JSON whose form their users check. */
export interface Job {
  readonly id: number;
  readonly name: string;
  readonly state: JobState;
  readonly datasetId: number | undefined;
  readonly options: unknown;
  readonly plan: unknown;
  /** Why it failed. */
  readonly failure: ToldFailure | undefined;
  readonly modelVersion: number | undefined;
  readonly result: JobStatus | undefined;
  readonly createdMs: number;
}

interface JobRow {
  readonly id: number;
  readonly name: string;
  readonly state: JobState;
  readonly dataset_id: number | null;
  readonly options: string;
  readonly plan: string | null;
  readonly note: string;
  readonly model_version: number | null;
  readonly result: string | null;
  readonly created_ms: number;
}

/** Of a job that is not over and whose data set is here. */
const IS_HERE = "state IN ('queued', 'preparing', 'training', 'evaluating')";

/** Data sets and the jobs that learn from them: the durable queue of the trainer. */
export class JobStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Notes a new job whose data set is still to come. */
  create(name: string, options: unknown, nowMs: number): Job {
    return this.#saving(() => {
      const { lastInsertRowid } = this.#database
        .query("INSERT INTO jobs (name, state, options, created_ms) VALUES (?, 'receiving', ?, ?)")
        .run(name, JSON.stringify(options), nowMs);
      return this.get(Number(lastInsertRowid))!;
    });
  }

  /**
   * Keeps a data set once, whoever submits it and how often.
   *
   * @returns its id
   */
  keepDataset(classes: readonly string[], samples: readonly SampleRow[]): number {
    const fingerprint = createHash("sha256")
      .update(JSON.stringify([classes, samples]))
      .digest("hex");
    return this.#saving(() =>
      this.#database
        .transaction(() => {
          const known = this.#database
            .query<{ id: number }, [string]>("SELECT id FROM datasets WHERE fingerprint = ?")
            .get(fingerprint);
          if (known !== null) return known.id;
          const { lastInsertRowid } = this.#database
            .query("INSERT INTO datasets (fingerprint, classes) VALUES (?, ?)")
            .run(fingerprint, JSON.stringify(classes));
          const id = Number(lastInsertRowid);
          const insert = this.#database.query(
            `INSERT INTO samples (dataset_id, position, id, split, sha256, file_bytes, width, height, labels)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          );
          samples.forEach((row, position) => {
            const { id: sampleId, split, sha256, fileBytes, width, height, labels } = row;
            const labelText = JSON.stringify(labels);
            insert.run(id, position, sampleId, split, sha256, fileBytes, width, height, labelText);
          });
          return id;
        })
        .immediate(),
    );
  }

  classes(datasetId: number): string[] {
    const row = this.#database
      .query<{ classes: string }, [number]>("SELECT classes FROM datasets WHERE id = ?")
      .get(datasetId);
    return row === null ? [] : (JSON.parse(row.classes) as string[]);
  }

  /** Samples of a data set in order; all of them, or `count` from `first` on. */
  samples(datasetId: number, first = 0, count = Number.MAX_SAFE_INTEGER): SampleRow[] {
    interface Row extends Omit<SampleRow, "labels" | "fileBytes"> {
      readonly file_bytes: number;
      readonly labels: string;
    }
    return this.#database
      .query<Row, [number, number, number]>(
        `SELECT id, split, sha256, file_bytes, width, height, labels FROM samples
         WHERE dataset_id = ? AND position >= ? ORDER BY position LIMIT ?`,
      )
      .all(datasetId, first, count)
      .map(({ file_bytes, labels, ...row }) => ({
        ...row,
        fileBytes: file_bytes,
        labels: JSON.parse(labels) as SampleRow["labels"],
      }));
  }

  /** Changes what is given. */
  update(
    id: number,
    change: {
      readonly state?: JobState;
      readonly datasetId?: number;
      readonly plan?: unknown;
      readonly failure?: ToldFailure | undefined;
      readonly modelVersion?: number;
      readonly result?: JobStatus;
      readonly endedMs?: number;
    },
  ): void {
    const columns: [string, string | number][] = [];
    if (change.state !== undefined) columns.push(["state", change.state]);
    if (change.datasetId !== undefined) columns.push(["dataset_id", change.datasetId]);
    if (change.plan !== undefined) columns.push(["plan", JSON.stringify(change.plan)]);
    if ("failure" in change) {
      columns.push(["note", change.failure === undefined ? "" : JSON.stringify(change.failure)]);
    }
    if (change.modelVersion !== undefined) columns.push(["model_version", change.modelVersion]);
    if (change.result !== undefined) columns.push(["result", JSON.stringify(change.result)]);
    if (change.endedMs !== undefined) columns.push(["ended_ms", change.endedMs]);
    if (columns.length === 0) return;
    this.#saving(() => {
      const assignments = columns.map(([column]) => `${column} = ?`).join(", ");
      this.#database
        .query(`UPDATE jobs SET ${assignments} WHERE id = ?`)
        .run(...columns.map(([, value]) => value), id);
    });
  }

  get(id: number): Job | undefined {
    return this.#rows("SELECT * FROM jobs WHERE id = ?", id)[0];
  }

  /** The job to work on: the oldest that is not over and whose data set is here. */
  next(): Job | undefined {
    return this.#rows(`SELECT * FROM jobs WHERE ${IS_HERE} ORDER BY id LIMIT 1`)[0];
  }

  /** How many jobs will be worked on before this one, as things stand; the one that runs is among them. */
  countBefore(id: number): number {
    return this.#database
      .query<{ n: number }, [number]>(`SELECT count(*) AS n FROM jobs WHERE ${IS_HERE} AND id < ?`)
      .get(id)!.n;
  }

  /** The newest jobs, newest first. */
  list(count: number): Job[] {
    return this.#rows("SELECT * FROM jobs ORDER BY id DESC LIMIT ?", count);
  }

  /**
   * After a start: jobs whose data set was still arriving have failed, since their client is gone. The others go on
   * where they were.
   */
  recover(nowMs: number): void {
    const failure: ToldFailure = {
      kind: "trainer-stopped",
      about: "",
      text: "the trainer was stopped while the pictures arrived: submit again",
    };
    this.#saving(() => {
      this.#database
        .query("UPDATE jobs SET state = 'failed', note = ?, ended_ms = ? WHERE state = 'receiving'")
        .run(JSON.stringify(failure), nowMs);
    });
  }

  #rows(sql: string, ...values: number[]): Job[] {
    return this.#database
      .query<JobRow, number[]>(sql)
      .all(...values)
      .map((row) => ({
        id: row.id,
        name: row.name,
        state: row.state,
        datasetId: row.dataset_id ?? undefined,
        options: JSON.parse(row.options),
        plan: row.plan === null ? undefined : JSON.parse(row.plan),
        failure: failureIn(row.note),
        modelVersion: row.model_version ?? undefined,
        result: row.result === null ? undefined : (JSON.parse(row.result) as JobStatus),
        createdMs: row.created_ms,
      }));
  }

  #saving<T>(write: () => T): T {
    try {
      return write();
    } catch (error) {
      throw storeError(error, "the job cannot be saved");
    }
  }
}

/** An earlier version of the program kept the words alone. */
function failureIn(note: string): ToldFailure | undefined {
  if (note === "") return undefined;
  return note.startsWith("{") ? (JSON.parse(note) as ToldFailure) : { kind: "other", about: "", text: note };
}
