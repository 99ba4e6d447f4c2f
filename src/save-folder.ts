import { randomUUID } from "node:crypto";
import { rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError } from "../shared/base/errors.ts";

/** Throws `usage` where no model can be saved at `path`: before any work is done for it. */
export async function checkSavePath(path: string): Promise<void> {
  if ((await stat(path).catch(() => undefined))?.isDirectory() === true) {
    throw new AppError("usage", `--out ${path} is a folder`, {
      hint: `name a file: ${join(path, "model.onnx")}`,
    });
  }
  const folder = dirname(path);
  if ((await stat(folder).catch(() => undefined))?.isDirectory() !== true) {
    throw new AppError("usage", `there is no folder ${folder} to save the model in`, {
      hint: `make it first (mkdir ${folder}), or name another --out`,
    });
  }
  // Tried, not asked: what a folder's rights say is not all that may forbid it.
  const probe = join(folder, `.vigia-${randomUUID()}`);
  try {
    await writeFile(probe, "");
  } catch (cause) {
    throw new AppError("usage", `no model can be saved in ${folder}`, { cause, hint: "name another --out" });
  } finally {
    await rm(probe, { force: true }).catch(() => {});
  }
}
