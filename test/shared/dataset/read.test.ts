import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { silentLog } from "../../../shared/base/log.ts";
import { readDataset } from "../../../shared/dataset/read.ts";
import type { Dataset } from "../../../shared/dataset/types.ts";
import { appErrorOf } from "../../support/app-error.ts";
import { cpuMsOf } from "../../support/cpu-time.ts";
import { dataPath } from "../../support/data.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { tempFolder } from "../../support/temp.ts";
import { type Files, greyJpeg, objectXml, read, vocXml, whats, writeFiles } from "./voc-files.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const jpeg = await greyJpeg(100, 80);
const carXml = vocXml(objectXml("car", [10, 10, 50, 40]));

function idsOf(dataset: Dataset): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(dataset.splits).map(([split, samples]) => [split, samples.map((s) => s.id)]),
  );
}

describe("the forms of a data set", () => {
  test("VOC with lists: validation and training apart, what is on no list left out", async () => {
    const files: Files = {
      "ImageSets/Main/trainval.txt": "a\nb\n",
      "ImageSets/Main/train.txt": "a\r\n",
      "ImageSets/Main/val.txt": "b\n\n",
      "ImageSets/Main/test.txt": "c  1\nJPEGImages/d e.jpg\n",
      "ImageSets/Main/car_train.txt": "a -1\n",
      "SegmentationClass/a.png": jpeg,
    };
    for (const id of ["a", "b", "c", "d e", "unlisted"]) {
      files[`JPEGImages/${id}.jpg`] = jpeg;
      files[`Annotations/${id}.xml`] = carXml;
    }
    const dataset = await read(files);
    expect(idsOf(dataset)).toEqual({ train: ["a"], val: ["b"], test: ["c", "d e"] });
    expect(dataset.defects).toEqual([]);
    expect(dataset.splits.train?.[0]).toMatchObject({
      width: 100,
      height: 80,
      labels: [{ classIndex: 0, box: [10, 10, 50, 40] }],
    });
  });

  test("VOC with lists of names that end in a number, as VOC's marks do", async () => {
    const files: Files = {
      "ImageSets/Main/train.txt": "perro 1\nperro 0.jpg\n",
      "ImageSets/Main/test.txt": "gato 1  1\ngato 2 -1\n",
    };
    for (const id of ["perro 1", "perro 0", "gato 1", "gato 2"]) {
      files[`JPEGImages/${id}.jpg`] = jpeg;
      files[`Annotations/${id}.xml`] = carXml;
    }
    const dataset = await read(files);
    expect(dataset.defects).toEqual([]);
    expect(idsOf(dataset)).toEqual({ train: ["perro 1", "perro 0"], test: ["gato 1", "gato 2"] });
  });

  test("VOC with pictures and XML side by side in train/ and test/, also below images/", async () => {
    for (const root of ["", "images/"]) {
      const dataset = await read({
        [`${root}train/x.jpg`]: jpeg,
        [`${root}train/x.xml`]: carXml,
        [`${root}train/same.jpg`]: jpeg,
        [`${root}train/same.xml`]: carXml,
        [`${root}test/same.jpg`]: jpeg,
        [`${root}test/same.xml`]: carXml,
        [`${root}valid/v.jpg`]: jpeg,
        [`${root}valid/v.xml`]: carXml,
      });
      expect(idsOf(dataset)).toEqual({
        test: [`${root}test/same`],
        train: [`${root}train/same`, "x"],
        val: ["v"],
      });
      expect(dataset.defects).toEqual([]);
    }
  });

  test("one folder of XML files for pictures in train/ and test/, and the other way round", async () => {
    const names = [
      ["train", "a"],
      ["train", "b"],
      ["test", "c"],
    ] as const;
    for (const [pictures, xmls] of [
      ["images/SPLIT", "annotations"],
      ["images", "annotations/SPLIT"],
    ] as const) {
      const files: Files = {};
      for (const [split, name] of names) {
        files[`${pictures.replace("SPLIT", split)}/${name}.jpg`] = jpeg;
        files[`${xmls.replace("SPLIT", split)}/${name}.xml`] = carXml;
      }
      const dataset = await read(files);
      expect(idsOf(dataset)).toEqual({ train: ["a", "b"], test: ["c"] });
      expect(dataset.defects).toEqual([]);
    }
  });

  test("lists of another data set are named and passed over", async () => {
    const dataset = await read({
      "JPEGImages/a.jpg": jpeg,
      "Annotations/a.xml": carXml,
      "ImageSets/Main/train.txt": "000001\n000002\n",
      "ImageSets/Main/default.txt": "a\n",
    });
    expect(idsOf(dataset)).toEqual({ train: ["a"] });
    expect(whats(dataset)).toEqual([
      "ImageSets/Main/train.txt lists no picture of this data set, passed over",
    ]);
  });

  test("a flat folder: a fifth becomes the test split, the same one every time, and this is said", async () => {
    const files: Files = {};
    for (let i = 0; i < 20; i++) {
      files[`p${i}.jpg`] = jpeg;
      files[`p${i}.xml`] = carXml;
    }
    const first = await read(files);
    expect(first.splits.test).toHaveLength(4);
    expect(first.splits.train).toHaveLength(16);
    expect(idsOf(await read(files))).toEqual(idsOf(first));
    expect(first.lines.join()).toContain("no test split");
    expect(first.defects).toEqual([]);
  });

  test("without a test split the validation pictures are it", async () => {
    const files = { "train/a.jpg": jpeg, "train/a.xml": carXml, "val/b.jpg": jpeg, "val/b.xml": carXml };
    const dataset = await read(files);
    expect(idsOf(dataset)).toEqual({ train: ["a"], test: ["b"] });
    expect(dataset.lines.join()).toContain("validation pictures are used");
  });

  test("a folder for each class: the label is the whole picture, and each class gives to the test split", async () => {
    const files: Files = {};
    for (const name of ["Zoé", "ana"]) for (let i = 0; i < 5; i++) files[`${name}/${i}.jpg`] = jpeg;
    const dataset = await read(files);
    expect(dataset.classes).toEqual(["Zoé", "ana"]);
    expect(dataset.splits.train).toHaveLength(8);
    expect(dataset.splits.test?.map((sample) => sample.labels)).toEqual([
      [{ classIndex: 0, box: [0, 0, 100, 80] }],
      [{ classIndex: 1, box: [0, 0, 100, 80] }],
    ]);
    const ids = Object.values(idsOf(dataset)).flat();
    expect(new Set(ids).size).toBe(10);
  });

  test("class folders below train/ and test/ keep their splits", async () => {
    const dataset = await read({ "train/cat/1.jpg": jpeg, "train/dog/1.jpg": jpeg, "test/cat/1.jpg": jpeg });
    expect(idsOf(dataset)).toEqual({ train: ["train/cat/1", "train/dog/1"], test: ["test/cat/1"] });
  });

  test("classes are numbered by their names' order, whatever order the files have", async () => {
    const dataset = await read({
      "a.jpg": jpeg,
      "a.xml": vocXml(objectXml("zebra", [1, 1, 9, 9]) + objectXml("ant", [1, 1, 9, 9])),
    });
    expect(dataset.classes).toEqual(["ant", "zebra"]);
    expect(dataset.splits.train?.[0]?.labels.map((label) => label.classIndex)).toEqual([1, 0]);
  });

  test("names match whatever the case of their letters, nearest folder first", async () => {
    const dataset = await read({
      "cam1/IMG_1.JPG": jpeg,
      "cam1/img_1.xml": carXml,
      "cam2/IMG_1.JPG": jpeg,
      "cam2/IMG_1.xml": vocXml(objectXml("dog", [1, 1, 9, 9])),
    });
    const samples = Object.values(dataset.splits).flat();
    const byClass = Object.fromEntries(
      samples.map((sample) => [dataset.classes[sample.labels[0]!.classIndex], sample.path.split("/").at(-2)]),
    );
    expect(byClass).toEqual({ car: "cam1", dog: "cam2" });
  });
});

