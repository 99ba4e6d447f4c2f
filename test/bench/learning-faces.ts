/**
 * Who is this? Pairs of people, and twenty at once, each learnt from five pictures and tested on five others:
 * `bun test/bench/learning-faces.ts [--pairs N] [--seconds S] [--engine native|tfjs]`.
 */
import { parseArgs } from "node:util";
import { AppError } from "../../shared/base/errors.ts";
import { Log, stderrSink } from "../../shared/base/log.ts";
import { Random } from "../../shared/base/random.ts";
import { type PreparedPicture, preparePicture } from "../../shared/dataset/prepared.ts";
import { readDataset } from "../../shared/dataset/read.ts";
import { openLearner } from "../../shared/learn/learner.ts";
import { planFor } from "../../shared/learn/plan.ts";
import type { Engine } from "../../shared/nn/engine.ts";
import { dataPath } from "../support/data.ts";
import { engineNamed } from "./engines.ts";
import { trainAlone } from "./train-alone.ts";

const TRAIN_PICTURES = 5;

/** All pictures of each person. */
async function loadPeople(): Promise<PreparedPicture[][]> {
  const root = dataPath("faces/orl");
  if (root === undefined) throw new AppError("usage", "the data set faces/orl is not here");
  const { classes, splits } = await readDataset(root, { log: new Log("faces", [stderrSink], "warn") });
  const samples = Object.values(splits).flat();
  const people: PreparedPicture[][] = classes.map(() => []);
  for (const sample of samples) people[sample.labels[0]!.classIndex]!.push(await preparePicture(sample, 192));
  return people;
}

/** Share of the unseen pictures that are given the right name, after `seconds` of learning or `samples`. */
async function accuracy(
  engine: Engine,
  people: readonly PreparedPicture[][],
  seed: number,
  length: { minutes: number } | { epochs: number },
): Promise<{ accuracy: number; seconds: number; samples: number }> {
  const train: PreparedPicture[] = [];
  const test: PreparedPicture[] = [];
  people.forEach((pictures, person) => {
    const order = new Random(seed, person).permutation(pictures.length);
    order.forEach((place, i) => {
      const box = [0, 0, 1, 1] as const;
      const picture = { ...pictures[place]!, labels: [{ classIndex: person, box }] };
      (i < TRAIN_PICTURES ? train : test).push(picture);
    });
  });
  const plan = planFor(
    { network: { kind: "mlp" }, seed, ...length },
    { classes: people.map((_, i) => String(i)), pictures: train.length },
  );
  await using learner = await openLearner({ plan, pictures: train, engine, prepare: "inline" });
  const { weights, minutes, samples } = await trainAlone(learner);
  const answers = await learner.evaluate(weights, test);
  const right = answers.filter(([best], i) => best?.classIndex === test[i]!.labels[0]!.classIndex);
  return { accuracy: right.length / test.length, seconds: 60 * minutes, samples };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      pairs: { type: "string", default: "50" },
      seconds: { type: "string", default: "5" },
      engine: { type: "string", default: "native" },
    },
  });
  const print = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  const people = await loadPeople();
  await using engine = await engineNamed(values.engine, 1);
  const random = new Random(1, "pairs");
  let sum = 0;
  for (let pair = 0; pair < Number(values.pairs); pair++) {
    const [a, b] = random.permutation(people.length);
    const result = await accuracy(engine, [people[a!]!, people[b!]!], pair, {
      minutes: Number(values.seconds) / 60,
    });
    sum += result.accuracy;
    if (result.accuracy < 1 || pair === 0) {
      print(
        `pair ${pair} (${a}, ${b}): ${result.accuracy} in ${result.seconds.toFixed(1)} s, ${result.samples} samples`,
      );
    }
  }
  print(
    `two people, ${values.pairs} pairs, ${values.seconds} s each: accuracy ${(sum / Number(values.pairs)).toFixed(4)}`,
  );
  const all = await accuracy(engine, people, 1, { minutes: 1 });
  print(
    `${people.length} people: accuracy ${all.accuracy.toFixed(4)} in ${all.seconds.toFixed(0)} s, ${all.samples} samples`,
  );
}
