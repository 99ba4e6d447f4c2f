import { finite, oneOf, text, u32 } from "../codec.ts";
import { defineMessage } from "../message.ts";
import { jsonObject, name, words } from "./parts.ts";

/**
 * Watcher <-> tester: what counts as near at a camera, as it stands in the tester's rules file. Tags 0x90 to 0x9f. Who
 * gets rules checks them with the code that reads the file (`shared/detect/near`).
 */

/** One camera's rules: 64 zones of 64 corners take about 150 KB. */
const RULES_BYTES_MAX = 512 * 1024;
const rules = jsonObject(RULES_BYTES_MAX);
/** Changes whenever the camera's own rules do. */
const revision = text(64);

export const RulesRequest = defineMessage(0x90, "RulesRequest", { requestId: u32, camera: name });
export const RulesReply = defineMessage(0x91, "RulesReply", {
  requestId: u32,
  revision,
  own: rules,
  /** For every camera; what `own` says replaces it, field by field. */
  all: rules,
  /** Where neither says it: least height of a thing, in percent of the picture's. */
  minHeightPercent: finite,
  /** Why the rules cannot be read or changed here; empty where they can. */
  problem: words,
});

/** Puts a camera's own rules in place of those of `revision`, in the file and in force. */
export const SaveRules = defineMessage(0x92, "SaveRules", { requestId: u32, camera: name, revision, rules });
export const RulesSaved = defineMessage(0x93, "RulesSaved", {
  requestId: u32,
  /** `outdated`: somebody else has changed them since; `refused`: they have a mistake, or cannot be written. */
  outcome: oneOf("saved", "outdated", "refused"),
  /** Why they were refused: in words, and what is expected there. */
  reason: words,
  /** Of what is in the file now. */
  revision,
});
