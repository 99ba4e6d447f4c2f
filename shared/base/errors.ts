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

/** An error a user may read. `kind` decides retry and exit status; `hint` says what to do next. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly kind: ErrorKind;
  readonly hint: string | undefined;

  constructor(kind: ErrorKind, message: string, more: { hint?: string | undefined; cause?: unknown } = {}) {
    super(message, { cause: more.cause });
    this.kind = kind;
    this.hint = more.hint;
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

/** The whole report for a person: what failed, what caused it, what to do next; one to a line. */
export function errorReport(error: unknown): string {
  const lines: string[] = [];
  for (let at: unknown = error, depth = 0; at !== undefined && depth < CAUSES_MAX; depth++) {
    const text = at instanceof Error ? at.message : String(at);
    lines.push(depth === 0 ? text : `  caused by: ${text}`);
    at = at instanceof Error ? at.cause : undefined;
  }
  if (error instanceof AppError && error.hint !== undefined) lines.push(`  hint: ${error.hint}`);
  if (errorKind(error) === "bug" && error instanceof Error && error.stack !== undefined) {
    lines.push(error.stack.split("\n").slice(1, 6).join("\n"));
  }
  return lines.join("\n");
}
