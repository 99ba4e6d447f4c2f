import { expect, test } from "bun:test";
import { silentLog } from "../../../shared/base/log.ts";
import { readDataset } from "../../../shared/dataset/read.ts";
import { tempFolder } from "../../support/temp.ts";
import { greyJpeg, objectXml, vocXml, writeFiles } from "./voc-files.ts";

const jpeg = await greyJpeg(100, 80);
const carXml = vocXml(objectXml("car", [10, 10, 50, 40]));
const saying = (name: string): string => carXml.replace("wrong.jpg", name);

async function idsOf(files: Record<string, string | Uint8Array>): Promise<string[]> {
  using folder = tempFolder();
  writeFiles(folder.path, { ...files, "train/other.jpg": jpeg, "train/other.xml": carXml });
  const { splits, defects } = await readDataset(folder.path, { log: silentLog });
  expect(defects).toEqual([]);
  return [...(splits.train ?? []), ...(splits.test ?? [])].map(({ id }) => id).sort();
}

test("an accent is the same however it is written: archives from macOS write it in two letters", async () => {
  const [one, two] = ["ni\u00f1o", "nin\u0303o"];
  expect(await idsOf({ [`train/${two}.jpg`]: jpeg, [`train/${one}.xml`]: carXml })).toContain(two);
  const listed = {
    [`JPEGImages/${two}.jpg`]: jpeg,
    [`Annotations/${two}.xml`]: carXml,
    "ImageSets/Main/train.txt": `${one}\n`,
    "ImageSets/Main/test.txt": "other\n",
  };
  expect(await idsOf(listed)).toEqual([two, "other"]);
});

test("an XML file may have the picture's ending in its name", async () => {
  const files = { "train/a.v2.jpg": jpeg, "train/a.v2.jpg.xml": carXml };
  expect(await idsOf(files)).toEqual(["a.v2", "other"]);
});

test("an XML file of another name finds its picture by what it says, also as a path of Windows", async () => {
  const files = {
    "train/cam 1.jpg": jpeg,
    "train/0001.xml": saying("C:\\shop\\cam 1.png"),
    "train/a.jpg": jpeg,
    "train/a.xml": saying("cam 1.jpg"),
  };
  expect(await idsOf(files)).toEqual(["a", "cam 1", "other"]);
});

test("no picture is taken from the XML file that has its name", async () => {
  using folder = tempFolder();
  writeFiles(folder.path, {
    "a.jpg": jpeg,
    "a.xml": carXml,
    "b.jpg": jpeg,
    "b.xml": carXml,
    "0.xml": saying("a.jpg"),
  });
  const { defects } = await readDataset(folder.path, { log: silentLog });
  expect(defects).toEqual([
    { file: "0.xml", what: "has no picture beside it or in JPEGImages, passed over" },
  ]);
});
