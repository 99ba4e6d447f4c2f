import { dirname, join, relative, sep } from "node:path";
import type { Target } from "./target.ts";

/** Every thread of the program: each is an entry point of its own in the executable. */
export async function threadFiles(root: string): Promise<string[]> {
  const glob = new Bun.Glob("{src,roles,shared}/**/*.thread.ts");
  const found = await Array.fromAsync(glob.scan({ cwd: root }));
  return found.sort().map((path) => join(root, path));
}

/** A thread's URL as the source writes it. */
export const THREAD_URL = /new URL\(\s*"(\.[^"]*\.thread\.ts)",\s*import\.meta\.url,?\s*\)/g;

/**
 * Makes `new Worker(new URL(..., import.meta.url))` mean the same in the executable as in the source.
 * Bundling moves a module into a chunk elsewhere, so that `import.meta.url` no longer leads to its neighbours; the
 * URL is written out here instead, by the place of the thread's file below the root.
 */
export function threadUrls(root: string, { os }: Target): Bun.BunPlugin {
  const bundle = os === "win32" ? "file:///B:/~BUN/root/" : "file:///$bunfs/root/";
  return {
    name: "thread-urls",
    setup(build) {
      build.onLoad({ filter: /[\\/](src|roles|shared)[\\/].*\.ts$/ }, async ({ path }) => {
        if (path.includes(`${sep}node_modules${sep}`)) return undefined;
        const source = await Bun.file(path).text();
        const contents = source.replace(THREAD_URL, (_, thread: string) => {
          const place = relative(root, join(dirname(path), thread)).replaceAll(sep, "/");
          return `new URL(${JSON.stringify(bundle + place)})`;
        });
        return { loader: "ts", contents };
      });
    },
  };
}
