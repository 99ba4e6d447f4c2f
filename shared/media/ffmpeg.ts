import { existsSync } from "node:fs";
import { AppError } from "../base/errors.ts";
import { within } from "../base/wait.ts";
import { embeddedFfmpeg } from "../native/embedded-ffmpeg.ts";

/** A program that was tried and answered. */
export interface Ffmpeg {
  readonly path: string;
  /** Such as "7.1.1-essentials"; builds from the development branch have none and say "N-118193-...". */
  readonly version: string;
  /** Arguments that keep every frame with its own time: `-fps_mode` since 5.1, `-vsync` before. */
  readonly keepTimes: readonly string[];
}

const PROBE_TIMEOUT_MS = 20_000;

let found: Promise<Ffmpeg> | undefined;

/**
 * The ffmpeg program, looked for once in this order: `FFMPEG_PATH`, the copy inside the executable, the `ffmpeg-static`
 * package, `PATH`.
 *
 * @throws {AppError} `unavailable` that names the package to install; `usage` when `FFMPEG_PATH` is set and does not
 *   run: nothing else is tried then, since somebody meant that one
 */
export function findFfmpeg(
  embedded: () => Promise<string | undefined> = async () => embeddedFfmpeg(),
): Promise<Ffmpeg> {
  found ??= search(process.env.FFMPEG_PATH, embedded).catch((error) => {
    found = undefined;
    throw error;
  });
  return found;
}

/** `findFfmpeg` without its memory, for tests. */
export async function search(
  named: string | undefined,
  embedded: () => Promise<string | undefined>,
  places: { readonly fromPackage: () => Promise<string | undefined>; readonly pathVariable: string } = {
    fromPackage: packagePath,
    pathVariable: process.env.PATH ?? "",
  },
): Promise<Ffmpeg> {
  if (named !== undefined && named !== "") {
    try {
      return await probe(named);
    } catch (cause) {
      throw new AppError("usage", `FFMPEG_PATH names ${named}, which does not run`, {
        cause,
        hint: "give the path of a working ffmpeg, or unset FFMPEG_PATH",
      });
    }
  }
  const lookups = [
    embedded,
    places.fromPackage,
    async () => Bun.which("ffmpeg", { PATH: places.pathVariable }) ?? undefined,
  ];
  let cause: unknown;
  for (const lookup of lookups) {
    const path = await lookup();
    if (path === undefined) continue;
    try {
      return await probe(path);
    } catch (error) {
      cause = error;
    }
  }
  throw new AppError("unavailable", "ffmpeg was not found, which video files and H.264/H.265 cameras need", {
    cause,
    hint: `install it (${INSTALL[process.platform] ?? "see ffmpeg.org"}), or set FFMPEG_PATH to the program`,
    failure: "no-ffmpeg",
  });
}

const INSTALL: Partial<Record<NodeJS.Platform, string>> = {
  linux: "Debian and Ubuntu: apt install ffmpeg; Fedora: dnf install ffmpeg-free; Alpine: apk add ffmpeg",
  darwin: "brew install ffmpeg",
  win32: "winget install ffmpeg",
};

/** Where the optional package put its program; it is often absent, since its install script downloads it. */
async function packagePath(): Promise<string | undefined> {
  try {
    const name = "ffmpeg-static"; // not a literal, so that the bundler does not want it
    const { default: path } = (await import(name)) as { default: string | null };
    return typeof path === "string" && existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/** Runs `-version`. Rejects when the program is not there, is no ffmpeg, or hangs. */
async function probe(path: string): Promise<Ffmpeg> {
  await using child = Bun.spawn([path, "-hide_banner", "-version"], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  const text = await within(new Response(child.stdout).text(), PROBE_TIMEOUT_MS, path);
  const version = /^ffmpeg version (\S+)/m.exec(text)?.[1];
  if (version === undefined) throw new AppError("unavailable", `${path} is not an ffmpeg`);
  const [major = 99, minor = 0] = (/^n?(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number);
  const isNew = major > 5 || (major === 5 && minor >= 1);
  return { path, version, keepTimes: isNew ? ["-fps_mode", "passthrough"] : ["-vsync", "passthrough"] };
}
