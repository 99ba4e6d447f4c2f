import { expect, test } from "bun:test";
import { silentLog } from "../../shared/base/log.ts";
import { readDataset } from "../../shared/dataset/read.ts";
import { writeClipDataset } from "./clip-dataset.ts";
import { dataPath } from "./data.ts";
import { tempFolder } from "./temp.ts";
import { has } from "./tools.ts";

const clip = dataPath("video/car-detection.mp4");
const truth = dataPath("video/car-detection.gt.csv");

test.skipIf(!has("ffmpeg") || clip === undefined || truth === undefined)(
  "a clip with its truth file becomes a data set without defects (needs ffmpeg)",
  async () => {
    using folder = tempFolder();
    const count = writeClipDataset(folder.path, { clip: clip!, truth: truth!, everyNth: 20 });
    const { classes, splits } = await readDataset(folder.path, { log: silentLog, strict: true });
    expect(count).toBe(19);
    expect(classes).toEqual(["car"]);
    expect([splits.train?.length, splits.test?.length]).toEqual([16, 3]);
    // Frame 200 shows two cars.
    expect(splits.train?.find((sample) => sample.id === "frame-000200")?.labels).toHaveLength(2);
  },
);
