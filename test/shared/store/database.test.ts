import { expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../../shared/base/errors.ts";
import { databaseDefects, openDatabase } from "../../../shared/store/database.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { tempFolder } from "../../support/temp.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

test("a database keeps every committed row, in WAL mode with full synchronisation", () => {
  using dir = tempFolder();
  const path = join(dir.path, "deep/er/a.db");
  const first = openDatabase(path, ["CREATE TABLE t (x INTEGER); INSERT INTO t VALUES (1)"]);
  expect(first.query("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
  expect(first.query("PRAGMA synchronous").get()).toEqual({ synchronous: 2 });
  first.close();
  const again = openDatabase(path, [
    "CREATE TABLE t (x INTEGER); INSERT INTO t VALUES (1)",
    "INSERT INTO t VALUES (2)",
  ]);
  expect(again.query("SELECT x FROM t ORDER BY x").all()).toEqual([{ x: 1 }, { x: 2 }]);
  expect(databaseDefects(again)).toEqual([]);
  again.close();
});

test("a migration that fails leaves the file as it was", () => {
  using dir = tempFolder();
  const path = join(dir.path, "a.db");
  openDatabase(path, ["CREATE TABLE t (x INTEGER)"]).close();
  expect(() => openDatabase(path, ["CREATE TABLE t (x INTEGER)", "DROP TABLE t; NONSENSE"])).toThrow(
    AppError,
  );
  const after = openDatabase(path, ["CREATE TABLE t (x INTEGER)"]);
  expect(after.query("SELECT count(*) AS n FROM t").get()).toEqual({ n: 0 });
  after.close();
});

test("a file of a newer program, and one that is no database, are refused with a hint", () => {
  using dir = tempFolder();
  const path = join(dir.path, "a.db");
  openDatabase(path, ["CREATE TABLE t (x)", "CREATE TABLE u (x)"]).close();
  expect(() => openDatabase(path, ["CREATE TABLE t (x)"])).toThrow("newer version");
  const junk = join(dir.path, "junk.db");
  writeFileSync(junk, "this is no database ".repeat(400));
  expect(() => openDatabase(junk, [])).toThrow("damaged");
});

test("a file that one process keeps to itself is refused to another, and free when it is closed", () => {
  using dir = tempFolder();
  const path = join(dir.path, "a.db");
  const mine = openDatabase(path, ["CREATE TABLE t (x)"], { isExclusive: true });
  mine.run("INSERT INTO t VALUES (1)");
  const code = `import { openDatabase } from "${join(import.meta.dir, "../../../shared/store/database.ts")}";
    try { openDatabase(process.argv[1], [], { isExclusive: true }); } catch (error) { console.log(error.message); }`;
  const other = (): string => Bun.spawnSync([process.execPath, "-e", code, path]).stdout.toString();
  expect(other()).toContain("another process uses");
  mine.close();
  expect(other()).toContain("newer version");
}, 15_000);
