import { expect, setDefaultTimeout, test } from "bun:test";
import { silentLog } from "../../../shared/base/log.ts";
import { readDataset } from "../../../shared/dataset/read.ts";
import { datasetStatistics } from "../../../shared/dataset/statistics.ts";
import type { Box } from "../../../shared/detect/types.ts";
import { chooseInputSide } from "../../../shared/learn/input-choice.ts";
import { dataPath } from "../../support/data.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

/** Pictures of 1280 x 960, each with one box of each class: squares of so many pixels. */
function statisticsOf(squaresPx: Readonly<Record<string, number>>, count = 10, picturePx = 1280) {
  const classes = Object.keys(squaresPx);
  const labels = Object.values(squaresPx).map((px, classIndex) => ({
    classIndex,
    box: [10, 10, 10 + px, 10 + px] satisfies Box,
  }));
  const sample = (i: number) => ({
    id: `${i}`,
    path: "",
    width: picturePx,
    height: 0.75 * picturePx,
    labels,
  });
  return datasetStatistics({
    root: "",
    classes,
    splits: { train: Array.from({ length: count }, (_, i) => sample(i)) },
    defects: [],
  });
}

const sideOf = (squaresPx: Record<string, number>, minutes?: number) =>
  chooseInputSide(statisticsOf(squaresPx), minutes).sidePx;

test("a detector looks at 320 px, and more closely where the objects of one class are small", () => {
  expect([200, 48, 40, 32, 24, 10].map((px) => sideOf({ big: 300, one: px }))).toEqual([
    320, 320, 384, 480, 640, 640,
  ]);
  expect(chooseInputSide(statisticsOf({ big: 300, ant: 32 })).smallest).toEqual({ name: "ant", sidePx: 8 });
});

test("where time is short, fewer pixels: a network that sees few pictures learns nothing", () => {
  expect([1, 2, 4, 6, 10].map((minutes) => sideOf({ ant: 20 }, minutes))).toEqual([320, 320, 480, 576, 640]);
});

test("pictures are not enlarged, and a class with a box or two decides nothing", () => {
  expect(chooseInputSide(statisticsOf({ ant: 4 }, 10, 400)).sidePx).toBe(416);
  const statistics = statisticsOf({ big: 300, ant: 10 });
  const rare = {
    ...statistics,
    classes: statistics.classes.map((one) => ({ ...one, boxes: one.name === "ant" ? 2 : 10 })),
  };
  expect(chooseInputSide(rare).sidePx).toBe(320);
});

test("many pictures are looked at less closely: all of them must fit into memory", () => {
  const ant = { ant: 10 };
  expect([1000, 1500, 3000, 6000].map((count) => chooseInputSide(statisticsOf(ant, count)).sidePx)).toEqual([
    576, 480, 320, 320,
  ]);
});

const cells = dataPath("detection/blood-cells");
test.skipIf(cells === undefined).each(["blood-cells", "insects", "playing-cards", "raccoon"])(
  "%s stays at 320 px",
  async (set) => {
    const dataset = await readDataset(dataPath(`detection/${set}`)!, { log: silentLog });
    expect(chooseInputSide(datasetStatistics(dataset)).sidePx).toBe(320);
  },
);
