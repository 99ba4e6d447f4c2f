import { expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { silentLog } from "../../shared/base/log.ts";
import { readDataset } from "../../shared/dataset/read.ts";
import { writeSyntheticDataset } from "../../shared/dataset/synthetic/dataset.ts";
import { readModelBytes, readModelInfo } from "../../shared/nn/model-file.ts";
import { JobClient } from "../../shared/training/submit.ts";
import { ended, TrainingSite, tinyDataset } from "../roles/training-site.ts";
import { BUSY_MACHINE_MS } from "../support/limits.ts";
import { tempFolder } from "../support/temp.ts";
import { MAIN, vigia } from "../support/vigia.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

test("a model of the trainer's serves by its name: models, detect, and what is said where there is none", async () => {
  using folder = tempFolder();
  await using training = new TrainingSite(folder.path);
  await training.startTrainer();
  const dataset = await tinyDataset(join(folder.path, "pictures"));
  training.startWorker("w", 0);
  {
    await using link = await training.client();
    const client = new JobClient(link, silentLog);
    await ended(client, await training.submit(client, "things", dataset, 4));
  }
  const where = ["--trainer", `127.0.0.1:${training.address.port}`, "--token", training.site.token];

  const listed = await vigia("models", "--json", ...where);
  expect(JSON.parse(listed.out)).toMatchObject({ name: "things", version: 1, classes: ["cat", "dog"] });

  const picture = dataset.splits.train![0]!.path;
  const seen = await vigia("detect", "--json", "--model", "things", picture, ...where);
  expect(seen.status).toBe(0);
  expect(JSON.parse(seen.out)).toMatchObject({ image: picture, detections: expect.any(Array) });

  const [other, drawn] = [join(folder.path, "other", basename(picture)), join(folder.path, "drawn")];
  await mkdir(join(folder.path, "other"));
  await copyFile(picture, other);
  const both = await vigia("detect", "--out", drawn, "--model", "things", picture, other, ...where);
  expect(both.status).toBe(0);
  const stem = basename(picture, ".jpg");
  expect(readdirSync(drawn).sort()).toEqual([`${stem}-2.jpg`, `${stem}.jpg`]);

  const unknown = await vigia("detect", "--model", "nothing", picture, ...where);
  expect(unknown.status).toBe(1);
  expect(unknown.err).toContain("the trainer has no model nothing");
});

test("a model that `vigia train` saves says how large the things were that it learnt", async () => {
  using folder = tempFolder();
  const [pictures, model] = [join(folder.path, "pictures"), join(folder.path, "m.onnx")];
  await writeSyntheticDataset(pictures, { images: 24, classes: 2, seed: 1 });
  const trained = await vigia(
    ...[
      "train",
      pictures,
      "--out",
      model,
      "--size",
      "64",
      "--variant",
      "small",
      "--epochs",
      "0.5",
      "--quiet",
    ],
  );
  expect(trained.status).toBe(0);
  const { splits } = await readDataset(pictures, { log: silentLog });
  const sides = [...(splits.train ?? []), ...(splits.val ?? [])]
    .flatMap(({ labels, width, height }) =>
      labels.map(({ box: [x1, y1, x2, y2] }) => Math.max(x2 - x1, y2 - y1) / Math.max(width, height)),
    )
    .sort((a, b) => a - b);
  expect(readModelInfo(await readModelBytes(model)).learntSizes).toEqual({
    small: sides[Math.floor(0.1 * sides.length)]!,
    usual: sides[Math.floor(0.5 * sides.length)]!,
  });
});

const MISTAKES: [what: string, words: string[], status: number, says: string][] = [
  ["an unknown command", ["trian"], 2, "did you mean train?"],
  ["an unknown role", ["--role", "tracker"], 2, "there is no role tracker"],
  ["an unknown flag", ["demo", "--camera", "3"], 2, "did you mean --cameras?"],
  ["a word that is missing", ["train"], 2, "DATASET is missing"],
  ["an empty variable of a script", ["train", "x", "--out", ""], 2, "--out needs a value"],
  ["a role in place of a command", ["trainer"], 2, "start it with vigia --role trainer"],
  [
    "an address that is none",
    ["--role", "trainer", "--listen", "nowhere.invalid"],
    1,
    "127.0.0.1 for itself alone",
  ],
  [
    "no data set for a trainer that is away",
    ["submit", "nowhere", "--name", "cats"],
    1,
    "no data set at nowhere",
  ],
  ["a data set that is not there", ["train", "nowhere", "--out", "m.onnx"], 1, "no data set at nowhere"],
  ["a model that is not there", ["eval", "--model", "m.onnx", "--data", "x"], 2, "no model file m.onnx"],
  ["a log that is not there", ["sightings", "--data", "nowhere"], 2, "no log of sightings in nowhere"],
  ["nobody at that address", ["models", "--trainer", "127.0.0.1:9"], 1, "connection refused"],
  ["a log that cannot be written", ["token", "--log", "/nowhere/x.log"], 1, "see that the path is right"],
  ["a mistyped site key", ["token", "--token", "ABC"], 2, "should have 30"],
  ["a camera without a name", ["--role", "video", "--camera", "rtsp://h/s"], 2, "expected NAME=SOURCE"],
];

test.concurrent.each(MISTAKES)("%s gets one clear answer and no stack", async (_, words, status, says) => {
  const outcome = await vigia(...words);
  expect(outcome.err).toContain(says);
  expect(outcome.err).not.toContain("    at ");
  expect(outcome.out).toBe("");
  expect(outcome.status).toBe(status);
});

test("a video in place of pictures is sent where videos are looked at", async () => {
  using folder = tempFolder();
  const clip = join(folder.path, "yard.mp4");
  await Bun.write(clip, "video");
  const looked = await vigia("detect", "--model", clip, clip);
  expect(looked).toMatchObject({ status: 2, err: expect.stringContaining("vigia watch --model FILE clip=") });
  const trained = await vigia("train", clip, "--out", join(folder.path, "m.onnx"));
  expect(trained).toMatchObject({
    status: 1,
    err: expect.stringContaining("take pictures out of the video"),
  });
});

test("a slow reader gets every line: 700 sightings through a pipe that waits", async () => {
  using folder = tempFolder();
  const writer = resolve(import.meta.dir, "../support/write-sightings.ts");
  await Bun.spawn([process.execPath, writer, folder.path, "gate", "700"], { stdout: "ignore" }).exited;
  const list = `"${process.execPath}" "${MAIN}" sightings --json --data "${folder.path}" | (sleep 0.5; wc -l)`;
  const child = Bun.spawn(["sh", "-c", list], { stdout: "pipe" });
  expect((await new Response(child.stdout).text()).trim()).toBe("700");
});

test("a file that is no model is named, with what to give instead", async () => {
  using folder = tempFolder();
  const [file, picture] = [join(folder.path, "notes.txt"), join(folder.path, "a.jpg")];
  await Promise.all([file, picture].map((path) => Bun.write(path, "milk, eggs\n")));
  const { status, err } = await vigia("detect", "--model", file, picture);
  expect(status).toBe(1);
  expect(err).toContain(`cannot read the model ${file}`);
  expect(err).toContain("give the path of a .onnx file");
});
