import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { silentLog } from "../../../shared/base/log.ts";
import { readDataset } from "../../../shared/dataset/read.ts";
import { syntheticPicture } from "../../../shared/dataset/synthetic/picture.ts";
import { encodeJpeg } from "../../../shared/image/codec.ts";
import { command } from "../../../src/commands/inspect.ts";
import { adviseInputSize } from "../../../src/inspect/input-size.ts";
import { type Inspection, inspectDataset } from "../../../src/inspect/inspection.ts";
import { inspectionLines } from "../../../src/inspect/table.ts";
import type { Flags } from "../../../src/shell.ts";
import { keptLog, objectXml, vocXml, writeFiles } from "../../shared/dataset/voc-files.ts";
import { dataPath } from "../../support/data.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { runCommand } from "../../support/run-command.ts";
import { tempFolder } from "../../support/temp.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const SIZE = { width: 320, height: 240 };
type Object = readonly [name: string, box: readonly [number, number, number, number]];

async function jpeg(index: number): Promise<Uint8Array> {
  return await encodeJpeg((await syntheticPicture(9, index, ["car", "bus"], { size: SIZE })).picture, 90);
}

/** A picture with its labels under `path`. */
async function pictureFiles(
  path: string,
  index: number,
  objects: readonly Object[],
): Promise<Record<string, string | Uint8Array>> {
  const xml = vocXml(objects.map(([name, box]) => objectXml(name, box)).join(""), [SIZE.width, SIZE.height]);
  return { [`${path}.jpg`]: await jpeg(index), [`${path}.xml`]: xml };
}

function markDifficult(files: Record<string, string | Uint8Array>, xml: string): typeof files {
  return { ...files, [xml]: String(files[xml]).replaceAll(">0</difficult", ">1</difficult") };
}

async function inspectFiles(...parts: Promise<Record<string, string | Uint8Array>>[]): Promise<Inspection> {
  using folder = tempFolder();
  writeFiles(folder.path, Object.assign({}, ...(await Promise.all(parts))));
  return await inspectDataset(await readDataset(folder.path, { log: silentLog }));
}

function kinds(inspection: Inspection): string[] {
  return inspection.findings.map(({ level, kind }) => `${level} ${kind}`);
}

describe("an inspection", () => {
  test("counts pictures, classes and boxes of each split", async () => {
    const { splits, classes, pictures, boxes } = await inspectFiles(
      pictureFiles("train/a", 0, [
        ["car", [0, 0, 160, 80]],
        ["cat", [100, 100, 120, 110]],
      ]),
      pictureFiles("train/b", 1, []),
      pictureFiles("test/c", 2, [["car", [0, 0, 100, 200]]]),
    );
    expect(splits).toEqual([
      { name: "train", pictures: 2, picturesWithoutObjects: 1, boxes: 2, classes: 2 },
      { name: "test", pictures: 1, picturesWithoutObjects: 0, boxes: 1, classes: 1 },
    ]);
    expect(classes.map(({ name, pictures, boxes, boxesIn }) => [name, pictures, boxes, boxesIn])).toEqual([
      ["car", 2, 2, { train: 1, val: 0, test: 1 }],
      ["cat", 1, 1, { train: 1, val: 0, test: 0 }],
    ]);
    expect(pictures.objects).toEqual({ least: 0, quarter: 0.5, median: 1, threeQuarters: 1.5, most: 2 });
    expect([boxes.count, boxes.small, boxes.medium, boxes.large]).toEqual([3, 1, 0, 2]);
    expect(
      boxes.atInput.shapes.map(({ widthPx, heightPx }) => [Math.round(widthPx), Math.round(heightPx)]),
    ).toEqual(
      expect.arrayContaining([
        [160, 80],
        [20, 10],
        [100, 200],
      ]),
    );
  });

  test("finds a picture that is trained on and tested with", async () => {
    const inspection = await inspectFiles(
      pictureFiles("train/a", 0, [["car", [0, 0, 160, 80]]]),
      pictureFiles("test/b", 0, [["car", [0, 0, 160, 80]]]),
      pictureFiles("test/c", 1, [["car", [0, 0, 160, 80]]]),
    );
    expect(inspection.duplicates).toEqual([
      {
        kind: "exact",
        crossesSplits: true,
        difference: 0,
        pictures: [
          { file: "train/a.jpg", split: "train" },
          { file: "test/b.jpg", split: "test" },
        ],
      },
    ]);
    expect(kinds(inspection)[0]).toBe("problem copies-across-splits");
  });

  test("names every defect with its file, also those that only decoding shows", async () => {
    const whole = await jpeg(1);
    const { defects } = await inspectFiles(
      pictureFiles("train/a", 0, [
        ["car", [0, 0, 160, 80]],
        ["car", [9, 9, 9, 9]],
      ]),
      pictureFiles("train/cut", 1, [["car", [0, 0, 160, 80]]]),
      Promise.resolve({ "train/cut.jpg": whole.subarray(0, whole.length - 2000), "train/alone.jpg": whole }),
    );
    expect(defects.map(({ file, what }) => `${file}: ${what}`).sort()).toEqual([
      "train/a.xml: object 2 (car) has a box of no size, dropped",
      "train/alone.jpg: has no XML file, passed over",
      expect.stringMatching(/^train\/cut\.jpg: .*cut short/),
    ]);
  });

  test("warns of classes that cannot be learnt or scored, of spellings, and of labels that are there twice", async () => {
    const inspection = await inspectFiles(
      pictureFiles("train/a", 0, [
        ["Car", [0, 0, 160, 80]],
        ["Car", [1, 0, 161, 80]],
        ["ghost", [5, 5, 5, 5]],
      ]),
      pictureFiles("test/b", 1, [["car", [0, 0, 160, 80]]]).then((files) =>
        markDifficult(files, "test/b.xml"),
      ),
    );
    expect(kinds(inspection)).toEqual([
      "problem class-not-in-training",
      "warning class-without-boxes",
      "warning class-not-in-test",
      "warning class-with-few-boxes",
      "warning alike-class-names",
      "warning few-pictures",
      "warning double-labels",
      "note difficult-objects",
    ]);
    const text = inspection.findings.map(({ what }) => what).join("\n");
    expect(text).toContain('"Car", "car" are 2 classes that may be meant as one');
    expect(text).toContain('"ghost" is without a single usable box');
    expect(text).toContain("train/a.jpg (Car)");
  });

  test("warns where objects are smaller than the network can see, and says which", async () => {
    const inspection = await inspectFiles(
      pictureFiles("train/a", 0, [
        ["ant", [10, 10, 17, 60]],
        ["car", [0, 0, 160, 80]],
      ]),
    );
    const warning = inspection.findings.find(({ kind }) => kind === "objects-too-small");
    expect(warning?.what).toBe('1 of 2 objects is narrower than 8 px at an input of 320 px: "ant" 1');
  });

  test("of classes in folders speaks of whole pictures, not of sizes", async () => {
    const inspection = await inspectFiles(
      Promise.all([0, 1, 2, 3].map(jpeg)).then((files) =>
        Object.fromEntries(files.map((file, i) => [`${i < 2 ? "ana" : "eva"}/${i}.jpg`, file])),
      ),
    );
    expect(inspection.inputSize).toBeNull();
    expect(kinds(inspection)).toContain("note whole-pictures");
  });
});