describe("a damaged data set", () => {
  const broken: Files = {
    "ok.jpg": jpeg,
    "ok.xml": carXml,
    "nopicture.xml": carXml,
    "noxml.jpg": jpeg,
    "badxml.jpg": jpeg,
    "badxml.xml": "<annotation><object>",
    "empty.jpg": "",
    "empty.xml": carXml,
    "text.jpg": "this is not a picture",
    "text.xml": carXml,
  };

  test("is worked around, and every file is named", async () => {
    const dataset = await read(broken);
    expect(Object.values(idsOf(dataset)).flat()).toEqual(["ok"]);
    const named = whats(dataset).sort();
    expect(named.map((line) => line.split(" ")[0])).toEqual([
      "badxml.xml",
      "empty.jpg",
      "nopicture.xml",
      "noxml.jpg",
      "text.jpg",
    ]);
    expect(named.join("\n")).toContain("badxml.xml is not well-formed XML: it ends within <object>");
    expect(named.join("\n")).toContain("empty.jpg the picture file is empty");
    expect(dataset.lines.filter((line) => line.includes("warn"))).toHaveLength(5);
  });

  test("is refused under strict, in one error that names them", async () => {
    const error = await appErrorOf(read(broken, true));
    expect(error.kind).toBe("input");
    expect(error.message).toContain("5 defects");
    expect(error.message).toContain("badxml.xml");
  });

  test("lists that name what is not there, or a test picture for training too", async () => {
    const dataset = await read({
      "JPEGImages/a.jpg": jpeg,
      "JPEGImages/b.jpg": jpeg,
      "JPEGImages/c.jpg": jpeg,
      "Annotations/a.xml": carXml,
      "Annotations/b.xml": carXml,
      "ImageSets/Main/train.txt": "a\nb\nb\ngone\nc\n",
      "ImageSets/Main/test.txt": "b\n",
    });
    expect(idsOf(dataset)).toEqual({ train: ["a"], test: ["b"] });
    const named = whats(dataset).join("\n");
    expect(named).toContain('"gone", which has no picture');
    expect(named).toContain('"c", which has no XML file');
    expect(named).toContain('"b", which is also in train.txt');
  });

  test("pictures of a telephone that cannot be read are named, with what to do", async () => {
    const dataset = await read({ "a.jpg": jpeg, "a.xml": carXml, "b.HEIC": jpeg, "b.xml": carXml });
    expect(whats(dataset).join()).toContain(
      "b.HEIC is a HEIC picture, which cannot be read: save it as JPEG",
    );
    const error = await appErrorOf(read({ "b.heic": jpeg, "b.xml": carXml }));
    expect(error.hint).toContain("b.heic is a HEIC picture");
  });

  test("many defects take few lines of log", async () => {
    const files: Files = { "ok.jpg": jpeg, "ok.xml": carXml };
    for (let i = 0; i < 60; i++) files[`lost${i}.xml`] = carXml;
    const { lines, defects } = await read(files);
    expect(defects).toHaveLength(60);
    expect(lines.filter((line) => line.includes("warn"))).toHaveLength(11);
    expect(lines.join()).toContain("and 50 more");
  });

  test("links in a circle end, broken links and pipes are named", async () => {
    using folder = tempFolder();
    writeFiles(folder.path, { "train/a.jpg": jpeg, "train/a.xml": carXml });
    symlinkSync(folder.path, join(folder.path, "train", "loop"));
    symlinkSync("/nowhere.jpg", join(folder.path, "train", "broken.jpg"));
    spawnSync("mkfifo", [join(folder.path, "train", "pipe.jpg")]);
    const dataset = await readDataset(folder.path, { log: silentLog });
    expect(idsOf(dataset)).toEqual({ train: ["a"] });
    expect(whats(dataset).join()).toContain("broken.jpg is a broken link");
    expect(whats(dataset).join()).toContain("pipe.jpg is neither file nor folder");
  });

  test.skipIf(process.getuid?.() === 0)("files that may not be read are named", async () => {
    using folder = tempFolder();
    writeFiles(folder.path, { "a.jpg": jpeg, "a.xml": carXml, "b.jpg": jpeg, "b.xml": carXml });
    chmodSync(join(folder.path, "b.xml"), 0);
    const dataset = await readDataset(folder.path, { log: silentLog });
    expect(whats(dataset).join()).toContain("b.xml cannot be read");
  });
});

