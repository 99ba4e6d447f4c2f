import type { FileHandle } from "node:fs/promises";

/** Writes all of `bytes` at the file's position: one `write` may take less, as it does just before the disk is full. */
export async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at);
    at += bytesWritten;
  }
}
