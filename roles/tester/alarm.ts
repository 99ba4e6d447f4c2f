import { errorLine } from "../../shared/base/errors.ts";
import type { TesterStatusMessage } from "../../shared/wire/messages/sightings.ts";

/** What watchers are told while sightings cannot be saved. */
export type Alarm = NonNullable<TesterStatusMessage["alarm"]>;

const KINDS: readonly (readonly [codes: RegExp, kind: Alarm["kind"]])[] = [
  [/^(ENOSPC|EDQUOT|SQLITE_FULL)$/, "disk-full"],
  [/^(EACCES|EPERM|EROFS|SQLITE_READONLY.*|SQLITE_PERM|SQLITE_CANTOPEN.*)$/, "not-permitted"],
];

/** Says by the codes of an error and its causes what keeps the log from being written. */
export function alarmOf(error: unknown): Alarm {
  const text = errorLine(error).slice(0, 1000);
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = "code" in at ? String(at.code) : "";
    const kind = KINDS.find(([codes]) => codes.test(code))?.[1];
    if (kind !== undefined) return { kind, text };
  }
  return { kind: "other", text };
}
