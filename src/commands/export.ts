import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { AppError } from "../../shared/base/errors.ts";
import { exportTfjs } from "../../shared/nn/export/tfjs.ts";
import { decodeForInference, readModelBytes } from "../../shared/nn/model-file.ts";
import { choiceFlag } from "../flags.ts";
import { COMMON_FLAGS, type Command, isSet, neededText, textOf } from "../shell.ts";

export const command: Command = {
  definition: {
    meta: { name: "export", description: "Write a model in the form of another program." },
    args: {
      model: { type: "positional", required: true, description: "The model that was trained." },
      format: { type: "string", valueHint: "tfjs", description: "tfjs: for web pages (tfjs)." },
      out: { type: "string", required: true, valueHint: "DIR", description: "Where the files go." },
      json: { type: "boolean", description: "The result as one JSON object." },
      ...COMMON_FLAGS,
    },
  },
  async run(flags, context) {
    choiceFlag("format", textOf(flags, "format") ?? "tfjs", ["tfjs"]);
    const folder = resolve(neededText(flags, "out"));
    const files = exportTfjs(decodeForInference(await readModelBytes(neededText(flags, "model"))));
    try {
      await mkdir(folder, { recursive: true });
      for (const { name, content } of files) await writeFile(join(folder, name), content);
    } catch (cause) {
      throw new AppError("data-loss", `cannot write the model to ${folder}`, {
        cause,
        hint: "check that it is a folder that may be written to, and that the disk has room",
      });
    }
    const names = files.map(({ name }) => name);
    context.print(
      isSet(flags, "json") ? JSON.stringify({ folder, files: names }) : `${folder}: ${names.join(", ")}`,
    );
  },
};
