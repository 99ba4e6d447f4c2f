import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Writes a file so that its name always means a whole one, the old or the new: another name, flushed, renamed, and
 * the directory flushed. Throws what the file system throws, and then the old file is untouched.
 *
 * @param mode permissions of a new file
 */
export function replaceFile(path: string, content: Uint8Array, mode = 0o640): void {
  const unique = crypto.getRandomValues(Buffer.alloc(4)).toString("hex");
  const unfinished = `${path}.${unique}.part`;
  mkdirSync(dirname(path), { recursive: true });
  try {
    const file = openSync(unfinished, "wx", mode);
    try {
      for (let at = 0; at < content.length; ) at += writeSync(file, content, at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(unfinished, path);
  } catch (error) {
    try {
      rmSync(unfinished, { force: true });
    } catch {
      // What kept it from being written may keep it from being removed; the first is what is told.
    }
    throw error;
  }
  flushFolder(dirname(path));
}

/** Flushes a directory, so that a renamed file is still there after a power cut. Windows has no such call. */
export function flushFolder(path: string): void {
  if (process.platform === "win32") return;
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
