import { expect, setDefaultTimeout, test } from "bun:test";
import { silentLog } from "../../../shared/base/log.ts";
import { readDataset } from "../../../shared/dataset/read.ts";
import type { Dataset, Sample } from "../../../shared/dataset/types.ts";
import { openModel } from "../../../shared/detect/model.ts";
import { decodePictureFile } from "../../../shared/image/codec.ts";
import { JobClient } from "../../../shared/training/submit.ts";
import { FACES } from "../../support/faces.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { tempFolder } from "../../support/temp.ts";
import { ended, TrainingSite } from "../training-site.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

/** The first five pictures of two people as a data set, and the others. */
function pairOf(whole: Dataset, people: readonly [number, number]): { learnt: Dataset; unseen: Sample[] } {
  const samples = people.map((person, number) =>
    Object.values(whole.splits)
      .flat()
      .filter(({ labels }) => labels[0]!.classIndex === person)
      .map((one) => ({ ...one, labels: one.labels.map((label) => ({ ...label, classIndex: number })) })),
  );
  const classes = people.map((person) => whole.classes[person]!);
  const train = samples.flatMap((own) => own.slice(0, 5));
  const learnt = { root: whole.root, classes, splits: { train }, defects: [] };
  return { learnt, unseen: samples.flatMap((own) => own.slice(5)) };
}

test.skipIf(FACES === undefined)(
  "two clients hand in two people each at the same time; each gets a model that knows them apart",
  async () => {
    const whole = await readDataset(FACES!, { log: silentLog });
    using folder = tempFolder();
    await using site = new TrainingSite(folder.path, { checkpointEveryMs: 10_000 });
    await site.startTrainer();
    site.startRealWorker();
    const options = { network: "mlp", epochs: 60 } as const;
    const learn = async (name: string, people: readonly [number, number]): Promise<number> => {
      const { learnt, unseen } = pairOf(whole, people);
      await using link = await site.client();
      const client = new JobClient(link, silentLog);
      const { status } = await ended(client, await client.submit({ name, dataset: learnt, options }));
      expect(status.state).toBe("done");
      expect(status.accuracy).toBeGreaterThan(0.9);
      await using model = await openModel(await site.model(name), { device: "cpu", threads: 1 }, silentLog);
      expect(model.info.classes).toEqual(learnt.classes);
      expect(model.info.looks?.looks).toHaveLength(2);
      const answers = await model.detect(
        await Promise.all(unseen.map(({ path }) => decodePictureFile(path))),
      );
      return answers.filter(([best], i) => best?.classIndex === unseen[i]!.labels[0]!.classIndex).length;
    };
    const right = await Promise.all([learn("first", [0, 1]), learn("second", [2, 3])]);
    expect(Math.min(...right)).toBeGreaterThanOrEqual(9);
  },
  60_000,
);
