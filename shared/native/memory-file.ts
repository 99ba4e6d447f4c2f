import { readdirSync, readFileSync, readlinkSync, statSync, writeSync } from "node:fs";
import { createMemoryFile } from "./c-library.ts";
import type { EmbeddedFile } from "./store.ts";

/**
 * A file without a folder: an anonymous file in memory (memfd_create(2), Linux only), under a path that this process
 * and its children can load from. For machines where no folder is both writable and executable.
 */
export function memoryFile({ source, name }: EmbeddedFile): string {
  const label = `vigia:${name}`;
  const existing = existingMemoryFile(label, statSync(source).size);
  if (existing !== undefined) return existing;
  const handle = createMemoryFile(label);
  const data = readFileSync(source);
  for (let at = 0; at < data.length; ) at += writeSync(handle, data, at);
  return memoryPath(handle);
}

/** Another thread of this process may have made it already; its handle belongs to all of them. */
function existingMemoryFile(label: string, size: number): string | undefined {
  for (const handle of readdirSync("/proc/self/fd")) {
    try {
      const target = readlinkSync(`/proc/self/fd/${handle}`);
      if (target.startsWith(`/memfd:${label} `) && statSync(`/proc/self/fd/${handle}`).size === size) {
        return memoryPath(handle);
      }
    } catch {
      // The handle was closed meanwhile.
    }
  }
  return undefined;
}

/** By the process's number and not "self", so that it names the same file for a child. */
function memoryPath(handle: number | string): string {
  return `/proc/${process.pid}/fd/${handle}`;
}
