import { afterAll, beforeAll, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import type { HeldState } from "../../../roles/trainer/gathering.ts";
import { RingLeader } from "../../../roles/trainer/ring-leader.ts";
import { RoundMeter } from "../../../roles/trainer/round-meter.ts";
import { type PoolWorker, WorkerAnswers } from "../../../roles/trainer/worker-pool.ts";
import { silentLog } from "../../../shared/base/log.ts";
import { WireChooser } from "../../../shared/training/wire-choice.ts";
import { Regroup, Standing } from "../../../shared/wire/messages/training.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const COUNT = 1000;
let nowMs = 1_000_000;
let clock: ReturnType<typeof spyOn>;
beforeAll(() => {
  clock = spyOn(performance, "now").mockImplementation(() => nowMs);
});
afterAll(() => clock.mockRestore());

/** The leader of a training of `COUNT` weights. */
function leaderFrom(held: HeldState): RingLeader {
  return new RingLeader({
    jobId: 1,
    isResumed: false,
    held,
    parameterCount: COUNT,
    chunksPerStep: 2,
    meter: new RoundMeter(4, 2),
    wire: new WireChooser("auto"),
    progress: () => 0,
    events: { onBoundary() {}, onHeld() {}, onWaiting() {}, onFailed() {} },
    log: silentLog,
  });
}

/** A worker of which only the link's queue matters. */
function workerWithQueue() {
  const link = {
    peer: { listening: undefined },
    closed: new AbortController().signal,
    isQuiet: false,
    queuedBytes: 0,
    generation: 0,
    wasClosed: false,
    async send(kind: unknown, value: { readonly generation: number }) {
      if (kind === Regroup) link.generation = value.generation;
    },
    async close() {
      link.wasClosed = true;
    },
  };
  const worker = { nodeId: "w", name: "w", threads: 1, link } as unknown as PoolWorker;
  return { link, worker };
}

test("a worker is not dropped while the state flows to it, however slow the network; it is when nothing moves", async () => {
  const leader = leaderFrom({ round: 5, weights: new Float32Array(COUNT), state: [] });
  const answers = leader.answer(new WorkerAnswers());
  const { link, worker } = workerWithQueue();
  leader.add(worker, { parameterCount: COUNT, stateVectors: 3 });
  const standing = Standing.encode({ generation: link.generation, position: undefined });
  await answers.get(Standing.tag)!(worker, standing);
  expect(leader.phase).toBe("forming");
  link.queuedBytes = 10_000_000;
  leader.tick();
  for (let i = 0; i < 6; i++) {
    nowMs += 15_000;
    link.queuedBytes -= 1_000_000;
    leader.tick();
    expect(link.wasClosed).toBe(false);
  }
  nowMs += 25_000;
  leader.tick();
  expect(link.wasClosed).toBe(true);
});

test("a first worker with another network keeps nobody else out: the job's plan says how many weights there are", () => {
  const leader = leaderFrom({ round: 0, weights: undefined, state: [] });
  const [other, right] = [workerWithQueue().worker, workerWithQueue().worker];
  expect(() => leader.add(other, { parameterCount: 2 ** 32 - 1, stateVectors: 3 })).toThrow("1000 expected");
  leader.add(right, { parameterCount: COUNT, stateVectors: 3 });
  expect(leader.workers).toEqual([right]);
});
