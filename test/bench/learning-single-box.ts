import { AppError } from "../../shared/base/errors.ts";
import { silentLog } from "../../shared/base/log.ts";
import { readDataset } from "../../shared/dataset/read.ts";
import { syntheticClasses } from "../../shared/dataset/synthetic/art/catalogue.ts";
import { writeSyntheticDataset } from "../../shared/dataset/synthetic/dataset.ts";
import type { Dataset, Sample } from "../../shared/dataset/types.ts";
import { openModel } from "../../shared/detect/model.ts";
import { decodePictureFile } from "../../shared/image/codec.ts";
import { SingleObjectMetric, type SingleObjectResult } from "../../shared/metrics/single-object.ts";
import { noteText } from "../../shared/training/job-words.ts";
import { JobClient } from "../../shared/training/submit.ts";
import { ended, TrainingSite } from "../roles/training-site.ts";
import { dataPath } from "../support/data.ts";
import { tempFolder } from "../support/temp.ts";
import type { LearningRow, RunLength, RunResult } from "./learning-row.ts";

const WORKERS = 2;
const SIZE_PX = 224;
/** The authors of the network got this on ten kinds of animals, and a squared error of 1,577 px² at 224 px. */
const AUTHORS = 0.1875;
const SYNTHETIC = { images: 600, classes: 8, seed: 11 } as const;

function row(name: string, dataset: (folder: string) => Promise<Dataset>): LearningRow {
  return {
    name,
    measure: "class acc.",
    reference: AUTHORS,
    must: 2 * AUTHORS,
    goal: 0.9,
    seeds: [1],
    minutes: 10,
    run: (length) => learnAndScore(length, dataset),
  };
}

/** One object a picture: what it is, and its box. */
export const SINGLE_BOX_ROWS: readonly LearningRow[] = [
  row("single-box-insects", async () => {
    const root = dataPath("detection/insects");
    if (root === undefined) throw new AppError("usage", "the data set insects is not here");
    return withOneObject(await readDataset(root, { log: silentLog }));
  }),
  row("single-box-synthetic", async (folder) => {
    const classes = syntheticClasses(SYNTHETIC.classes);
    const signal = AbortSignal.timeout(10 * 60_000);
    await writeSyntheticDataset(folder, { ...SYNTHETIC, classes, oneObject: true, signal });
    return await readDataset(folder, { log: silentLog });
  }),
];

/** The pictures of a data set that show exactly one object. */
function withOneObject(whole: Dataset): Dataset {
  const splits = Object.entries(whole.splits).map(([name, samples]) => [
    name,
    samples.filter(({ labels }) => labels.length === 1),
  ]);
  return { ...whole, splits: Object.fromEntries(splits) as Dataset["splits"] };
}

async function learnAndScore(
  { seed, minutes, samples }: RunLength,
  datasetIn: (folder: string) => Promise<Dataset>,
): Promise<RunResult> {
  using folder = tempFolder();
  using pictures = tempFolder();
  const { splits, ...dataset } = await datasetIn(pictures.path);
  const { test = [], ...learnt } = splits;
  await using site = new TrainingSite(folder.path, { checkpointEveryMs: 10_000 });
  await site.startTrainer();
  for (let i = 0; i < WORKERS; i++) site.startRealWorker();
  await using link = await site.client();
  const client = new JobClient(link, silentLog);
  const count = Object.values(learnt).flat().length;
  const length = samples === undefined ? { minutes } : { epochs: samples / count };
  const options = { network: "single-box", sizePx: SIZE_PX, seed, ...length } as const;
  const job = await client.submit({ name: "single", dataset: { ...dataset, splits: learnt }, options });
  const { status, seconds } = await ended(client, job);
  if (status.state !== "done") throw new AppError("bug", `the job ${status.state}: ${noteText(status.note)}`);
  const scored = await score(await site.model("single"), test);
  const { classAccuracy, meanIou, squaredErrorPx2 } = scored;
  const figures = { meanIou, squaredErrorPx2, testPictures: test.length, seconds, samples: status.samples };
  return { value: classAccuracy, figures };
}

/** Boxes' errors are in pixels of the network's input, as its authors count them. */
async function score(file: Uint8Array, test: readonly Sample[]): Promise<SingleObjectResult> {
  await using model = await openModel(file, { device: "cpu", threads: 1 }, silentLog);
  const metric = new SingleObjectMetric();
  for (const { path, labels, width, height } of test) {
    const scale = SIZE_PX / Math.max(width, height);
    const scaled = <T extends { box: readonly [number, number, number, number] }>(one: T): T => {
      const [x1, y1, x2, y2] = one.box;
      return { ...one, box: [scale * x1, scale * y1, scale * x2, scale * y2] };
    };
    const [found = []] = await model.detect([await decodePictureFile(path)], { minScore: 0 });
    metric.add({ truths: labels.map(scaled), detections: found.map(scaled) });
  }
  return metric.result();
}
