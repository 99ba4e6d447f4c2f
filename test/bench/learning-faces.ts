import { AppError } from "../../shared/base/errors.ts";
import { silentLog } from "../../shared/base/log.ts";
import { Random } from "../../shared/base/random.ts";
import { readDataset } from "../../shared/dataset/read.ts";
import type { Dataset, Sample } from "../../shared/dataset/types.ts";
import { openModel } from "../../shared/detect/model.ts";
import { decodePictureFile } from "../../shared/image/codec.ts";
import { noteText } from "../../shared/training/job-words.ts";
import { JobClient } from "../../shared/training/submit.ts";
import { ended, TrainingSite } from "../roles/training-site.ts";
import { FACES } from "../support/faces.ts";
import { tempFolder } from "../support/temp.ts";
import type { LearningRow, RunLength, RunResult } from "./learning-row.ts";

/** Pictures of a person to learn from; the other five are for the test. */
const LEARNT = 5;
const PAIRS = 50;
const WORKERS = 2;
/** Who hand in jobs side by side. */
const CLIENTS = 3;

/** Who is it? From five pictures of each person, by jobs that clients hand in over TCP. */
export const FACE_ROWS: readonly LearningRow[] = [
  {
    name: "faces-pairs",
    measure: "accuracy",
    must: 0.97,
    goal: 1,
    seeds: [1],
    minutes: 5 / 60,
    run: (length) => learnAndScore(length, pairs(PAIRS, length.seed)),
  },
  {
    name: "faces-20",
    measure: "accuracy",
    must: 0.85,
    goal: 0.95,
    seeds: [1, 2, 3],
    minutes: 1,
    run: (length) => learnAndScore(length, () => [Array.from({ length: 20 }, (_, person) => person)]),
  },
];

/** Some of the people of the set, by their places. */
type Group = readonly number[];

function pairs(count: number, seed: number): (people: number) => Group[] {
  const random = new Random(seed, "pairs");
  return (people) => Array.from({ length: count }, () => [...random.permutation(people).slice(0, 2)]);
}

/** A trainer, two workers in processes of their own, and clients that each submit one job after the other. */
async function learnAndScore(
  { seed, minutes, samples }: RunLength,
  groupsOf: (people: number) => Group[],
): Promise<RunResult> {
  if (FACES === undefined) throw new AppError("usage", "the data set faces/orl is not here");
  const whole = await readDataset(FACES, { log: silentLog });
  const groups = groupsOf(whole.classes.length).entries();
  using folder = tempFolder();
  await using site = new TrainingSite(folder.path, { checkpointEveryMs: 10_000 });
  await site.startTrainer();
  for (let i = 0; i < WORKERS; i++) site.startRealWorker();
  const runs: { accuracy: number; seconds: number; samples: number }[] = [];
  const startMs = performance.now();
  const submitAll = async (): Promise<void> => {
    await using link = await site.client();
    const client = new JobClient(link, silentLog);
    for (const [place, group] of groups) {
      const { dataset, test } = part(whole, group, new Random(seed, "pictures", place));
      const epochs = samples === undefined ? { minutes } : { epochs: samples / (LEARNT * group.length) };
      const name = `people-${place}`;
      const options = { network: "mlp", seed: seed + place, ...epochs } as const;
      const { status, seconds } = await ended(client, await client.submit({ name, dataset, options }));
      if (status.state !== "done")
        throw new AppError("bug", `job ${name} ${status.state}: ${noteText(status.note)}`);
      runs.push({ accuracy: await accuracy(await site.model(name), test), seconds, samples: status.samples });
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, submitAll));
  const mean = (of: (run: (typeof runs)[number]) => number): number =>
    runs.reduce((sum, run) => sum + of(run), 0) / runs.length;
  const figures = {
    jobs: runs.length,
    worst: Math.min(...runs.map((run) => run.accuracy)),
    seconds: mean((run) => run.seconds),
    secondsWithTheRest: (performance.now() - startMs) / 1000 / runs.length,
    samples: mean((run) => run.samples),
  };
  return { value: mean((run) => run.accuracy), figures };
}

/** Five pictures of each of these people as a data set, and the others. */
function part(whole: Dataset, group: Group, random: Random): { dataset: Dataset; test: Sample[] } {
  const all = Object.values(whole.splits).flat();
  const train: Sample[] = [];
  const test: Sample[] = [];
  for (const [number, person] of group.entries()) {
    const own = all.filter(({ labels }) => labels[0]!.classIndex === person);
    for (const [i, place] of random.permutation(own.length).entries()) {
      const sample = own[place]!;
      const labels = sample.labels.map((label) => ({ ...label, classIndex: number }));
      (i < LEARNT ? train : test).push({ ...sample, labels });
    }
  }
  const classes = group.map((person) => whole.classes[person]!);
  return { dataset: { root: whole.root, classes, splits: { train }, defects: [] }, test };
}

/** Share of the pictures that the model gives the right name. */
async function accuracy(file: Uint8Array, test: readonly Sample[]): Promise<number> {
  await using model = await openModel(file, { device: "cpu", threads: 1 }, silentLog);
  const pictures = await Promise.all(test.map(({ path }) => decodePictureFile(path)));
  const answers = await model.detect(pictures, { minScore: 0 });
  const right = answers.filter(([best], i) => best?.classIndex === test[i]!.labels[0]!.classIndex);
  return right.length / test.length;
}
