import { AppError } from "../base/errors.ts";

type Sharp = typeof import("sharp")["default"];

let opening: Promise<Sharp> | undefined;

/**
 * The sharp library (libvips), loaded on first use: a command that touches no picture never pays for it.
 *
 * One libvips thread a picture, because Vigía decodes many pictures at once on its own threads; and no operation
 * cache, because no picture is ever asked for twice.
 *
 * @throws {AppError} `unavailable` when the library cannot be loaded on this machine
 */
export function openSharp(): Promise<Sharp> {
  opening ??= load();
  return opening;
}

async function load(): Promise<Sharp> {
  try {
    const { default: sharp } = await import("sharp");
    sharp.concurrency(1);
    sharp.cache(false);
    return sharp;
  } catch (cause) {
    opening = undefined;
    throw new AppError("unavailable", "the picture library (sharp) cannot be loaded", {
      cause,
      hint: "run `vigia doctor`; on Linux it needs libstdc++ (Debian: apt install libstdc++6, Alpine: apk add libstdc++)",
    });
  }
}
