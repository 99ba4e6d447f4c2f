import { expect, test } from "bun:test";
import { join } from "node:path";
import { Progress } from "../../shared/base/progress.ts";
import { datasetStatistics } from "../../shared/dataset/statistics.ts";
import { planFor } from "../../shared/learn/plan.ts";
import { startWeights } from "../../shared/learn/start-weights.ts";
import { encodeModelFile } from "../../shared/nn/model-file.ts";
import { misfitOf } from "../../src/network-fit.ts";
import { likeModel, scoreLine, withInputSide } from "../../src/training.ts";
import { tempFolder } from "../support/temp.ts";

const classes = ["ant", "bee"];

test("a model to start from decides size and width, where the flags do not", async () => {
  using folder = tempFolder();
  const path = join(folder.path, "parent.onnx");
  const network = { kind: "detector", size: 64, variant: "small" } as const;
  const plan = planFor({ network }, { classes, pictures: 10 });
  const info = {
    name: "parent",
    version: 1,
    network: plan.network,
    classes,
    thresholds: [0.3, 0.3],
    metrics: {},
    lineage: { dataset: "", samples: 0, seconds: 0, seed: 1, createdMs: 0, program: "" },
    format: "float32",
  } as const;
  await Bun.write(path, encodeModelFile(info, startWeights(plan)));
  expect(await likeModel({ network: "detector" }, path)).toEqual({
    network: "detector",
    sizePx: 64,
    variant: "small",
  });
  expect(await likeModel({ network: "detector", sizePx: 96 }, path)).toMatchObject({ sizePx: 96 });
  // What does not go together is the trainer's to refuse, with its reason.
  expect(await likeModel({ network: "mlp" }, path)).toEqual({ network: "mlp" });
});

test("a size that was chosen is said in a line, one that was given is left alone", () => {
  const box = [0, 0, 20, 20] as const;
  const samples = Array.from({ length: 20 }, (_, i) => ({
    id: `${i}`,
    path: "",
    width: 1280,
    height: 960,
    labels: [{ classIndex: 0, box }],
  }));
  const statistics = datasetStatistics({ root: "", classes, splits: { train: samples }, defects: [] });
  const lines: string[] = [];
  using progress = new Progress({ write: (text) => lines.push(text), isTerminal: false });
  expect(withInputSide({ network: "detector" }, statistics, progress)).toEqual({
    network: "detector",
    sizePx: 640,
  });
  expect(lines.join("")).toContain('input 640 px: half of "ant" are under 5 px at 320 px');
  const given = { network: "detector", sizePx: 320 } as const;
  expect(withInputSide(given, statistics, progress)).toBe(given);
  expect(lines).toHaveLength(1);
});

test("labels that a network is not meant for are named before it learns for minutes, with the network that is", () => {
  const [part, whole] = [
    [10, 10, 50, 50],
    [0, 0, 100, 80],
  ] as const;
  const statisticsOf = (...pictures: (typeof part | typeof whole)[][]) => {
    const samples = pictures.map((boxes, i) => ({
      id: `${i}`,
      path: "",
      width: 100,
      height: 80,
      labels: boxes.map((box) => ({ classIndex: 0, box })),
    }));
    return datasetStatistics({ root: "", classes, splits: { train: samples }, defects: [] });
  };
  const [scenes, single, faces] = [
    statisticsOf([part, part], []),
    statisticsOf([part], []),
    statisticsOf([whole]),
  ];
  expect(misfitOf("detector", scenes)).toBeUndefined();
  expect(misfitOf("detector", faces)).toContain("--network mlp");
  expect(misfitOf("single-box", single)).toBeUndefined();
  expect(misfitOf("single-box", scenes)).toContain("1 picture has several objects");
  expect(misfitOf("mlp", faces)).toBeUndefined();
  expect(misfitOf("mlp", single)).toContain("--network detector");
});

test("a score is said with its loss, and without where a trainer that came back has not heard of one", () => {
  const score = { epoch: 57.5, map50: 0.261, bestMap50: 0.261 };
  const said = "  epoch 57.5: mAP50 0.261 on pictures kept aside, the best so far";
  expect(scoreLine({ ...score, loss: { box: 2.9, class: 1.2 } })).toBe(`${said}; loss: box 2.90, class 1.20`);
  expect(scoreLine({ ...score, loss: {} })).toBe(said);
});