test("classes without boxes are named: all dropped, in the test split only, or an empty folder", async () => {
  const dropped = await read({
    "a.jpg": jpeg,
    "a.xml": vocXml(objectXml("car", [1, 1, 9, 9]) + objectXml("ghost", [5, 5, 5, 5])),
  });
  expect(dropped.classes).toEqual(["car"]);
  expect(dropped.lines.join("\n")).toContain("no usable box and is left out class=ghost");

  const untrained = await read({
    "train/a.jpg": jpeg,
    "train/a.xml": carXml,
    "test/b.jpg": jpeg,
    "test/b.xml": vocXml(objectXml("dog", [1, 1, 9, 9])),
  });
  expect(untrained.classes).toEqual(["car", "dog"]);
  expect(untrained.lines.join("\n")).toContain("no box in the training pictures class=dog");

  using folder = tempFolder();
  writeFiles(folder.path, { "ana/1.jpg": jpeg, "ana/2.jpg": jpeg, "luis/none/.keep": "" });
  const empty = await readDataset(folder.path, { log: silentLog });
  expect(whats(empty).join()).toContain("class folder without pictures");
});

test("classes whose names differ in case or blanks only are told: they may be meant as one", async () => {
  const files: Files = {};
  ["Perro", "perro", "gato", "gato-1", "Gato 1"].forEach((name, i) => {
    files[`${i}.jpg`] = jpeg;
    files[`${i}.xml`] = vocXml(objectXml(name, [1, 1, 9, 9]));
  });
  const { classes, lines } = await read(files);
  expect(classes).toHaveLength(5);
  const told = lines.filter((line) => line.includes("meant as one"));
  expect(told.map((line) => line.match(/classes="?([^"\n]*)/)?.[1])).toEqual([
    "Gato 1, gato-1",
    "Perro, perro",
  ]);
});

