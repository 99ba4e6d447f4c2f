import { existsSync } from "node:fs";
import type { ArgsDef } from "citty";
import { AppError } from "../shared/base/errors.ts";
import { readModelBytes } from "../shared/nn/model-file.ts";
import { ModelClient } from "../shared/training/fetch-model.ts";
import { type CommandContext, type Flags, neededText, textOf } from "./shell.ts";
import { TRAINER_FLAG, trainerDialer } from "./trainer-flag.ts";

/** `--model FILE|NAME`, and where a name is looked up. */
export const MODEL_FLAGS = {
  model: {
    type: "string",
    required: true,
    valueHint: "FILE|NAME",
    description: "A model file, or a model of the trainer's by its name.",
  },
  ...TRAINER_FLAG,
} as const satisfies ArgsDef;

/**
 * A model file, or the name of a model of the trainer's. What looks like a file's name is never looked up elsewhere.
 *
 * @throws {AppError} `usage` for a file that is not there
 */
export function modelChoice(text: string): { readonly file: string } | { readonly name: string } {
  if (existsSync(text)) return { file: text };
  if (/[/\\]|\.onnx$/i.test(text)) {
    throw new AppError("usage", `there is no model file ${text}`, {
      hint: "give the path of a .onnx file that vigia train or vigia submit made",
    });
  }
  return { name: text };
}

/**
 * The file of the model that `--model` names: a file on this machine, or else the trainer's newest of that name.
 */
export async function modelBytes(flags: Flags, context: CommandContext): Promise<Uint8Array> {
  const choice = modelChoice(neededText(flags, "model"));
  if ("file" in choice) return readModelBytes(choice.file);
  const { name } = choice;
  try {
    const dial = await trainerDialer(flags, context);
    await using link = await dial();
    return await new ModelClient(link).fetch(name, 0);
  } catch (error) {
    if (textOf(flags, "trainer") !== undefined) throw error;
    throw new AppError(
      "unavailable",
      `there is no file ${name}, and no trainer to ask for a model of that name`,
      {
        cause: error,
        hint: "give the path of a .onnx file, or the trainer's address with --trainer HOST:PORT",
      },
    );
  }
}
