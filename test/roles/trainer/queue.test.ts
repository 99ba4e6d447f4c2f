import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { wordsFor } from "../../../roles/watcher/page/words.ts";
import { silentLog } from "../../../shared/base/log.ts";
import { writeSyntheticDataset } from "../../../shared/dataset/synthetic/dataset.ts";
import { noteText } from "../../../shared/training/job-words.ts";
import { JobClient, type JobNews } from "../../../shared/training/submit.ts";
import type { JobNote } from "../../../shared/wire/messages/job-status.ts";
import { command } from "../../../src/commands/submit.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { runCommand } from "../../support/run-command.ts";
import { tempFolder } from "../../support/temp.ts";
import { TrainingSite, tinyDataset } from "../training-site.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

/** The next news that is so. */
async function until(
  news: AsyncIterator<JobNews>,
  isIt: (status: JobNews["status"]) => boolean,
): Promise<JobNews["status"]> {
  for (;;) {
    const { done, value } = await news.next();
    if (done === true) throw new Error("the job has ended");
    if (isIt(value.status)) return value.status;
  }
}

const inSpanish = ({ kind, done, total }: JobNote): string =>
  wordsFor(["es-ES"]).words.notes[kind](`${done}`, `${total}`);

test("whoever waits in the queue hears how many jobs come before, and moves up as they end", async () => {
  using folder = tempFolder();
  await using site = new TrainingSite(folder.path);
  await site.startTrainer();
  const dataset = await tinyDataset(join(folder.path, "data"));
  await using link = await site.client();
  await using other = await site.client();
  const [client, canceller] = [new JobClient(link, silentLog), new JobClient(other, silentLog)];
  // Without a worker the first is prepared for ever, and the others wait.
  const first = await site.submit(canceller, "first", dataset, 10);
  const second = await site.submit(canceller, "second", dataset, 10);
  const third = await site.submit(client, "third", dataset, 10);
  const news = client.follow(third);
  const { note, state } = await until(news, () => true);
  expect([state, noteText(note), inSpanish(note!)]).toEqual([
    "queued",
    "2 jobs before this one",
    "2 trabajos antes que este",
  ]);
  await canceller.cancel(first, { keepBest: false });
  const one = await until(news, (status) => status.note?.total !== 2);
  expect([noteText(one.note), inSpanish(one.note!)]).toEqual([
    "1 job before this one",
    "1 trabajo antes que este",
  ]);
  await canceller.cancel(second, { keepBest: false });
  const begun = await until(news, (status) => status.state !== "queued");
  expect(begun.state).toBe("preparing");
});

test("`vigia submit` says the place in the queue, where others come before", async () => {
  using folder = tempFolder();
  await using site = new TrainingSite(folder.path);
  await site.startTrainer();
  const pictures = join(folder.path, "pictures");
  await writeSyntheticDataset(pictures, { images: 2, classes: ["car", "dog"], seed: 1 });
  const { host, port } = site.address;
  const where = { trainer: `${host}:${port}`, token: site.site.token, dataset: pictures };
  const lines = [];
  for (const name of ["a", "b"]) lines.push(...(await runCommand(command, { ...where, name })).lines);
  expect(lines[1]).toBe("job 2 is queued as b, 1 job before this one");
});
