import { afterEach, expect, setSystemTime, test } from "bun:test";
import { join } from "node:path";
import { Preparation } from "../../../roles/trainer/preparation.ts";
import type { PoolWorker, WorkerPool } from "../../../roles/trainer/worker-pool.ts";
import { silentLog } from "../../../shared/base/log.ts";
import { BlobStore } from "../../../shared/store/blobs.ts";
import { openDatabase } from "../../../shared/store/database.ts";
import { JobStore } from "../../../shared/store/jobs.ts";
import { TaskStore } from "../../../shared/store/tasks.ts";
import { TRAINING_MIGRATIONS } from "../../../shared/store/training-schema.ts";
import { tempFolder } from "../../support/temp.ts";

const SIDE_PX = 64;
const START_MS = Date.UTC(2026, 10, 21);

afterEach(() => {
  setSystemTime();
});

test("a task stays with a worker that still fetches its pictures, however long that takes; else it is handed out again", () => {
  using folder = tempFolder();
  using database = openDatabase(join(folder.path, "trainer.db"), TRAINING_MIGRATIONS);
  const [jobs, tasks] = [new JobStore(database), new TaskStore(database)];
  const labels = [{ classIndex: 0, box: [0, 0, 9, 9] as const, difficult: false }];
  const row = { split: "train", sha256: "1".repeat(64), fileBytes: 9, width: 9, height: 9, labels } as const;
  const datasetId = jobs.keepDataset(["cat"], [{ ...row, id: "a", labels: [...labels] }]);
  tasks.plan(datasetId, SIDE_PX, ["train"]);
  let handed = 0;
  const link = { send: async () => void handed++ };
  const worker = { nodeId: "w", name: "w", link } as unknown as PoolWorker;
  const preparation = new Preparation({
    ...{ jobId: 1, datasetId, cacheSidePx: SIDE_PX, splits: ["train"], tasks, jobs, log: silentLog },
    blobs: new BlobStore(join(folder.path, "blobs")),
    pool: { workers: [worker] } as unknown as WorkerPool,
    signal: new AbortController().signal,
    onProgress() {},
  });
  const at = (seconds: number): void => void setSystemTime(START_MS + 1000 * seconds);
  at(0);
  preparation.joined(worker);
  for (const seconds of [50, 100, 150]) {
    at(seconds);
    preparation.fetching(worker);
    preparation.takeBackLate();
  }
  expect(handed).toBe(1);
  at(209);
  preparation.takeBackLate();
  expect(handed).toBe(1);
  at(211);
  preparation.takeBackLate();
  expect(handed).toBe(2);
});