describe("real data sets", () => {
  const cells = dataPath("detection/blood-cells");
  test.skipIf(cells === undefined)(
    "blood-cells: 364 pictures in well under a second, two boxes of no size",
    async () => {
      let dataset!: Dataset;
      const tookMs = await cpuMsOf(async () => {
        dataset = await readDataset(cells!, { log: silentLog });
      });
      expect(tookMs).toBeLessThan(2000);
      expect(dataset.classes).toEqual(["Platelets", "RBC", "WBC"]);
      expect([dataset.splits.train?.length, dataset.splits.val?.length, dataset.splits.test?.length]).toEqual(
        [205, 87, 72],
      );
      expect(whats(dataset)).toEqual([
        "Annotations/BloodImage_00338.xml object 13 (RBC) has a box of no size, dropped",
        "Annotations/BloodImage_00343.xml object 4 (RBC) has a box of no size, dropped",
      ]);
    },
  );

  const faces = dataPath("faces/orl");
  test.skipIf(faces === undefined)("faces: 20 people by folder, a fifth of each for the test", async () => {
    const dataset = await readDataset(faces!, { log: silentLog });
    expect(dataset.classes).toHaveLength(20);
    expect(dataset.splits.test).toHaveLength(40);
    expect(new Set(dataset.splits.test?.map((sample) => sample.labels[0]?.classIndex)).size).toBe(20);
  });
});
