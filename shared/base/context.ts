import type { Log } from "./log.ts";

/** What the shell hands to every role and command. */
export interface RoleContext {
  /** Aborts when the user or the machine asks to stop; the role then finishes cleanly and its `run` resolves. */
  readonly signal: AbortSignal;
  readonly log: Log;
}
