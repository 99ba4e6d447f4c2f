import { expect, test } from "bun:test";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openDatabase } from "../../../shared/store/database.ts";
import { JobStore } from "../../../shared/store/jobs.ts";
import { ModelRegistry } from "../../../shared/store/models.ts";
import { TASK_FAILURES_MAX, TASK_LOSSES_MAX, TaskStore } from "../../../shared/store/tasks.ts";
import { TRAINING_MIGRATIONS } from "../../../shared/store/training-schema.ts";
import type { SampleRow } from "../../../shared/wire/messages/training.ts";
import { tempFolder } from "../../support/temp.ts";

const SIDE = 320;

function sample(i: number): SampleRow {
  const split = i < 40 ? "train" : "test";
  const labels: SampleRow["labels"] = [{ classIndex: 0, box: [1, 2, 30, 40], difficult: false }];
  return { id: `p${i}`, split, sha256: "0".repeat(64), fileBytes: 10, width: 50, height: 60, labels };
}

function stores(path: string) {
  const database = openDatabase(join(path, "trainer.db"), TRAINING_MIGRATIONS);
  const jobs = new JobStore(database);
  const tasks = new TaskStore(database);
  return { database, jobs, tasks };
}

/** A data set of 40 training and 10 test pictures, with its tasks: 16, 16, 8 and 10 pictures. */
function planned(path: string) {
  const all = stores(path);
  const samples = Array.from({ length: 50 }, (_, i) => sample(i));
  const datasetId = all.jobs.keepDataset(["car"], samples);
  all.tasks.plan(
    datasetId,
    SIDE,
    samples.map(({ split }) => split),
  );
  return { ...all, datasetId, samples };
}

test("a job and its data set come back after a new start; what was still arriving has failed", () => {
  using folder = tempFolder();
  const { database, jobs, datasetId, samples } = planned(folder.path);
  const first = jobs.create("cells", { network: "detector" }, 1000);
  jobs.update(first.id, { state: "training", datasetId, plan: { seed: 1 } });
  const second = jobs.create("cars", {}, 2000);
  expect(jobs.next()?.id).toBe(first.id);
  database.close();

  const again = stores(folder.path);
  again.jobs.recover(3000);
  expect(again.jobs.next()).toMatchObject({ id: first.id, name: "cells", plan: { seed: 1 } });
  expect(again.jobs.get(second.id)).toMatchObject({ state: "failed", failure: { kind: "trainer-stopped" } });
  expect(again.jobs.samples(datasetId)).toEqual(samples);
  expect(again.jobs.samples(datasetId, 10, 2).map(({ id }) => id)).toEqual(["p10", "p11"]);
  expect(again.jobs.keepDataset(["car"], samples)).toBe(datasetId);
  expect(again.jobs.keepDataset(["bus"], samples)).not.toBe(datasetId);
  again.database.close();
});

test("each task goes to one worker, and its result counts once", () => {
  using folder = tempFolder();
  const { database, tasks, datasetId } = planned(folder.path);
  const leased = ["a", "b", "a", "b", "a"].map((worker) => tasks.lease(datasetId, SIDE, worker, 5000));
  expect(leased.map((task) => task?.sampleCount)).toEqual([16, 16, 8, 10, undefined]);
  const shard = { sha256: "1".repeat(64), bytes: 99, pictures: 16 };
  expect(tasks.done(leased[0]!.id, "b", shard)).toBe(false);
  expect(tasks.done(leased[0]!.id, "a", shard)).toBe(true);
  expect(tasks.done(leased[0]!.id, "a", shard)).toBe(false);
  expect(tasks.counts(datasetId, SIDE)).toMatchObject({ done: 1, leased: 3, samples: 50, samplesDone: 16 });
  expect(tasks.shards(datasetId, SIDE)).toMatchObject([
    { sha256: shard.sha256, split: "train", pictures: 16 },
  ]);
  database.close();
});

test("a lease that ran out goes to another worker; a late result of the first is spare", () => {
  using folder = tempFolder();
  const { database, tasks, datasetId } = planned(folder.path);
  const task = tasks.lease(datasetId, SIDE, "slow", 1000)!;
  expect(tasks.leases({ nowMs: 999 })).toEqual([]);
  expect(tasks.leases({ nowMs: 1000 })).toEqual([{ id: task.id, worker: "slow" }]);
  expect(tasks.giveBack(task.id, "slow", "late", TASK_LOSSES_MAX)).toBe("open");
  for (let i = 0; i < 4; i++) tasks.lease(datasetId, SIDE, "quick", 2000);
  expect(tasks.done(task.id, "slow", { sha256: "2".repeat(64), bytes: 1, pictures: 16 })).toBe(false);
  expect(tasks.done(task.id, "quick", { sha256: "2".repeat(64), bytes: 1, pictures: 16 })).toBe(true);
  database.close();
});

test("a task that fails every time is set aside with its reason, until the next job", () => {
  using folder = tempFolder();
  const { database, tasks, datasetId } = planned(folder.path);
  const first = tasks.lease(datasetId, SIDE, "w", 1)!;
  tasks.recover();
  const tries: string[] = [];
  for (let i = 0; i < 20 && tries.at(-1) !== "poisoned"; i++) {
    // Tasks with fewer tries come first, so the others are taken out of the way.
    let task = tasks.lease(datasetId, SIDE, "w", 1)!;
    while (task.id !== first.id) task = tasks.lease(datasetId, SIDE, "w", 1)!;
    tries.push(tasks.giveBack(first.id, "w", "the picture is cut", TASK_FAILURES_MAX));
  }
  expect(tries).toEqual(["open", "open", "poisoned"]);
  expect(tasks.poisoned(datasetId, SIDE)).toEqual([
    { id: first.id, reason: "the picture is cut", samples: 16 },
  ]);
  tasks.forgive(datasetId, SIDE);
  expect(tasks.counts(datasetId, SIDE)).toMatchObject({ poisoned: 0, open: 1 });
  database.close();
});

test("models count their versions by name, through starts; stray files go, rows without file too", () => {
  using folder = tempFolder();
  const models = join(folder.path, "models");
  const more = { classes: ["car"], info: "{}", createdMs: 1 };
  const { database } = stores(folder.path);
  const registry = new ModelRegistry(database, models);
  const encode = (version: number): Uint8Array => new TextEncoder().encode(`model ${version}`);
  expect(registry.add("cars", encode, more).version).toBe(1);
  expect(registry.add("cars", encode, { ...more, createdMs: 2 }).version).toBe(2);
  expect(registry.add("cells", encode, { ...more, createdMs: 3 }).version).toBe(1);
  expect(() => registry.add("../cars", encode, more)).toThrow("cannot be a model's name");
  writeFileSync(join(models, "cars-v9.onnx"), "left by a killed process");
  writeFileSync(join(models, "from-a-friend.onnx"), "put there by somebody");
  rmSync(registry.path({ name: "cells", version: 1 }));
  database.close();

  const again = stores(folder.path);
  const reopened = new ModelRegistry(again.database, models);
  expect(reopened.list().map(({ name, version }) => `${name} ${version}`)).toEqual(["cars 2", "cars 1"]);
  expect(reopened.newest("")).toMatchObject({ name: "cars", version: 2 });
  expect(reopened.get("cars", 0)?.version).toBe(2);
  expect(reopened.get("cars", 3)).toBeUndefined();
  expect(existsSync(join(models, "cars-v9.onnx"))).toBe(false);
  expect(existsSync(join(models, "from-a-friend.onnx"))).toBe(true);
  again.database.close();
});
