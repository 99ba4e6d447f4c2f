/**
 * `npm run build`: the whole program as one executable, `dist/vigia`.
 *
 *   npm run build -- [--target bun-linux-arm64] [--outfile FILE] [--with-ffmpeg FILE]
 */
import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { AppError, errorReport } from "../../shared/base/errors.ts";
import { bytesText } from "../../shared/base/text.ts";
import { nativeFiles } from "./native-files.ts";
import { parseTarget } from "./target.ts";
import { threadFiles, threadUrls } from "./threads.ts";

const ROOT = resolve(import.meta.dir, "../..");

export interface BuildOptions {
  /** Bun's name of a platform; this machine's by default. */
  readonly target?: string | undefined;
  readonly outfile: string;
  /** An ffmpeg to put inside, for the target's platform. Its licence then holds for the result too. */
  readonly ffmpeg?: string | undefined;
}

/**
 * Builds the executable and returns its path.
 *
 * Splitting keeps each command's code in a chunk of its own, loaded when the command runs: that is what makes
 * `--help` answer at once. Neither `.env` nor `bunfig.toml` of the user's folder has any effect on the result.
 *
 * @throws {AppError} `usage` for a target that does not exist; `unavailable` when a package for it is not installed
 */
export async function buildExecutable({ target: name, outfile, ffmpeg }: BuildOptions): Promise<string> {
  const target = parseTarget(name);
  mkdirSync(dirname(outfile), { recursive: true });
  const { outputs, success, logs } = await Bun.build({
    throw: false,
    entrypoints: [join(ROOT, "src/main.ts"), ...(await threadFiles(ROOT))],
    root: ROOT,
    target: "bun",
    format: "esm",
    splitting: true,
    minify: true,
    bytecode: true,
    plugins: [nativeFiles({ root: ROOT, target, ffmpeg }), threadUrls(ROOT, target)],
    compile: { target: target.bunTarget, outfile, autoloadDotenv: false, autoloadBunfig: false },
  });
  const [executable] = outputs;
  if (!success || executable === undefined) {
    throw new AppError("input", `the program does not build: ${logs.map(whereAndWhat).join("\n")}`);
  }
  copyFileSync(join(ROOT, "THIRD-PARTY-NOTICES.md"), join(dirname(outfile), "THIRD-PARTY-NOTICES.md"));
  return executable.path;
}

/** A complaint of the bundler, after its place in the source. */
function whereAndWhat({ message, position }: BuildMessage | ResolveMessage): string {
  return position === null ? message : `${position.file}:${position.line}:${position.column}: ${message}`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      target: { type: "string" },
      outfile: { type: "string", default: join(ROOT, "dist/vigia") },
      "with-ffmpeg": { type: "string" },
    },
  });
  const ffmpeg = values["with-ffmpeg"];
  const startedMs = performance.now();
  const path = await buildExecutable({
    target: values.target,
    outfile: resolve(values.outfile),
    ffmpeg: ffmpeg === undefined ? undefined : resolve(ffmpeg),
  });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  process.stdout.write(`${path}  ${bytesText(Bun.file(path).size)}, built in ${seconds} s\n`);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    process.stderr.write(`build: ${errorReport(error)}\n`);
    process.exitCode = error instanceof AppError && error.kind === "usage" ? 2 : 1;
  }
}
