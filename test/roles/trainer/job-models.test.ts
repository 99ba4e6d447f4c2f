import { afterEach, beforeEach, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { JobModels } from "../../../roles/trainer/job-models.ts";
import type { Learnt } from "../../../roles/trainer/training-run.ts";
import { silentLog } from "../../../shared/base/log.ts";
import { planFor } from "../../../shared/learn/plan.ts";
import { readModelInfo } from "../../../shared/nn/model-file.ts";
import { buildNetwork } from "../../../shared/nn/networks/config.ts";
import { openDatabase } from "../../../shared/store/database.ts";
import { ModelRegistry } from "../../../shared/store/models.ts";
import { TRAINING_MIGRATIONS } from "../../../shared/store/training-schema.ts";
import { tempFolder } from "../../support/temp.ts";

const plan = planFor({ network: { kind: "mlp", hidden: 2 } }, { classes: ["Ana", "Eva"], pictures: 10 });
const weights = new Float32Array(buildNetwork(plan.network).parameters.totalCount);

let folder: ReturnType<typeof tempFolder>;
let database: ReturnType<typeof openDatabase>;
let registry: ModelRegistry;
let news: string[];
beforeEach(() => {
  folder = tempFolder();
  database = openDatabase(join(folder.path, "trainer.db"), TRAINING_MIGRATIONS, { isExclusive: true });
  registry = new ModelRegistry(database, join(folder.path, "models"));
  news = [];
});
afterEach(() => {
  database.close();
  folder[Symbol.dispose]();
});

function modelsOfJob(early = true, stop = new AbortController().signal): JobModels {
  return new JobModels({
    name: "faces",
    plan,
    options: { network: "mlp", early },
    looks: undefined,
    learntSizes: { small: 0.1, usual: 0.3 },
    parent: undefined,
    registry,
    stop,
    log: silentLog,
    onModel: ({ version }) => news.push(`v${version}`),
  });
}

function learnt(map50: number): Learnt & { scores: NonNullable<Learnt["scores"]> } {
  const scores = {
    images: 10,
    map50,
    map: map50,
    precision: 1,
    recall: 1,
    accuracy: 1,
    thresholds: [0.6, 0.7],
  };
  return { weights, scores, testScores: undefined, levels: [], samples: 100, seconds: 5, history: [] };
}

const kept = (): string[] => registry.list().map(({ version }) => `v${version}`);

test("while a job learns its better and better models are to be had; at its end only the last stays", () => {
  {
    using models = modelsOfJob();
    for (const map50 of [0.02, 0.3, 0.2, 0.5]) models.offer(learnt(map50));
    expect(kept()).toEqual(["v2", "v1"]);
    const early = registry.newest("faces")!;
    expect(JSON.parse(early.info)).toMatchObject({ lineage: { early: true }, metrics: { map50: 0.5 } });
    models.keep(learnt(0.8));
  }
  expect(kept()).toEqual(["v3"]);
  expect(news).toEqual(["v1", "v2", "v3"]);
  expect(readdirSync(join(folder.path, "models"))).toEqual(["faces-v3.onnx"]);
  expect(JSON.parse(registry.newest("faces")!.info).lineage.early).toBeUndefined();
});

test("what a job has learnt is kept once, though the keeping is tried again", () => {
  using models = modelsOfJob(false);
  expect([models.keep(learnt(0.8)).version, models.keep(learnt(0.8)).version]).toEqual([1, 1]);
  expect([kept(), news]).toEqual([["v1"], ["v1"]]);
});

test("no early model takes the place of a whole one, nor comes unasked", () => {
  using unasked = modelsOfJob(false);
  unasked.offer(learnt(0.9));
  expect(kept()).toEqual([]);
  unasked.keep(learnt(0.9));
  using again = modelsOfJob();
  again.offer(learnt(0.95));
  expect(kept()).toEqual(["v1"]);
});

test("early models stay when the trainer stops, and at its next start only better ones come", () => {
  {
    const stop = new AbortController();
    using models = modelsOfJob(true, stop.signal);
    models.offer(learnt(0.4));
    stop.abort();
  }
  expect(kept()).toEqual(["v1"]);
  {
    using again = modelsOfJob();
    for (const map50 of [0.3, 0.4]) again.offer(learnt(map50));
    expect(kept()).toEqual(["v1"]);
    again.offer(learnt(0.5));
    expect(kept()).toEqual(["v2", "v1"]);
  }
  expect(kept()).toEqual([]);
});

test("early models that a stopped trainer left are gone when their job ends", () => {
  modelsOfJob().offer(learnt(0.4));
  {
    using models = modelsOfJob();
    models.offer(learnt(0.5));
    expect(kept()).toEqual(["v2", "v1"]);
    models.keep(learnt(0.7));
  }
  expect(kept()).toEqual(["v3"]);
  const bytes = new Uint8Array(readFileSync(registry.path(registry.newest("faces")!)));
  expect(readModelInfo(bytes).version).toBe(3);
});
