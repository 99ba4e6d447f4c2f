import { Database } from "bun:sqlite";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { AppError, errorLine } from "../base/errors.ts";

/** How long a statement waits for another process that writes. */
const BUSY_TIMEOUT_MS = 5000;
/** For a file that somebody keeps to himself: only one who is just closing it will be gone soon. */
const EXCLUSIVE_TIMEOUT_MS = 1000;

/**
 * Opens (or makes) a SQLite file that keeps what was committed through `kill -9` and loss of power: write-ahead log,
 * `synchronous=FULL`. Runs the migrations that the file has not seen, each in a transaction with its number, so a
 * process killed between two finds its place again.
 *
 * @param migrations SQL scripts in order; once released, one is never changed, only followed by another
 * @param isExclusive whether this process keeps the file to itself until it closes it
 * @throws `data-loss` when the file is damaged; `unavailable` when it cannot be opened, or a newer program wrote it
 */
export function openDatabase(
  path: string,
  migrations: readonly string[],
  { isExclusive = false }: { readonly isExclusive?: boolean } = {},
): Database {
  let database: Database;
  try {
    if (path !== ":memory:") mkdirSync(dirname(path), { recursive: true });
    database = new Database(path, { create: true, strict: true });
  } catch (cause) {
    throw new AppError("unavailable", `cannot open the database ${path}`, {
      cause,
      hint: "see that the folder is there and may be written to",
    });
  }
  try {
    database.run(`PRAGMA busy_timeout = ${isExclusive ? EXCLUSIVE_TIMEOUT_MS : BUSY_TIMEOUT_MS}`);
    if (isExclusive) database.run("PRAGMA locking_mode = EXCLUSIVE");
    database.run("PRAGMA journal_mode = WAL");
    database.run("PRAGMA synchronous = FULL");
    database.run("PRAGMA foreign_keys = ON");
    migrate(database, path, migrations);
    const defects = databaseDefects(database);
    if (defects.length > 0) throw damaged(path, defects.join("; "));
    return database;
  } catch (error) {
    database.close();
    if (error instanceof AppError) throw error;
    if (isDamage(error)) throw damaged(path, errorLine(error));
    if (codeOf(error).startsWith("SQLITE_BUSY")) {
      throw new AppError("unavailable", `another process uses ${path}`, {
        cause: error,
        hint: "stop it first, or give another --data folder",
      });
    }
    throw new AppError("unavailable", `cannot use the database ${path}`, { cause: error });
  }
}

/** What SQLite finds wrong with the file; empty when it is sound. Reads the whole file. */
export function databaseDefects(database: Database): string[] {
  const rows = database.query<{ quick_check: string }, []>("PRAGMA quick_check(10)").all();
  return rows.map((row) => row.quick_check).filter((line) => line !== "ok");
}

/** Wraps a failed write: a full disk and a damaged file get their own words and kind. */
export function storeError(error: unknown, what: string): AppError {
  if (error instanceof AppError) return error;
  const code = codeOf(error);
  if (code === "ENOSPC" || code === "SQLITE_FULL" || code === "EDQUOT") {
    return new AppError("data-loss", `${what}: the disk is full`, {
      cause: error,
      hint: "free some space; what was saved before is intact",
    });
  }
  return new AppError("data-loss", what, { cause: error });
}

/** Whether a write that failed may be found all the same after a crash: a disk that fails says nothing for certain. */
export function mayBeCommitted(error: unknown): boolean {
  return codeOf(error).startsWith("SQLITE_IOERR");
}

function migrate(database: Database, path: string, migrations: readonly string[]): void {
  // Exclusive from the first look, so that two processes that start together do not both migrate.
  database
    .transaction(() => {
      const row = database.query<{ user_version: number }, []>("PRAGMA user_version").get();
      const seen = row?.user_version ?? 0;
      if (seen > migrations.length) {
        throw new AppError("unavailable", `${path} was written by a newer version of this program`, {
          hint: "update this program, or give another --data folder",
        });
      }
      for (const script of migrations.slice(seen)) database.run(script);
      if (seen < migrations.length) database.run(`PRAGMA user_version = ${migrations.length}`);
    })
    .exclusive();
}

function isDamage(error: unknown): boolean {
  const code = codeOf(error);
  return code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB";
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function damaged(path: string, what: string): AppError {
  return new AppError("data-loss", `the database ${path} is damaged: ${what}`, {
    hint: "move it away (with its -wal file) to start anew, or put back a copy",
  });
}
