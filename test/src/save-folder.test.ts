import { expect, test } from "bun:test";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { checkSavePath } from "../../src/save-folder.ts";
import { appErrorOf } from "../support/app-error.ts";
import { tempFolder } from "../support/temp.ts";

test("where a model can be saved, nothing is left behind", async () => {
  using folder = tempFolder();
  await checkSavePath(join(folder.path, "model.onnx"));
  expect(readdirSync(folder.path)).toEqual([]);
});

test("a folder in place of a file is refused before hours of training, with a name that would do", async () => {
  using folder = tempFolder();
  const models = join(folder.path, "models");
  mkdirSync(models);
  const error = await appErrorOf(checkSavePath(models));
  expect(error).toMatchObject({ kind: "usage", message: `--out ${models} is a folder` });
  expect(error.hint).toContain(join(models, "model.onnx"));
});

test("a folder that is not there is refused", async () => {
  using folder = tempFolder();
  const error = await appErrorOf(checkSavePath(join(folder.path, "nowhere", "model.onnx")));
  expect(error).toMatchObject({ kind: "usage", message: expect.stringContaining("there is no folder") });
});

test.skipIf(process.platform !== "linux")("a folder that takes no files is refused", async () => {
  const error = await appErrorOf(checkSavePath("/proc/model.onnx"));
  expect(error).toMatchObject({ kind: "usage", message: "no model can be saved in /proc" });
});
