import { createHash, type Hash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { type FileHandle, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError } from "../base/errors.ts";
import { bytesText } from "../base/text.ts";
import { storeError } from "./database.ts";
import { writeAll } from "./write-all.ts";

/** Drafts of other processes on the same folder may still grow; older ones were left by a process that ended. */
const DRAFT_AGE_MAX_MS = 3600_000;

/** SHA-256 in hex: the name of a blob. */
export function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * Files named by their content: `blobs/ab/abcd…`. A blob is written beside its place, flushed and renamed, so a name
 * means a whole file; and it is checked against its name when it is read, so a damaged one counts as missing.
 */
export class BlobStore {
  readonly #folder: string;
  readonly #incoming: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.#incoming = join(folder, "incoming");
    mkdirSync(this.#incoming, { recursive: true });
    this.#sweep();
  }

  path(sha256: string): string {
    return join(this.#folder, sha256.slice(0, 2), sha256);
  }

  has(sha256: string): boolean {
    return existsSync(this.path(sha256));
  }

  async sizeBytes(sha256: string): Promise<number> {
    try {
      return (await stat(this.path(sha256))).size;
    } catch (cause) {
      throw missing(sha256, cause);
    }
  }

  /** Keeps `bytes` and returns their name. */
  async put(bytes: Uint8Array): Promise<string> {
    const sha256 = hashOf(bytes);
    if (this.has(sha256)) return sha256;
    const receiver = await this.receive(sha256, bytes.length);
    await receiver.take(0, bytes);
    return sha256;
  }

  /** The whole blob. Throws `input` when it is not there or is damaged; a damaged one is removed. */
  async read(sha256: string): Promise<Buffer> {
    let bytes: Buffer;
    try {
      bytes = await readFile(this.path(sha256));
    } catch (cause) {
      throw missing(sha256, cause);
    }
    if (hashOf(bytes) === sha256) return bytes;
    await rm(this.path(sha256), { force: true });
    throw missing(sha256, new Error("its content is not what its name says"));
  }

  /** Opens a place for a blob that arrives in pieces. */
  async receive(sha256: string, totalBytes: number): Promise<BlobReceiver> {
    // Not by the process's number, which another start may have had.
    const draft = join(this.#incoming, randomUUID());
    try {
      return new BlobReceiver(sha256, totalBytes, draft, this.path(sha256), await open(draft, "wx", 0o640));
    } catch (error) {
      throw storeError(error, "a file that arrives cannot be kept");
    }
  }

  #sweep(): void {
    for (const name of readdirSync(this.#incoming)) {
      const draft = join(this.#incoming, name);
      const { mtimeMs } = statSync(draft, { throwIfNoEntry: false }) ?? { mtimeMs: 0 };
      if (Date.now() - mtimeMs > DRAFT_AGE_MAX_MS) rmSync(draft, { force: true });
    }
  }
}

/** One blob on its way in. Pieces come in order; the last one settles whether it is what its name says. */
export class BlobReceiver {
  readonly #sha256: string;
  readonly #totalBytes: number;
  readonly #draft: string;
  readonly #place: string;
  readonly #file: FileHandle;
  readonly #hash: Hash = createHash("sha256");
  #at = 0;

  constructor(sha256: string, totalBytes: number, draft: string, place: string, file: FileHandle) {
    this.#sha256 = sha256;
    this.#totalBytes = totalBytes;
    this.#draft = draft;
    this.#place = place;
    this.#file = file;
  }

  /**
   * @returns true when this piece was the last and the blob is kept
   * @throws {AppError} `protocol` for a piece out of order, or a blob that is not what its name says
   */
  async take(offset: number, piece: Uint8Array): Promise<boolean> {
    try {
      if (offset !== this.#at || offset + piece.length > this.#totalBytes) {
        throw new AppError(
          "protocol",
          `a piece at ${offset} of ${bytesText(this.#totalBytes)} is out of order`,
        );
      }
      this.#hash.update(piece);
      await writeAll(this.#file, piece);
      this.#at += piece.length;
      if (this.#at < this.#totalBytes) return false;
      if (this.#hash.digest("hex") !== this.#sha256) {
        throw new AppError("protocol", `what came as ${this.#sha256.slice(0, 12)} has another content`);
      }
      await this.#file.sync();
      await this.#file.close();
      mkdirSync(dirname(this.#place), { recursive: true });
      await rename(this.#draft, this.#place);
      return true;
    } catch (error) {
      await this.abandon();
      throw storeError(error, "a file that arrives cannot be kept");
    }
  }

  /** Forgets what has come. */
  async abandon(): Promise<void> {
    await this.#file.close().catch(() => {});
    await rm(this.#draft, { force: true });
  }
}

function missing(sha256: string, cause: unknown): AppError {
  return new AppError("input", `the file ${sha256.slice(0, 12)} is not in the store`, { cause });
}
