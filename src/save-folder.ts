import { stat } from "node:fs/promises";
import { AppError } from "../shared/base/errors.ts";

/** Throws `usage` when the folder that a model is to be saved in is not there: before any work is done for it. */
export async function checkFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory() !== true) {
    throw new AppError("usage", `there is no folder ${folder} to save the model in`);
  }
}
