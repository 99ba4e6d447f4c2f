import { open } from "node:fs/promises";
import { AppError } from "../base/errors.ts";
import { PIECE_SIZE_BYTES_MAX } from "../base/limits.ts";
import { type Deferred, deferred } from "../base/wait.ts";
import type { Connection } from "../net/connection.ts";
import type { BlobReceiver, BlobStore } from "../store/blobs.ts";
import type { MessageOf } from "../wire/message.ts";
import { BlobMissing, BlobPiece } from "../wire/messages/training.ts";

/** Sends the file at `path` as the blob `sha256`, piece by piece, no faster than the peer takes it. */
export async function sendFile(link: Connection, sha256: string, path: string): Promise<void> {
  await using file = await open(path, "r");
  const { size } = await file.stat();
  for (let offset = 0; offset < size; ) {
    const buffer = Buffer.allocUnsafe(Math.min(PIECE_SIZE_BYTES_MAX, size - offset));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
    if (bytesRead === 0) throw new AppError("input", `${path} became shorter while it was sent`);
    const piece = buffer.subarray(0, bytesRead);
    await link.send(BlobPiece, { sha256, offset, totalBytes: size, piece });
    offset += bytesRead;
  }
}

/** Answers `BlobWanted` from a store. */
export async function sendBlob(link: Connection, store: BlobStore, sha256: string): Promise<void> {
  if (store.has(sha256)) await sendFile(link, sha256, store.path(sha256));
  else await link.send(BlobMissing, { sha256 });
}

interface Expected {
  readonly bytesMax: number;
  readonly arrived: Deferred<void>;
  receiver: BlobReceiver | undefined;
}

/**
 * Blobs that are to arrive over one link. Only what is expected is taken, up to its size limit; everything else
 * breaks the link's rules.
 */
export class BlobInbox implements AsyncDisposable {
  readonly #store: BlobStore;
  readonly #expected = new Map<string, Expected>();

  constructor(store: BlobStore) {
    this.#store = store;
  }

  /** Resolves when the blob is in the store. Rejects when the peer lacks it or the link ends. */
  expect(sha256: string, bytesMax: number): Promise<void> {
    const known = this.#expected.get(sha256);
    if (known !== undefined) return known.arrived.promise;
    const expected: Expected = { bytesMax, arrived: deferred(), receiver: undefined };
    this.#expected.set(sha256, expected);
    return expected.arrived.promise;
  }

  /**
   * Resolves when the blob is in the store.
   *
   * @param ask asks the peer for it; not called where it is on its way already, since it would come twice
   */
  async fetch(sha256: string, bytesMax: number, ask: () => Promise<void>): Promise<void> {
    const isAsked = this.#expected.has(sha256);
    const arrived = this.expect(sha256, bytesMax);
    if (!isAsked) await ask();
    await arrived;
  }

  async take({ sha256, offset, totalBytes, piece }: MessageOf<typeof BlobPiece>): Promise<void> {
    const expected = this.#expected.get(sha256);
    if (expected === undefined) throw new AppError("protocol", "a blob came that nobody asked for");
    try {
      if (totalBytes > expected.bytesMax || totalBytes === 0) {
        throw new AppError(
          "protocol",
          `a blob of ${totalBytes} B came, ${expected.bytesMax} B at most expected`,
        );
      }
      expected.receiver ??= await this.#store.receive(sha256, totalBytes);
      if (!(await expected.receiver.take(offset, piece))) return;
    } catch (error) {
      this.#expected.delete(sha256);
      expected.arrived.reject(error);
      throw error;
    }
    this.#expected.delete(sha256);
    expected.arrived.resolve();
  }

  /** The peer does not have it. */
  missing(sha256: string): void {
    const expected = this.#expected.get(sha256);
    this.#expected.delete(sha256);
    expected?.arrived.reject(new AppError("input", `the peer does not have the file ${sha256.slice(0, 12)}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { arrived, receiver } of this.#expected.values()) {
      arrived.reject(new AppError("unavailable", "the link ended before a file had arrived"));
      await receiver?.abandon();
    }
    this.#expected.clear();
  }
}
