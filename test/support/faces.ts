import { Log, stderrSink } from "../../shared/base/log.ts";
import { type PreparedPicture, preparePicture } from "../../shared/dataset/prepared.ts";
import { readDataset } from "../../shared/dataset/read.ts";
import { LooksLearner } from "../../shared/detect/likeness.ts";
import { openLearner } from "../../shared/learn/learner.ts";
import { planFor } from "../../shared/learn/plan.ts";
import type { Engine } from "../../shared/nn/engine.ts";
import { encodeModelFile } from "../../shared/nn/model-file.ts";
import { trainAlone } from "../bench/train-alone.ts";
import { dataPath } from "./data.ts";
import { modelInfo } from "./model-info.ts";

/** Where the faces of AT&T's ORL set are, ten pictures of each of 20 people; `undefined` where they are not at hand. */
export const FACES = dataPath("faces/orl");

/** All pictures of each person, in the order of the folders' names. Needs `FACES`. */
export async function loadPeople(): Promise<PreparedPicture[][]> {
  if (FACES === undefined) throw new Error("the data set faces/orl is not here");
  const { classes, splits } = await readDataset(FACES, { log: new Log("faces", [stderrSink], "warn") });
  const people: PreparedPicture[][] = classes.map(() => []);
  for (const sample of Object.values(splits).flat()) {
    people[sample.labels[0]!.classIndex]!.push(await preparePicture(sample, 192));
  }
  return people;
}

/** A model file that knows these people under these names, learnt in this process from all pictures given. */
export async function trainFaces(
  engine: Engine,
  people: readonly (readonly PreparedPicture[])[],
  names: readonly string[],
  samples: number,
): Promise<Uint8Array> {
  const pictures = people.flatMap((some, person) =>
    some.map((one) => ({ ...one, labels: [{ classIndex: person, box: [0, 0, 1, 1] as const }] })),
  );
  const plan = planFor(
    { network: { kind: "mlp" }, epochs: samples / pictures.length },
    { classes: names, pictures: pictures.length },
  );
  await using learner = await openLearner({ plan, pictures, engine, prepare: "inline" });
  const { weights } = await trainAlone(learner);
  const looks = new LooksLearner(names.length);
  people.forEach((some, person) => {
    for (const { picture } of some) looks.add(person, picture);
  });
  const info = { ...modelInfo(plan.network), name: "people", classes: names, looks: looks.result()! };
  return encodeModelFile(info, weights);
}
