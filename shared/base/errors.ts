import type { Failure, FailureKind, ToldFailure } from "./failure.ts";

/**
 * What went wrong, in a word that decides what happens next:
 * `usage` the command was wrong (exit 2); `input` a file or a data set is bad; `unavailable` a peer, a port or a
 * tool is not there (worth trying again); `refused` a peer said no (trying again will not help); `protocol` a peer
 * broke the rules; `data-loss` something could not be saved; `cancelled` somebody asked to stop; `bug` ours.
 */
export type ErrorKind =
  | "usage"
  | "input"
  | "unavailable"
  | "refused"
  | "protocol"
  | "data-loss"
  | "cancelled"
  | "bug";

interface More {
  /** What to do next. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
  /** What pages put in their reader's language. */
  readonly failure?: FailureKind | undefined;
  readonly about?: string | number | undefined;
}

/** An error a user may read. `kind` decides retry and exit status; `hint` says what to do next. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly kind: ErrorKind;
  readonly hint: string | undefined;
  readonly failure: Failure | undefined;

  constructor(kind: ErrorKind, message: string, { hint, cause, failure, about = "" }: More = {}) {
    super(message, { cause });
    this.kind = kind;
    this.hint = hint;
    this.failure = failure && { kind: failure, about: String(about) };
  }
}

/** The kind of any thrown value; what is not ours is a bug until somebody wraps it. */
export function errorKind(error: unknown): ErrorKind {
  if (error instanceof AppError) return error.kind;
  if (error instanceof Error && error.name === "AbortError") return "cancelled";
  return "bug";
}

/** Causes that are told; a chain may be a circle. */
const CAUSES_MAX = 6;

/** One line that says what failed and why: the message, then each cause. No stack. */
export function errorLine(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error, depth = 0; at !== undefined && depth < CAUSES_MAX; depth++) {
    const text = at instanceof Error ? at.message : String(at);
    if (text !== "" && !parts.some((part) => part.includes(text))) parts.push(text);
    at = at instanceof Error ? at.cause : undefined;
  }
  return parts.join(": ").replace(/\s*\n\s*/g, " ");
}

/** What to do about what the system says of a file or a folder that nobody had foreseen. */
const FILE_HINTS: readonly (readonly [codes: RegExp, hint: string])[] = [
  [/^(ENOSPC|EDQUOT)$/, "make room on that disk, or name another folder"],
  [/^(EROFS|EACCES|EPERM)$/, "this user may not do that there: name another place, or change its rights"],
  [/^(ENOENT|ENOTDIR|EISDIR|EEXIST|ENAMETOOLONG|ELOOP)$/, "see that the path is right"],
  [/^(EMFILE|ENFILE)$/, "too many files are open: raise the limit (ulimit -n)"],
  [/^EIO$/, "the disk does not work as it should: save what is on it"],
];

/** An error of the file system as one of ours, with its path; others stay as they are. */
function toldPath(error: unknown): unknown {
  if (error instanceof AppError || fileHint(error) === undefined) return error;
  return new AppError("input", `${(error as NodeJS.ErrnoException).path} cannot be used`, { cause: error });
}

function fileHint(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code = "", path } = error as NodeJS.ErrnoException;
  return path === undefined ? undefined : FILE_HINTS.find(([codes]) => codes.test(code))?.[1];
}

/** The whole report for a person: what failed, what caused it, what to do next; one to a line. */
export function errorReport(thrown: unknown): string {
  const error = toldPath(thrown);
  const lines: string[] = [];
  let hint = error instanceof AppError ? error.hint : undefined;
  for (let at: unknown = error, depth = 0; at !== undefined && depth < CAUSES_MAX; depth++) {
    const text = at instanceof Error ? at.message : String(at);
    lines.push(depth === 0 ? text : `  caused by: ${text}`);
    hint ??= fileHint(at);
    at = at instanceof Error ? at.cause : undefined;
  }
  if (hint !== undefined) lines.push(`  hint: ${hint}`);
  else if (errorKind(error) === "bug" && error instanceof Error && error.stack !== undefined) {
    lines.push(error.stack.split("\n").slice(1, 6).join("\n"));
  }
  return lines.join("\n");
}

/** Codes of the system and of SQLite, of whatever is written. */
const FAILURE_CODES: readonly (readonly [codes: RegExp, kind: FailureKind])[] = [
  [/^(ENOSPC|EDQUOT|SQLITE_FULL)$/, "disk-full"],
  [/^(EACCES|EPERM|EROFS|SQLITE_READONLY.*|SQLITE_PERM|SQLITE_CANTOPEN.*)$/, "not-permitted"],
];
const TOLD_LETTERS_MAX = 4000;
const ABOUT_LETTERS_MAX = 64;

/** An error as pages are told of it: by what it or a cause of it says that it is. */
export function toldFailure(error: unknown): ToldFailure {
  const hint = error instanceof AppError && error.hint !== undefined ? `; ${error.hint}` : "";
  const text = (errorLine(error) + hint).slice(0, TOLD_LETTERS_MAX);
  for (let at = error, depth = 0; at instanceof Error && depth < CAUSES_MAX; at = at.cause, depth++) {
    if (at instanceof AppError && at.failure !== undefined) {
      return { kind: at.failure.kind, about: at.failure.about.slice(0, ABOUT_LETTERS_MAX), text };
    }
    const code = "code" in at ? String(at.code) : "";
    const kind = FAILURE_CODES.find(([codes]) => codes.test(code))?.[1];
    if (kind !== undefined) return { kind, about: "", text };
  }
  return { kind: "other", about: "", text };
}
