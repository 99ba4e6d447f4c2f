/**
 * Puts the native files of sharp and onnxruntime, and an ffmpeg if one is given, into the executable, for the target's
 * platform only. The libraries' own loaders, which look for files in node_modules, give way to
 * `shared/native/addon.ts`.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { AppError } from "../../shared/base/errors.ts";
import type { Target } from "./target.ts";

interface FileToEmbed {
  readonly path: string;
  readonly name: string;
  readonly isProgram?: boolean;
}

export interface NativeFilesOptions {
  /** The repository's root. */
  readonly root: string;
  readonly target: Target;
  /** An ffmpeg for the target's platform. */
  readonly ffmpeg?: string | undefined;
}

/** @throws {AppError} `unavailable` when a library for the target is not installed; `usage` for a missing ffmpeg */
export function nativeFiles({ root, target, ffmpeg }: NativeFilesOptions): Bun.BunPlugin {
  const packages = join(root, "node_modules");
  const sets: Record<string, FileToEmbed[]> = {
    sharp: sharpFiles(packages, target),
    onnxruntime: onnxruntimeFiles(packages, target),
    ffmpeg: ffmpeg === undefined ? [] : [ffmpegFile(ffmpeg, target)],
  };
  const standIn = (name: string) =>
    `module.exports = require(${JSON.stringify(join(root, "shared/native", name))}).default;`;
  return {
    name: "native-files",
    setup(build) {
      build.onResolve({ filter: /^embedded:/ }, ({ path }) => ({
        path: path.slice("embedded:".length),
        namespace: "embedded",
      }));
      build.onLoad({ filter: /.*/, namespace: "embedded" }, ({ path }) => ({
        loader: "js",
        contents: embeddedModule(path, sets[path] ?? []),
      }));
      // sharp's ES modules load through `createRequire`, which no bundler follows; its CommonJS ones do not.
      build.onResolve({ filter: /^sharp$/ }, () => ({ path: join(packages, "sharp/dist/index.cjs") }));
      build.onLoad({ filter: /[\\/]sharp[\\/]dist[\\/]sharp\.cjs$/ }, () => ({
        loader: "js",
        contents: standIn("sharp-addon.ts"),
      }));
      build.onLoad({ filter: /[\\/]onnxruntime-node[\\/]dist[\\/]binding\.js$/ }, ({ path }) => ({
        loader: "js",
        contents: withoutOwnLoader(readFileSync(path, "utf8"), standIn("onnxruntime-addon.ts")),
      }));
    },
  };
}

/** Source of a module that holds an `EmbeddedSet` (shared/native/store.ts). */
function embeddedModule(name: string, files: readonly FileToEmbed[]): string {
  const hash = createHash("sha256");
  for (const file of files) hash.update(`${file.name}\0`).update(readFileSync(file.path));
  const imports = files.map(
    ({ path }, i) => `import file${i} from ${JSON.stringify(path)} with { type: "file" };`,
  );
  const entries = files.map(
    ({ name, isProgram = false }, i) =>
      `{ source: file${i}, name: ${JSON.stringify(name)}, isProgram: ${isProgram} }`,
  );
  const key = `${name}-${hash.digest("hex").slice(0, 16)}`;
  return `${imports.join("\n")}\nexport default { key: "${key}", files: [${entries.join(", ")}] };`;
}

/** onnxruntime's binding.js with the `require` of its addon replaced. */
function withoutOwnLoader(source: string, replacement: string): string {
  const own = /require\(`\.\.\/bin\/napi-v\d+\/[^`]*`\)/;
  if (!own.test(source)) {
    throw new AppError("bug", "onnxruntime-node loads its addon in a new way: see withoutOwnLoader");
  }
  return source.replace(own, replacement.replace("module.exports = ", "").replace(/;$/, ""));
}

function sharpFiles(packages: string, { os, cpu, isMusl }: Target): FileToEmbed[] {
  const platform = `${os}${isMusl ? "musl" : ""}-${cpu}`;
  const libraries = filesOf(join(packages, `@img/sharp-libvips-${platform}/lib`), /^libvips.*\.(so|dylib)/);
  const addon = filesOf(join(packages, `@img/sharp-${platform}/lib`), /\.(node|dll)$/);
  if (addon.length === 0) {
    throw new AppError("unavailable", `sharp for ${platform} is not installed`, {
      hint: `npm install --no-save --force ${sharpPackages(packages, platform).join(" ")}`,
    });
  }
  return [...libraries, ...addon];
}

/** What sharp needs for a platform, with versions: npm leaves other platforms' packages out by itself. */
function sharpPackages(packages: string, platform: string): string[] {
  const { optionalDependencies } = JSON.parse(readFileSync(join(packages, "sharp/package.json"), "utf8"));
  return [`@img/sharp-${platform}`, `@img/sharp-libvips-${platform}`]
    .filter((name) => Object.hasOwn(optionalDependencies, name))
    .map((name) => `${name}@${optionalDependencies[name]}`);
}

/** There is no onnxruntime for musl on npm: the set is empty then, and loading it says so. */
function onnxruntimeFiles(packages: string, { os, cpu, isMusl }: Target): FileToEmbed[] {
  if (isMusl) return [];
  const versions = join(packages, "onnxruntime-node/bin");
  const version = existsSync(versions) ? readdirSync(versions).at(-1) : undefined;
  // macOS has its library twice, under a long and a short name; the addon asks for the short one.
  const wanted = /\.so(\.\d+)?$|^libonnxruntime\.\d+\.dylib$|\.dll$|\.node$/;
  return version === undefined ? [] : filesOf(join(versions, version, os, cpu), wanted);
}

function ffmpegFile(path: string, { os }: Target): FileToEmbed {
  if (!existsSync(path)) throw new AppError("usage", `--with-ffmpeg: there is no file ${path}`);
  return { path, name: os === "win32" ? "ffmpeg.exe" : "ffmpeg", isProgram: true };
}

function filesOf(folder: string, wanted: RegExp): FileToEmbed[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => wanted.test(name));
  return names.sort().map((name) => ({ path: join(folder, name), name: basename(name) }));
}
