import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { Progress } from "../../shared/base/progress.ts";
import { countText } from "../../shared/base/text.ts";
import { readDataset } from "../../shared/dataset/read.ts";
import { openModel } from "../../shared/detect/model.ts";
import type { Evaluation } from "../../shared/metrics/evaluation.ts";
import { evaluateModel } from "../evaluate-model.ts";
import { evaluationTable } from "../evaluation-table.ts";
import { choiceFlag } from "../flags.ts";
import { MODEL_FLAGS, modelBytes } from "../model-flag.ts";
import { writeReport } from "../report/write-report.ts";
import { COMMON_FLAGS, type Command, isSet, neededText, textOf } from "../shell.ts";

export const command: Command = {
  definition: {
    meta: { name: "eval", description: "Score a model on labelled pictures, in the field's own figures." },
    args: {
      ...MODEL_FLAGS,
      data: { type: "string", required: true, valueHint: "DATASET", description: "The labelled pictures." },
      split: { type: "string", valueHint: "train|val|test", description: "Which part of them (test)." },
      device: { type: "string", valueHint: "auto|cpu|gpu", description: "What computes (auto)." },
      strict: { type: "boolean", description: "A defect of the data set is an error." },
      report: {
        type: "string",
        valueHint: "DIR",
        description: "Write a page here: curves, confusions, the worst mistakes as pictures.",
      },
      json: { type: "boolean", description: "The figures as one JSON object." },
      ...COMMON_FLAGS,
    },
  },
  async run(flags, context) {
    const split = choiceFlag("split", textOf(flags, "split") ?? "test", ["train", "val", "test"]);
    const device = choiceFlag("device", textOf(flags, "device") ?? "auto", ["auto", "cpu", "gpu"]);
    const threads = availableParallelism();
    await using model = await openModel(await modelBytes(flags, context), { device, threads }, context.log);
    const dataset = await readDataset(neededText(flags, "data"), {
      strict: isSet(flags, "strict"),
      log: context.log,
    });
    const folder = textOf(flags, "report");
    if (folder !== undefined) await mkdir(folder, { recursive: true }); // where it cannot be, that is said now
    using progress = new Progress();
    const evaluated = await evaluateModel(model, dataset, split, progress, context);
    const { result, difficult, imagesPerSecond } = evaluated;
    progress[Symbol.dispose]();
    const how = { imagesPerSecond, engine: model.engineName, format: model.info.format };
    if (isSet(flags, "json")) context.print(JSON.stringify({ ...rounded(result), difficult, ...how }));
    else {
      for (const line of evaluationTable(result, how)) context.print(line);
      if (difficult > 0) context.print(`left out: ${countText(difficult, "object")} marked as difficult`);
    }
    if (folder === undefined) return;
    const report = { model: model.info, dataset, split, evaluated, engine: model.engineName };
    context.log.info("report written", { page: await writeReport(folder, report, context.signal) });
  },
};

/** Six digits are more than any data set supports. */
function rounded(result: Evaluation): Record<string, unknown> {
  return JSON.parse(
    JSON.stringify(result, (_, value: unknown) =>
      typeof value === "number" && !Number.isInteger(value) ? Number(value.toFixed(6)) : value,
    ),
  ) as Record<string, unknown>;
}
