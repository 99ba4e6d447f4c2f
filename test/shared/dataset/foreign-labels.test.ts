import { expect, test } from "bun:test";
import { type Files, greyJpeg, read } from "./voc-files.ts";

const jpeg = await greyJpeg(100, 80);

/** Each is beside `train/images/a.jpg`. */
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
  ["YOLO", "train/labels/a.txt", { "train/labels/a.txt": "0 0.5 0.5 0.2 0.2\n", "stray.xml": "<project/>" }],
])("labels in %s form: %s", async (form, file, files) => {
  const refused = read({ "train/images/a.jpg": jpeg, ...files });
  await expect(refused).rejects.toMatchObject({
    kind: "input",
    message: expect.stringContaining(`labels in ${form} form (${file})`),
    hint: expect.stringContaining("Pascal VOC"),
  });
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
