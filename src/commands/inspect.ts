import { AppError } from "../../shared/base/errors.ts";
import { silentLog } from "../../shared/base/log.ts";
import { Progress } from "../../shared/base/progress.ts";
import { countText } from "../../shared/base/text.ts";
import { readDataset } from "../../shared/dataset/read.ts";
import type { Dataset } from "../../shared/dataset/types.ts";
import { type Inspection, inspectDataset } from "../inspect/inspection.ts";
import { inspectionLines } from "../inspect/table.ts";
import { COMMON_FLAGS, type Command, isSet, neededText } from "../shell.ts";

export const command: Command = {
  definition: {
    meta: {
      name: "inspect",
      description: "Look at a data set before training: classes, sizes, copies, defects.",
    },
    args: {
      dataset: {
        type: "positional",
        required: true,
        description: "The folder of labelled pictures: Pascal VOC, or a folder for each class.",
      },
      strict: { type: "boolean", description: "End with an error when there is a problem or a defect." },
      json: { type: "boolean", description: "Everything as one JSON object." },
      ...COMMON_FLAGS,
    },
  },
  async run(flags, { signal, log, print }) {
    const root = neededText(flags, "dataset");
    // What reading has to say is in the inspection, in full; where nothing can be read, it is said on the way.
    const dataset = await readDataset(root, { log: silentLog, signal }).catch(() =>
      readDataset(root, { log, signal }),
    );
    const inspection = await inspect(dataset, signal);
    if (isSet(flags, "json")) print(JSON.stringify(inspection, rounded));
    else for (const line of inspectionLines(inspection)) print(line);
    if (isSet(flags, "strict")) refuseDefects(inspection);
  },
};

async function inspect(dataset: Dataset, signal: AbortSignal): Promise<Inspection> {
  using progress = new Progress();
  return await inspectDataset(dataset, {
    signal,
    onPicture: (share) => progress.show({ stage: "looking at pictures", share }),
  });
}

function refuseDefects({ defects, findings }: Inspection): void {
  const problems = findings.filter(({ level }) => level === "problem").length;
  if (problems + defects.length === 0) return;
  throw new AppError(
    "input",
    `the data set has ${countText(problems, "problem")} and ${countText(defects.length, "defect")}`,
    { hint: "they are listed above; without --strict they are no error" },
  );
}

/** Four digits are enough for shares, and more than enough for pixels. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toFixed(4)) : value;
}
