import { AppError } from "../../shared/base/errors.ts";
import { countText } from "../../shared/base/text.ts";
import type { CameraRules } from "../../shared/detect/near/rules.ts";
import { readRulesFile } from "../../shared/detect/near/rules-file.ts";
import { COMMON_FLAGS, type Command, textOf } from "../shell.ts";

export const command: Command = {
  definition: {
    meta: { name: "rules", description: "Check a file of near rules, and say what it asks for." },
    args: {
      file: { type: "positional", required: true, description: "The rules." },
      ...COMMON_FLAGS,
    },
  },
  run(flags, { print }) {
    const file = textOf(flags, "file");
    if (file === undefined)
      throw new AppError("usage", "no file was given", { hint: "vigia rules rules.json" });
    const { all, cameras } = readRulesFile(file);
    print(`all cameras: ${wordsOf(all)}`);
    for (const [camera, rules] of Object.entries(cameras)) print(`${camera}: ${wordsOf(rules)}`);
    return Promise.resolve();
  },
};

function wordsOf({ heightMin, zones, lines, distance, masks, thresholds = {} }: CameraRules): string {
  const scores = Object.entries(thresholds).map(([name, score]) => `${name} from ${score}`);
  const parts = [
    heightMin === undefined ? "" : `at least ${Math.round(1000 * heightMin) / 10}% high`,
    zones === undefined ? "" : `in ${zones.map(({ name }) => name).join(" or ")}`,
    lines === undefined ? "" : `across ${lines.map(({ name }) => name).join(" or ")}`,
    distance === undefined ? "" : `within ${distance.nearMeters} m`,
    masks === undefined ? "" : `not in ${countText(masks.length, "mask")}`,
    ...scores,
  ].filter((part) => part !== "");
  return parts.length === 0 ? "nothing special" : parts.join(", ");
}
