import { expect, setDefaultTimeout, test } from "bun:test";
import { Evaluator } from "../../../roles/trainer/evaluation.ts";
import type { PoolWorker } from "../../../roles/trainer/worker-pool.ts";
import { deferred } from "../../../shared/base/wait.ts";
import { Dispatch } from "../../../shared/wire/message.ts";
import { Evaluate, EvaluationPiece, Quantize, type Scores } from "../../../shared/wire/messages/training.ts";
import { pair } from "../../shared/net/support.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

/** More than one piece. */
const COUNT = 300_000;
const LEVELS = [{ scale: 0.5, zeroPoint: 3 }];

/** An evaluator and a worker on a real link, which judges the first of the numbers that came under a name. */
async function judged({ answers = true } = {}) {
  const links = await pair();
  const worker = { nodeId: "w", name: "w", threads: 1, link: links.far } as unknown as PoolWorker;
  const failures: unknown[] = [];
  const evaluator = new Evaluator(
    () => worker,
    (_, error) => failures.push(error),
  );
  const came = new Map<number, Float32Array>();
  const asked = deferred();
  const told: string[] = [];
  const dispatch = new Dispatch()
    .on(EvaluationPiece, ({ evaluationId, offset, values }) => {
      if (!came.has(evaluationId)) came.set(evaluationId, new Float32Array(COUNT));
      came.get(evaluationId)!.set(values, offset);
      told.push("piece");
    })
    .on(Evaluate, ({ evaluationId }) => {
      told.push("score");
      asked.resolve();
      if (answers) evaluator.take(worker, { evaluationId, scores: scoresOf(came.get(evaluationId)!) });
    })
    .on(Quantize, ({ evaluationId }) => {
      told.push(`levels of ${came.get(evaluationId)![0]}`);
      evaluator.take(worker, { evaluationId, levels: LEVELS });
    });
  void (async () => {
    for await (const body of links.near.messages()) await dispatch.run(body);
  })();
  return {
    evaluator,
    told,
    failures,
    asked: asked.promise,
    [Symbol.asyncDispose]: links[Symbol.asyncDispose],
  };
}

function scoresOf(weights: Float32Array): Scores {
  const share = weights[0]!;
  const all = { map50: share, map: share, precision: share, recall: share, accuracy: share };
  return { images: 1, ...all, thresholds: [] };
}

test("weights that are judged again by the same worker are not sent again, others are", async () => {
  await using worker = await judged();
  const [first, second] = [new Float32Array(COUNT).fill(0.25), new Float32Array(COUNT).fill(0.5)];
  expect((await worker.evaluator.score(first, "val"))?.map50).toBe(0.25);
  expect((await worker.evaluator.score(second, "val"))?.map50).toBe(0.5);
  expect((await worker.evaluator.score(second, "test"))?.map50).toBe(0.5);
  expect(await worker.evaluator.quantize(second)).toEqual(LEVELS);
  const twice = ["piece", "piece", "score"];
  expect(worker.told).toEqual([...twice, ...twice, "score", "levels of 0.5"]);
  expect(worker.failures).toEqual([]);
});

test("a training that is over while weights are judged waits for nobody, and asks nobody more", async () => {
  await using worker = await judged({ answers: false });
  const weights = new Float32Array(COUNT);
  const scores = worker.evaluator.score(weights, "val");
  await worker.asked;
  worker.evaluator[Symbol.dispose]();
  expect(await scores).toBeUndefined();
  expect(await worker.evaluator.quantize(weights)).toEqual([]);
  expect(worker.told).toEqual(["piece", "piece", "score"]);
  expect(worker.failures).toEqual([]);
});
