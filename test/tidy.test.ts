/** The house's order, held by machine: who may import whom, how long a file may be, what a name promises. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { Glob } from "bun";

const root = join(import.meta.dir, "..");
const LINES_MAX = 420;

/** Inside shared, a folder may import those below it; the base imports none. */
const SHARED_ORDER = [
  "base",
  "numeric",
  "wire",
  "native",
  "image",
  "net",
  "media",
  "store",
  "dataset",
  "nn",
  "metrics",
  "detect",
  "learn",
  "rtsp",
  "training",
];

/** Types that cross the order: they are declarations without code. */
const TYPE_ONLY_FILES = /(^|\/)(types|connection|sighting|engine|graph|config|model-file|model-info)\.ts$/;

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly { readonly to: string; readonly typeOnly: boolean }[];
}

function sources(...folders: string[]): SourceFile[] {
  return folders.flatMap((folder) =>
    [...new Glob(`${folder}/**/*.ts`).scanSync({ cwd: root })].map((path) => {
      const text = readFileSync(join(root, path), "utf8");
      const found = text.matchAll(
        /^(?:import|export)\s+(type\s+)?[^;"]*?from\s+"(\.[^"]+)"|import\("(\.[^"]+)"\)/gm,
      );
      const imports = [...found].map((match) => ({
        to: normalize(join(dirname(path), (match[2] ?? match[3])!)),
        typeOnly: match[1] !== undefined,
      }));
      return { path, text, imports };
    }),
  );
}

const program = sources("src", "roles", "shared");
const everything = [...program, ...sources("test")];

describe("imports point down", () => {
  test("shared knows no role and no shell, roles know no shell", () => {
    const upward = program.flatMap(({ path, imports }) =>
      imports.filter(({ to }) => rank(to) > rank(path)).map(({ to }) => `${path} imports ${to}`),
    );
    expect(upward).toEqual([]);
  });

  test("no role imports another", () => {
    const sideways = program
      .filter(({ path }) => path.startsWith("roles/"))
      .flatMap(({ path, imports }) =>
        imports
          .filter(({ to }) => to.startsWith("roles/") && to.split("/")[1] !== path.split("/")[1])
          .map(({ to }) => `${path} imports ${to}`),
      );
    expect(sideways).toEqual([]);
  });

  test("inside shared they point toward base", () => {
    const upward = program
      .filter(({ path }) => path.startsWith("shared/"))
      .flatMap(({ path, imports }) =>
        imports
          .filter(({ to, typeOnly }) => to.startsWith("shared/") && !typeOnly && !TYPE_ONLY_FILES.test(to))
          .filter(({ to }) => sharedRank(to) > sharedRank(path))
          .map(({ to }) => `${path} imports ${to}`),
      );
    expect(upward).toEqual([]);
  });

  test("every folder of shared has its place in the order", () => {
    const folders = new Set(
      program.filter(({ path }) => path.startsWith("shared/")).map(({ path }) => path.split("/")[1]!),
    );
    expect([...folders].filter((folder) => !SHARED_ORDER.includes(folder))).toEqual([]);
  });
});

test("a file holds one idea: none is longer than it should be", () => {
  const long = everything
    .map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }))
    .filter(({ lines }) => lines > LINES_MAX)
    .map(({ path, lines }) => `${path}: ${lines} lines`);
  expect(long).toEqual([]);
});

test("every thread is a *.thread.ts that somebody starts, and only those are started", () => {
  const started = new Set(
    program.flatMap(({ path, text }) =>
      [...text.matchAll(/["'`](\.{1,2}\/[\w./-]*\.thread\.ts)["'`]/g)].map((match) =>
        normalize(join(dirname(path), match[1]!)),
      ),
    ),
  );
  const written = program.map(({ path }) => path).filter((path) => path.endsWith(".thread.ts"));
  expect([...started].sort()).toEqual(written.sort());
});

test("imports name files that exist, with their ending", () => {
  const missing = everything.flatMap(({ path, imports }) =>
    imports.filter(({ to }) => !existsSync(join(root, to))).map(({ to }) => `${path}: ${to}`),
  );
  expect(missing).toEqual([]);
});

test("nothing is left to do in main, and no registry or machine path is written down", () => {
  // Written in pieces, so that this file does not find itself.
  const forbidden = new RegExp(["TO" + "DO", "FIX" + "ME", "registry\\.npm" + "js", "/wo" + "rk/"].join("|"));
  const found = everything
    .filter(({ text }) => forbidden.test(text))
    .map(({ path }) => relative(root, join(root, path)));
  expect(found).toEqual([]);
});

function rank(path: string): number {
  return ["shared", "roles", "src"].indexOf(path.split("/")[0]!);
}

function sharedRank(path: string): number {
  return SHARED_ORDER.indexOf(path.split("/")[1]!);
}
