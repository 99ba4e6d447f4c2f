import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { silentLog } from "../../../shared/base/log.ts";
import { readDataset } from "../../../shared/dataset/read.ts";
import { appErrorOf } from "../../support/app-error.ts";
import { tempFolder } from "../../support/temp.ts";
import { type Files, greyJpeg, objectXml, read, vocXml, writeFiles } from "./voc-files.ts";

const jpeg = await greyJpeg(100, 80);
const carXml = vocXml(objectXml("car", [10, 10, 50, 40]));

describe("a data set that nothing can be learnt from is refused with what to do", () => {
  test.each<[string, Files, string]>([
    ["nothing at all", { "readme.txt": "hello" }, "has no pictures"],
    ["pictures without labels", { "a.jpg": jpeg }, "no picture of it has labels"],
    [
      "pictures in one folder, without labels",
      { "a.jpg": jpeg, "images/b.jpg": jpeg },
      "no picture of it has labels",
    ],
    ["only broken files", { "a.jpg": "x", "a.xml": carXml }, "can be read"],
    ["pictures without boxes", { "a.jpg": jpeg, "a.xml": vocXml("") }, "no picture has a box"],
    [
      "boxes of no size only",
      { "a.jpg": jpeg, "a.xml": vocXml(objectXml("car", [5, 5, 5, 5])) },
      "no picture has a box",
    ],
  ])("%s", async (_, files, why) => {
    const error = await appErrorOf(read(files));
    expect(error.kind).toBe("input");
    expect(error.message).toContain(why);
    expect(error.hint).toBeDefined();
  });

  test("no folder, or an archive", async () => {
    const missing = await appErrorOf(readDataset("/nowhere/at/all", { log: silentLog }));
    expect(missing.message).toContain("/nowhere/at/all");
    using folder = tempFolder();
    writeFiles(folder.path, { "set.zip": "PK" });
    const archive = await appErrorOf(readDataset(join(folder.path, "set.zip"), { log: silentLog }));
    expect(archive.hint).toContain("unpack");
  });
});
