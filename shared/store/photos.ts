import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { flushFolder, replaceFile } from "../base/replace-file.ts";
import { readHeader } from "../image/header.ts";
import { storeError } from "./database.ts";

/** Ending of a photo that is still being written; a sweep may remove it. */
const UNFINISHED = ".part";

/** Ending of a close-up, which lies beside its photo. */
const CLOSE_UP = ".near.jpg";

/** The name of a photo's close-up. */
export function closeUpOf(photo: string): string {
  return photo.replace(/\.jpg$/, CLOSE_UP);
}

/**
 * Photos below one directory. A photo appears under its name only when all of it is on the disk: written under
 * another name, flushed, renamed, and the directory flushed. Names are never used twice.
 */
export class PhotoFolder {
  readonly #root: string;

  /** @param root the data directory; photos lie in `photos/` below it */
  constructor(root: string) {
    this.#root = root;
    mkdirSync(join(root, "photos"), { recursive: true });
  }

  /**
   * A new name: `photos/2026-11-21/gate-143005-123-a1b2c3d4.jpg`. The camera's name has only safe characters by then.
   */
  newName(camera: string, atMs: number): string {
    const time = new Date(atMs).toISOString();
    const clock = time
      .slice(11, 23)
      .replace(/[:.]/g, "")
      .replace(/(\d{6})/, "$1-");
    const unique = crypto.getRandomValues(Buffer.alloc(4)).toString("hex");
    const safe = camera.replace(/[^\p{L}\p{N}_.-]/gu, "_");
    return `photos/${time.slice(0, 10)}/${safe}-${clock}-${unique}.jpg`;
  }

  /** The photo's place on this machine. */
  pathOf(name: string): string {
    return join(this.#root, ...name.split("/"));
  }

  /**
   * Writes a photo, after its close-up, so that each is there whole or not at all, whatever happens meanwhile. Throws
   * `data-loss`.
   */
  write(name: string, jpeg: Uint8Array, closeUp?: Uint8Array): void {
    const path = this.pathOf(name);
    try {
      makeFolder(dirname(path), this.#root);
      if (closeUp !== undefined) replaceFile(this.pathOf(closeUpOf(name)), closeUp);
      replaceFile(path, jpeg);
    } catch (cause) {
      throw storeError(cause, `the photo ${name} could not be saved`);
    }
  }

  /** Removes a photo with its close-up. */
  remove(name: string): void {
    rmSync(this.pathOf(name), { force: true });
    rmSync(this.pathOf(closeUpOf(name)), { force: true });
  }

  /** Moves a damaged photo out of the way, to `damaged/`: part of it may still be seen. Nothing where there is none. */
  setAside(name: string): void {
    if (!this.exists(name)) return;
    const place = join(this.#root, "damaged", name.split("/").at(-1)!);
    mkdirSync(dirname(place), { recursive: true });
    renameSync(this.pathOf(name), place);
  }

  exists(name: string): boolean {
    return statSync(this.pathOf(name), { throwIfNoEntry: false })?.isFile() === true;
  }

  /** Width and height of a photo, in px; `undefined` when it is lost or damaged. */
  sizeOf(name: string): { readonly width: number; readonly height: number } | undefined {
    try {
      const header = readHeader(readFileSync(this.pathOf(name)));
      return header === "short" ? undefined : header;
    } catch {
      return undefined;
    }
  }

  /** Every file below `photos/`, by name; close-ups and unfinished ones are told apart. */
  list(): { photos: string[]; closeUps: string[]; unfinished: string[] } {
    const photos: string[] = [];
    const closeUps: string[] = [];
    const unfinished: string[] = [];
    for (const entry of readdirSync(join(this.#root, "photos"), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const name = relative(this.#root, join(entry.parentPath, entry.name)).split(sep).join("/");
      if (name.endsWith(UNFINISHED)) unfinished.push(name);
      else (name.endsWith(CLOSE_UP) ? closeUps : photos).push(name);
    }
    return { photos, closeUps, unfinished };
  }
}

/** Makes a folder whose own entry is flushed too. */
function makeFolder(path: string, root: string): void {
  const first = mkdirSync(path, { recursive: true });
  if (first === undefined) return;
  for (let at = path; at.length >= root.length; at = dirname(at)) flushFolder(at);
}