describe("the advised input size", () => {
  const advise = (shortPx: number, picturePx: number) =>
    adviseInputSize(Float64Array.of(shortPx / picturePx), [picturePx]).sidePx;

  test("gives small objects 16 pixels, in multiples of 32", () => {
    expect([advise(100, 640), advise(20, 640), advise(16, 640)]).toEqual([320, 512, 640]);
  });

  test("never enlarges a picture, and stays inside what the network takes", () => {
    expect(adviseInputSize(Float64Array.of(4 / 400), [400])).toMatchObject({
      sidePx: 416,
      limitedBy: "pictures",
    });
    expect(adviseInputSize(Float64Array.of(4 / 4000), [4000])).toMatchObject({
      sidePx: 1280,
      limitedBy: "network",
    });
  });
});

describe("vigia inspect", () => {
  test("prints one JSON object with --json, and fails with --strict after saying why", async () => {
    using folder = tempFolder();
    writeFiles(folder.path, await pictureFiles("train/a", 0, [["car", [0, 0, 160, 80]]]));
    writeFiles(folder.path, await pictureFiles("train/b", 1, [["car", [300, 0, 400, 80]]]));
    const [json, ...rest] = (await runCommand(command, { dataset: folder.path, json: true })).lines;
    expect(rest).toEqual([]);
    expect((JSON.parse(json!) as Inspection).defects).toHaveLength(1);
    const { failure } = await runCommand(command, { dataset: folder.path, strict: true });
    expect(failure).toStartWith("the data set has ");
  });

  test("says what is wrong with a data set of which nothing can be read", async () => {
    using folder = tempFolder();
    writeFiles(folder.path, { "train/a.jpg": await jpeg(0), "train/a.xml": "<annotation>" });
    const { log, lines } = keptLog();
    const context = { signal: new AbortController().signal, log, many: {}, print: () => {} };
    const flags = { _: [], dataset: folder.path } as unknown as Flags;
    await expect(command.run(flags, context)).rejects.toMatchObject({ kind: "input" });
    expect(lines.join("\n")).toContain("train/a.xml is not well-formed XML");
  });

  const cells = dataPath("detection/blood-cells");
  test.skipIf(cells === undefined)(
    "of the blood cells: their two defects and the picture that is there twice",
    async () => {
      const inspection = await inspectDataset(await readDataset(cells!, { log: silentLog }));
      expect(inspection.pictures.count).toBe(364);
      expect(inspection.defects.map(({ file }) => file)).toEqual([
        "Annotations/BloodImage_00338.xml",
        "Annotations/BloodImage_00343.xml",
      ]);
      expect(inspection.duplicates.map(({ pictures }) => pictures.map(({ split }) => split))).toEqual([
        ["train", "val"],
      ]);
      expect(inspection.inputSize?.sidePx).toBe(320);
      expect(inspectionLines(inspection).find((line) => line.startsWith("RBC"))).toMatch(/RBC +349 +4153/);
    },
  );
});
