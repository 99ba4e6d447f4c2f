/**
 * A place on disk for the native files inside the executable. The operating system loads libraries and starts
 * programs only from real paths, so they are written out on first use.
 *
 * Each set of files has a folder of its own, named by the hash of their contents and never changed after it appears:
 * versions cannot mix, and any number of first starts may race.
 */
import type { Stats } from "node:fs";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { AppError, errorLine } from "../base/errors.ts";

/** One file inside the executable. */
export interface EmbeddedFile {
  /** Where it can be read, and only read. */
  readonly source: string;
  /** Its name on disk. */
  readonly name: string;
  /** Whether it is a program to start. */
  readonly isProgram?: boolean;
}

/** Files that belong together in one folder. */
export interface EmbeddedSet {
  /** `NAME-HASH`, the hash over names and contents: the folder's name. */
  readonly key: string;
  readonly files: readonly EmbeddedFile[];
}

const UNUSED_FOLDER_KEPT_MS = 30 * 24 * 3600 * 1000;
const UNFINISHED_FOLDER_KEPT_MS = 24 * 3600 * 1000;
const userId = process.getuid?.();

/** Folders that may hold the store, best first. `VIGIA_CACHE_DIR` goes before all others. */
export function storeRoots(environment: NodeJS.ProcessEnv = process.env): string[] {
  const roots: (string | undefined)[] = [environment.VIGIA_CACHE_DIR];
  if (process.platform === "win32") {
    roots.push(environment.LOCALAPPDATA && join(environment.LOCALAPPDATA, "vigia", "cache"));
  } else if (process.platform === "darwin") {
    roots.push(join(homedir(), "Library", "Caches", "vigia"));
  } else {
    roots.push(join(environment.XDG_CACHE_HOME || join(homedir(), ".cache"), "vigia"));
  }
  roots.push(join(tmpdir(), `vigia-${userId ?? "user"}`));
  if (process.platform !== "win32") {
    roots.push(`/var/tmp/vigia-${userId}`);
    roots.push(environment.XDG_RUNTIME_DIR && join(environment.XDG_RUNTIME_DIR, "vigia"));
    roots.push(`/dev/shm/vigia-${userId}`);
  }
  return [...new Set(roots.filter((root): root is string => root !== undefined && root !== ""))];
}

/**
 * Hands `use` a folder that holds the set, in the first root where both extracting and `use` succeed. A root that is
 * read-only fails at the one, a root that is mounted `noexec` at the other, because `use` loads or starts a file.
 *
 * @param inMemory the way without any folder, tried last
 * @throws {AppError} `unavailable` naming each way and why it failed
 */
export function withExtracted<T>(
  set: EmbeddedSet,
  use: (folder: string) => T,
  { inMemory, roots = storeRoots() }: { inMemory?: (() => T) | undefined; roots?: readonly string[] } = {},
): T {
  const failures: string[] = [];
  for (const root of roots) {
    try {
      const result = use(extract(root, set));
      removeUnused(root, set.key);
      return result;
    } catch (error) {
      failures.push(`${root}: ${errorLine(error)}`);
    }
  }
  try {
    if (inMemory !== undefined) return inMemory();
  } catch (error) {
    failures.push(`in memory: ${errorLine(error)}`);
  }
  throw new AppError("unavailable", `${set.key} cannot be used from any folder: ${failures.join("; ")}`, {
    hint: "set VIGIA_CACHE_DIR to a folder that can be written to and is not mounted noexec",
  });
}

/**
 * The folder below `root` that holds the set, made now if it is not there or not whole.
 *
 * @throws when `root` cannot be used, or belongs to somebody else
 */
export function extract(root: string, set: EmbeddedSet): string {
  const folder = join(root, set.key);
  mkdirSync(root, { recursive: true, mode: 0o700 });
  refuseForeign(root);
  if (isWhole(folder, set)) {
    touch(folder);
    return folder;
  }
  const unfinished = mkdtempSync(join(root, `.new-${set.key}-`));
  try {
    for (const { source, name, isProgram } of set.files) {
      writeFileSync(join(unfinished, name), readFileSync(source), {
        mode: isProgram ? 0o755 : 0o644,
        flush: true,
      });
    }
    moveIntoPlace(unfinished, folder, set);
    return folder;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

function moveIntoPlace(unfinished: string, folder: string, set: EmbeddedSet): void {
  try {
    renameSync(unfinished, folder); // of several processes the first one wins
  } catch {
    if (isWhole(folder, set)) return;
    // What lies there is damaged. It is moved aside and not emptied in place: another process may have it open.
    const damaged = `${unfinished}.damaged`;
    renameSync(folder, damaged);
    rmSync(damaged, { recursive: true, force: true });
    renameSync(unfinished, folder);
  }
}

/** Sizes are compared, not contents: a cut file is noticed, and a start costs no reading of 50 MB. */
function isWhole(folder: string, set: EmbeddedSet): boolean {
  try {
    const facts = lstatSync(folder);
    if (!facts.isDirectory() || !isOwn(facts)) return false;
    return set.files.every(({ source, name }) => {
      const file = lstatSync(join(folder, name));
      return file.isFile() && isOwn(file) && file.size === statSync(source).size;
    });
  } catch {
    return false;
  }
}

/** Whether only this user, or root, could have written it. */
function isOwn(facts: Stats): boolean {
  if (userId === undefined) return true;
  return (facts.uid === userId || facts.uid === 0) && (facts.mode & 0o022) === 0;
}

/** Libraries are never loaded from a folder that somebody else may write to. */
function refuseForeign(root: string): void {
  const facts = lstatSync(root);
  if (!facts.isDirectory()) throw new Error("is not a folder");
  if (!isOwn(facts)) throw new Error("can be written to by other users");
}

/** Marks a folder as used today. */
function touch(folder: string): void {
  try {
    const now = new Date();
    utimesSync(folder, now, now);
  } catch {
    // A folder that cannot be marked can still be used.
  }
}

/** Removes folders of earlier versions that no start has used for a month, and what broken starts left behind. */
function removeUnused(root: string, key: string): void {
  const name = key.slice(0, key.lastIndexOf("-") + 1);
  try {
    for (const entry of readdirSync(root)) {
      const isUnfinished = entry.startsWith(`.new-${name}`);
      if (entry === key || !(isUnfinished || entry.startsWith(name))) continue;
      const ageMs = Date.now() - statSync(join(root, entry)).mtimeMs;
      if (ageMs > (isUnfinished ? UNFINISHED_FOLDER_KEPT_MS : UNUSED_FOLDER_KEPT_MS)) {
        rmSync(join(root, entry), { recursive: true, force: true });
      }
    }
  } catch {
    // Tidying can wait for the next start.
  }
}
