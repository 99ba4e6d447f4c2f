import type { ArgsDef } from "citty";
import type { RetentionRules } from "../shared/store/retention.ts";
import { numberFlag } from "./flags.ts";
import { type Flags, textOf } from "./shell.ts";

/** A month: the most that Spain's data protection law (LOPDGDD, article 22) lets surveillance pictures be kept. */
const DAYS = 30;
const GIGABYTES = 20;

/** How long, and how much, a log keeps: flags of whatever writes one. */
export const KEEP_FLAGS = {
  "keep-days": {
    type: "string",
    valueHint: "N",
    description: `Sightings older than this are removed with their photos (${DAYS}; 0: never).`,
  },
  "keep-gb": {
    type: "string",
    valueHint: "N",
    description: `When photos take more gigabytes than this, the oldest sightings are removed (${GIGABYTES}; 0: never).`,
  },
} as const satisfies ArgsDef;

/** The limits that the flags name. Throws `usage`. */
export function keepRules(flags: Flags): RetentionRules {
  const days = numberFlag("keep-days", textOf(flags, "keep-days"), 0, 36_500) ?? DAYS;
  const gigabytes = numberFlag("keep-gb", textOf(flags, "keep-gb"), 0, 1e6) ?? GIGABYTES;
  return {
    keepMs: days === 0 ? undefined : days * 86_400_000,
    keepBytes: gigabytes === 0 ? undefined : gigabytes * 1e9,
  };
}
