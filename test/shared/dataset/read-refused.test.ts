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

  test.each<[string, string, Files]>([
    ["YOLO", "train/labels/a.txt", { "train/labels/a.txt": "0 0.5 0.5 0.2 0.2\n" }],
    [
      "YOLO",
      "b.txt",
      { "b.jpg": jpeg, "a.txt": "", "b.txt": "\n12 0.5 0.5 1e-1 0.2 0.7\n", "classes.txt": "cat\n" },
    ],
    ["COCO", "train/_annotations.coco.json", { "train/_annotations.coco.json": '{"info":{},"images":[]}' }],
    ["LabelMe", "train/images/a.json", { "train/images/a.json": '{"version":"5","shapes":[]}' }],
    ["CSV", "_annotations.csv", { "_annotations.csv": "filename,width,class,xmin,ymin\n" }],
    [
      "YOLO",
      "train/labels/a.txt",
      { "train/labels/a.txt": "0 0.5 0.5 0.2 0.2\n", "stray.xml": "<project/>" },
    ],
  ])("labels in %s form: %s", async (form, file, files) => {
    const error = await appErrorOf(read({ "train/images/a.jpg": jpeg, ...files }));
    expect(error.message).toContain(`labels in ${form} form (${file})`);
    expect(error.hint).toContain("Pascal VOC");
  });

  test("other files beside classes in folders are nobody's labels", async () => {
    const { classes } = await read({
      "ana/1.jpg": jpeg,
      "ana/1.txt": "at the beach, 2 of us",
      "luis/1.jpg": jpeg,
      "about.json": "{}",
      "list.csv": "name,age\n",
    });
    expect(classes).toEqual(["ana", "luis"]);
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
