import { AppError } from "../../shared/base/errors.ts";
import { writtenFor } from "../../shared/detect/near/written-rules.ts";
import type { TesterFeed } from "./tester-feed.ts";
import type { RulesSavedView, RulesView } from "./view.ts";

/** What the page reads and writes of a camera's rules. */

/** Throws `unavailable` when the tester does not answer, `usage` when its answer is none. */
export async function readRules(feed: TesterFeed, camera: string): Promise<RulesView> {
  const { revision, minHeightPercent, problem, ...rules } = await feed.rules(camera);
  const { own, all } = writtenFor(
    JSON.stringify({ all: rules.all, cameras: { [camera]: rules.own } }),
    camera,
    "the tester's rules",
  );
  return { revision, own, all, minHeightPercent, problem, classes: feed.status?.classes ?? [] };
}

/** @param body `{ revision, rules }` as the page sends it; the tester checks the rules */
export async function saveRules(feed: TesterFeed, camera: string, body: unknown): Promise<RulesSavedView> {
  const { revision, rules } = (body ?? {}) as Record<string, unknown>;
  if (typeof revision !== "string" || typeof rules !== "object" || rules === null || Array.isArray(rules))
    throw new AppError("usage", "rules are saved as { revision, rules }");
  const wanted = { camera, revision, rules: rules as Record<string, unknown> };
  const { outcome, reason, revision: now } = await feed.saveRules(wanted);
  return { outcome, reason, revision: now };
}
