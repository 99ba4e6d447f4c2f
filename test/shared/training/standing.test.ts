import { expect, test } from "bun:test";
import { toldFailure } from "../../../shared/base/errors.ts";
import { jobText, machinesText } from "../../../shared/training/job-words.ts";
import { standings } from "../../../shared/training/standing.ts";
import {
  JOB_STATES,
  type JobStatus,
  jobNoteOf,
  type WorkerStatus,
} from "../../../shared/wire/messages/job-status.ts";
import { TrainingStatus } from "../../../shared/wire/messages/models.ts";

function worker(name: string, more: Partial<WorkerStatus> = {}): WorkerStatus {
  const is = { name, nodeId: name, state: "training", reason: "", engine: "native" } as const;
  return { ...is, imagesPerSecond: 10, share: 0.5, networkShare: 0.1, ...more };
}

function job(more: Partial<JobStatus>): JobStatus {
  const counts = { progress: 0.42, epoch: 1, epochs: 3, samples: 100, imagesPerSecond: 12 };
  const scores = { loss: { box: 1.5, objects: Number.NaN }, map50: 0.25, bestMap50: 0.5, accuracy: 0.75 };
  return {
    jobId: 7,
    name: "cats",
    state: "training",
    ...counts,
    ...scores,
    timeLeftMs: 65_000,
    note: undefined,
    workers: [],
    ...more,
  };
}

test("a machine far below the fastest is slow, by how much", () => {
  const [fast, slow] = standings([worker("a"), worker("b", { imagesPerSecond: 4 })]);
  expect(fast).toEqual({ kind: "fine", percent: 0 });
  expect(slow).toEqual({ kind: "slow", percent: 40 });
});

test("whom the others wait for is named, and where all wait it is the network", () => {
  const waited = [worker("a", { networkShare: 0.4 }), worker("b", { networkShare: 0.05 })];
  expect(standings(waited).map(({ kind }) => kind)).toEqual(["fine", "awaited"]);
  const sending = [worker("a", { networkShare: 0.5 }), worker("b", { networkShare: 0.45 })];
  expect(standings(sending)).toEqual([
    { kind: "network", percent: 50 },
    { kind: "network", percent: 45 },
  ]);
});

test("a machine alone has nobody to be slower than, and one that is away says so", () => {
  expect(standings([worker("a", { networkShare: 0.9 })])[0]!.kind).toBe("fine");
  const workers = [
    worker("a"),
    worker("b", { state: "left-out", reason: "no route" }),
    worker("c", { state: "silent" }),
  ];
  expect(standings(workers).map(({ kind }) => kind)).toEqual(["fine", "left-out", "silent"]);
  expect(machinesText(workers)).toBe(
    "a 10.0/s 50%, network 10%; b is left out for a while: no route; c is silent: the others go on",
  );
});

test("a job in a line, and its machines, the slowest first", () => {
  expect(jobText(job({}))).toBe("training cats 42%, 12.0 pictures/s, mAP50 0.500, 1 min 5 s left");
  const waiting = job({
    note: jobNoteOf("no-worker"),
    imagesPerSecond: 0,
    bestMap50: undefined,
    timeLeftMs: undefined,
  });
  expect(jobText(waiting)).toBe("training cats 42%, no worker is connected: waiting for one");
  const machines = machinesText([worker("a"), worker("b", { imagesPerSecond: 5, share: 0.33 })]);
  expect(machines).toBe("b (slow: 50% of the fastest) 5.0/s 33%, network 10%; a 10.0/s 50%, network 10%");
});

test("jobs travel as they are, whatever their state and note, also those of a training that diverged", () => {
  const notes = [
    undefined,
    jobNoteOf("arriving", { done: 3, total: 9 }),
    jobNoteOf("failed", { failure: toldFailure(new Error("ñ".repeat(9000))) }),
  ];
  const jobs = JOB_STATES.map((state, i) => job({ state, note: notes[i % 3], workers: [worker("a")] }));
  expect(TrainingStatus.decode(TrainingStatus.encode({ jobs }))).toEqual({ jobs });
});
