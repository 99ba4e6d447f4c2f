import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { silentLog } from "../../../../shared/base/log.ts";
import { readDataset } from "../../../../shared/dataset/read.ts";
import { writeSyntheticDataset } from "../../../../shared/dataset/synthetic/dataset.ts";
import { syntheticPicture } from "../../../../shared/dataset/synthetic/picture.ts";
import { vocXml } from "../../../../shared/dataset/synthetic/voc-xml.ts";
import { parseVoc } from "../../../../shared/dataset/voc.ts";
import { appErrorOf } from "../../../support/app-error.ts";
import { LONG_WORK_MS } from "../../../support/limits.ts";
import { tempFolder } from "../../../support/temp.ts";

setDefaultTimeout(LONG_WORK_MS);

const CLASSES = ["car", "dog", "orange"];

function filesOf(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    names
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path.slice(folder.length), Bun.hash(readFileSync(path)).toString(36)]),
  );
}

describe("a drawn data set", () => {
  test("reads back as it was drawn, without a defect", async () => {
    using folder = tempFolder();
    const done: number[] = [];
    await writeSyntheticDataset(folder.path, {
      images: 20,
      classes: CLASSES,
      seed: 5,
      onProgress: (n) => done.push(n),
    });
    expect(done).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    const { classes, splits, defects } = await readDataset(folder.path, { strict: true, log: silentLog });
    expect(classes).toEqual(CLASSES);
    expect(defects).toEqual([]);
    expect([splits.train?.length, splits.val?.length, splits.test?.length]).toEqual([16, 2, 2]);
    for (const sample of Object.values(splits).flat()) {
      const index = Number(/\d+$/.exec(sample.id)![0]) - 1;
      const { picture, labels } = await syntheticPicture(5, index, CLASSES);
      expect([sample.width, sample.height]).toEqual([picture.width, picture.height]);
      expect(sample.labels).toEqual(
        labels.map(({ className, box }) => ({ classIndex: CLASSES.indexOf(className), box })),
      );
    }
  });

  test("is the same from one thread and from several, and may be drawn again", async () => {
    using one = tempFolder();
    using several = tempFolder();
    const options = { images: 16, classes: CLASSES, seed: 2, oneObject: true };
    await writeSyntheticDataset(one.path, { ...options, threads: 1 });
    await writeSyntheticDataset(several.path, { ...options, threads: 2 });
    const files = filesOf(one.path);
    expect(filesOf(several.path)).toEqual(files);
    await writeSyntheticDataset(several.path, { ...options, images: 4 });
    const { splits } = await readDataset(several.path, { log: silentLog });
    expect(Object.values(splits).flat()).toHaveLength(4);
  });

  test("is not drawn over other files", async () => {
    using folder = tempFolder();
    mkdirSync(join(folder.path, "JPEGImages"));
    writeFileSync(join(folder.path, "JPEGImages", "mine.jpg"), "mine");
    const error = await appErrorOf(writeSyntheticDataset(folder.path, { images: 2, classes: 3, seed: 1 }));
    expect(error.kind).toBe("usage");
    expect(readdirSync(folder.path)).toEqual(["JPEGImages"]);
  });

  test("stops when asked to, between two pictures", async () => {
    for (const threads of [1, 2]) {
      using folder = tempFolder();
      const stop = new AbortController();
      const drawing = writeSyntheticDataset(folder.path, {
        images: 30,
        classes: CLASSES,
        seed: 1,
        threads,
        signal: stop.signal,
        onProgress: (done) => done === 3 && stop.abort(),
      });
      expect((await appErrorOf(drawing)).kind).toBe("cancelled");
      expect(readdirSync(join(folder.path, "JPEGImages")).length).toBeLessThan(10);
    }
  });

  test.each([0, -1, 2.5, 1e9])("of %p pictures is refused", async (images) => {
    using folder = tempFolder();
    const error = await appErrorOf(writeSyntheticDataset(folder.path, { images, classes: 3, seed: 1 }));
    expect(error.kind).toBe("usage");
  });
});

test("an annotation brings any name through", () => {
  const names = ["a < b", `"R&D" 'lab'`, "niño 🦜", "]]>"];
  const xml = vocXml({
    folder: "JPEGImages",
    fileName: "a&b.jpg",
    width: 50,
    height: 40,
    labels: names.map((className) => ({ className, box: [1, 2, 30, 40] as const })),
  });
  const { objects } = parseVoc(new TextEncoder().encode(xml));
  expect(objects).toEqual(names.map((name) => ({ name, box: [1, 2, 30, 40] })));
});
