import { AppError } from "../../shared/base/errors.ts";

/** The platform an executable is for. Names are those of npm's `os`, `cpu` and `libc` fields. */
export interface Target {
  readonly os: "linux" | "darwin" | "win32";
  readonly cpu: "x64" | "arm64";
  readonly isMusl: boolean;
  /** Bun's name of it. */
  readonly bunTarget: Bun.Build.CompileTarget;
}

const FORM = /^bun-(linux|darwin|windows)-(x64|arm64)(-baseline|-modern)?(-musl)?$/;

/**
 * Reads `bun-linux-x64`, `bun-linux-arm64-musl`, `bun-windows-x64`, `bun-darwin-arm64`, ...; without a name, the
 * platform that the build runs on.
 *
 * @throws {AppError} `usage` for any other name
 */
export function parseTarget(name = ownTarget()): Target {
  const found = FORM.exec(name);
  if (found === null) {
    throw new AppError("usage", `there is no target ${name}`, {
      hint: "for example bun-linux-x64, bun-linux-arm64, bun-darwin-arm64, bun-windows-x64",
    });
  }
  const [, os, cpu, , musl] = found;
  return {
    os: os === "windows" ? "win32" : (os as "linux" | "darwin"),
    cpu: cpu as "x64" | "arm64",
    isMusl: musl !== undefined,
    bunTarget: name as Bun.Build.CompileTarget,
  };
}

function ownTarget(): string {
  const os = process.platform === "win32" ? "windows" : process.platform;
  const isMusl = process.platform === "linux" && Bun.file(`/lib/ld-musl-${muslCpu()}.so.1`).size > 0;
  return `bun-${os}-${process.arch}${isMusl ? "-musl" : ""}`;
}

function muslCpu(): string {
  return process.arch === "arm64" ? "aarch64" : "x86_64";
}
