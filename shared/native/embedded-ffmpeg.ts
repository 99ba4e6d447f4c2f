import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { memoryFile } from "./memory-file.ts";
import { type EmbeddedSet, withExtracted } from "./store.ts";

const START_TIMEOUT_MS = 10_000;

let found: string | undefined;

/**
 * The path of the ffmpeg inside the executable, written out on first use and tried; `undefined` when the build was
 * not given one (`npm run build -- --with-ffmpeg FILE`), and when running from source.
 *
 * @throws {AppError} `unavailable` when there is one and it does not start from any folder
 */
export function embeddedFfmpeg(): string | undefined {
  if (found !== undefined || !Bun.isStandaloneExecutable) return found;
  const set: EmbeddedSet = require("embedded:ffmpeg").default;
  const [program] = set.files;
  if (program === undefined) return undefined;
  found = withExtracted(set, (folder) => started(join(folder, program.name)), {
    inMemory: process.platform === "linux" ? () => started(memoryFile(program)) : undefined,
  });
  return found;
}

function started(path: string): string {
  const { error, status, signal } = spawnSync(path, ["-hide_banner", "-version"], {
    timeout: START_TIMEOUT_MS,
    stdio: "ignore",
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`ffmpeg -version ended with ${status ?? signal}`);
  return path;
}
