import { join } from "node:path";
import type { ArgsDef } from "citty";
import { DEFAULT_RULES, type TesterOptions } from "../roles/tester/options.ts";
import { numberFlag } from "./flags.ts";
import { type Flags, textOf } from "./shell.ts";

/** What counts as near: flags of whatever watches. */
export const RULES_FLAGS = {
  near: {
    type: "string",
    valueHint: "PERCENT",
    description: "How high a thing must be to count as near, in percent of the picture (6).",
  },
  rules: {
    type: "string",
    valueHint: "FILE.json",
    description:
      "Zones, lines, masks and thresholds by camera (rules.json in the data folder, where there is one).",
  },
} as const satisfies ArgsDef;

/** What the flags ask for. Throws `usage`. @param dataDir where a rules.json is taken without being named */
export function watchRules(flags: Flags, dataDir: string): Pick<TesterOptions, "rules" | "rulesFile"> {
  const near = numberFlag("near", textOf(flags, "near"), 0, 100);
  const named = textOf(flags, "rules");
  return {
    rules: near === undefined ? DEFAULT_RULES : { ...DEFAULT_RULES, nearHeightShare: near / 100 },
    rulesFile: { path: named ?? join(dataDir, "rules.json"), mayBeAbsent: named === undefined },
  };
}
