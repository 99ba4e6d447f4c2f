import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { wordsFor } from "../../../roles/watcher/page/words.ts";
import { silentLog } from "../../../shared/base/log.ts";
import { writeSyntheticDataset } from "../../../shared/dataset/synthetic/dataset.ts";
import { hashOf } from "../../../shared/store/blobs.ts";
import { sendFile } from "../../../shared/training/blob-transfer.ts";
import { noteText } from "../../../shared/training/job-words.ts";
import { JobClient, type JobNews } from "../../../shared/training/submit.ts";
import type { JobNote } from "../../../shared/wire/messages/job-status.ts";
import {
  BlobsWanted,
  JobAccepted,
  type SampleRow,
  SampleRows,
  SubmitJob,
} from "../../../shared/wire/messages/training.ts";
import { command } from "../../../src/commands/submit.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { runCommand } from "../../support/run-command.ts";
import { tempFolder } from "../../support/temp.ts";
import { ended, TrainingSite, tinyDataset } from "../training-site.ts";

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

test("a job that is cancelled while its pictures arrive never begins", async () => {
  using folder = tempFolder();
  await using site = new TrainingSite(folder.path);
  await site.startTrainer();
  const { splits, classes } = await tinyDataset(join(folder.path, "data"));
  const pictures = new Map(splits.train!.map(({ path }) => [hashOf(readFileSync(path)), path]));
  const rows = [...pictures].map(([sha256, path], i): SampleRow => {
    const { id, width, height, labels } = splits.train![i]!;
    const hard = labels.map((label) => ({ ...label, difficult: false }));
    return { id, split: "train", sha256, fileBytes: statSync(path).size, width, height, labels: hard };
  });
  await using link = await site.client();
  const messages = link.messages();
  const options = { network: "mlp" };
  await link.send(SubmitJob, { name: "cats", classes: [...classes], sampleCount: rows.length, options });
  const { jobId } = JobAccepted.decode((await messages.next()).value!);
  await link.send(SampleRows, { rows });
  const { hashes } = BlobsWanted.decode((await messages.next()).value!);

  await using other = await site.client();
  const canceller = new JobClient(other, silentLog);
  await canceller.cancel(jobId, { keepBest: false });
  expect((await ended(canceller, jobId)).status.state).toBe("cancelled");
  for (const sha256 of hashes) await sendFile(link, sha256, pictures.get(sha256)!);
  // The end of the link, instead of the word that all is here.
  expect((await messages.next()).done).toBe(true);
  await using third = await site.client();
  expect((await new JobClient(third, silentLog).news(jobId)).status.state).toBe("cancelled");
});

test("whoever stops while the pictures are sent leaves no job behind that would begin", async () => {
  using folder = tempFolder();
  await using site = new TrainingSite(folder.path);
  await site.startTrainer();
  const dataset = await tinyDataset(join(folder.path, "data"));
  const stop = new AbortController();
  {
    await using link = await site.client();
    const job = { name: "cats", dataset, options: { network: "mlp" } } as const;
    const progress = ({ stage }: { stage: string }): void => {
      if (stage === "sending") stop.abort();
    };
    const submitted = new JobClient(link, silentLog).submit(job, progress, stop.signal);
    await expect(submitted).rejects.toMatchObject({ kind: "cancelled" });
  }
  await using other = await site.client();
  expect((await ended(new JobClient(other, silentLog), 1)).status).toMatchObject({
    state: "failed",
    note: { failure: { kind: "client-left" } },
  });
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
  expect(lines[1]).toBe("job 2 is queued as b, 1 job before this one; vigia models says how it goes");
});
