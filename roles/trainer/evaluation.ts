import { AppError } from "../../shared/base/errors.ts";
import { type Deferred, deferred, within } from "../../shared/base/wait.ts";
import type { Levels } from "../../shared/nn/quantize/activations.ts";
import { piecesOf } from "../../shared/training/state-sending.ts";
import type { MessageOf } from "../../shared/wire/message.ts";
import {
  Evaluate,
  type Evaluated,
  EvaluationPiece,
  Quantize,
  type Quantized,
  type SampleRow,
  type Scores,
} from "../../shared/wire/messages/training.ts";
import type { PoolWorker } from "./worker-pool.ts";

/** A split may be large and a worker slow; a worker that is gone is noticed by its link, long before. */
const EVALUATION_TIMEOUT_MS = 15 * 60_000;

type EvaluationAnswer = MessageOf<typeof Evaluated> | MessageOf<typeof Quantized>;

/** Asks workers to judge weights, one at a time. */
export class Evaluator implements Disposable {
  readonly #nextWorker: () => PoolWorker | undefined;
  readonly #onFailure: (worker: PoolWorker, error: unknown) => void;
  #lastId = 0;
  /** Weights that a worker has judged, and has still: to be judged again they are not sent again. */
  #there: { readonly id: number; readonly worker: PoolWorker; readonly weights: Float32Array } | undefined;
  #running:
    | { readonly id: number; readonly worker: string; readonly answer: Deferred<EvaluationAnswer> }
    | undefined;
  #isOver = false;

  /** @param nextWorker whom to ask now; nobody while there is none */
  constructor(
    nextWorker: () => PoolWorker | undefined,
    onFailure: (worker: PoolWorker, error: unknown) => void,
  ) {
    this.#nextWorker = nextWorker;
    this.#onFailure = onFailure;
  }

  /** Nobody is asked any more: the workers are another job's. Whoever waits for an answer gets none. */
  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#running?.answer.reject(over());
  }

  /**
   * What the weights are worth. `undefined` when there is no worker, or none managed.
   *
   * @param thresholds of each class, to count by; those that suit the split when absent
   */
  async score(
    weights: Float32Array,
    split: SampleRow["split"],
    { tries = 3, thresholds = [] }: { readonly tries?: number; readonly thresholds?: readonly number[] } = {},
  ): Promise<Scores | undefined> {
    const answer = await this.#judge(weights, tries, ({ link }, evaluationId) =>
      link.send(Evaluate, { evaluationId, split, thresholds: [...thresholds] }),
    );
    return answer !== undefined && "scores" in answer ? answer.scores : undefined;
  }

  /** How the weights may be computed in 8 bits, for a model file; none where that failed, or would cost accuracy. */
  async quantize(weights: Float32Array): Promise<readonly Levels[]> {
    const answer = await this.#judge(weights, 1, ({ link }, evaluationId) =>
      link.send(Quantize, { evaluationId }),
    );
    return answer !== undefined && "levels" in answer ? answer.levels : [];
  }

  async #judge(
    weights: Float32Array,
    tries: number,
    send: (worker: PoolWorker, evaluationId: number) => Promise<void>,
  ): Promise<EvaluationAnswer | undefined> {
    for (let i = 0; i < tries && !this.#isOver; i++) {
      const worker = this.#nextWorker();
      if (worker === undefined) return undefined;
      try {
        return await this.#ask(worker, weights, send);
      } catch (error) {
        if (!this.#isOver) this.#onFailure(worker, error);
      }
    }
    return undefined;
  }

  async #ask(
    worker: PoolWorker,
    weights: Float32Array,
    send: (worker: PoolWorker, evaluationId: number) => Promise<void>,
  ): Promise<EvaluationAnswer> {
    const there = this.#there?.worker === worker && this.#there.weights === weights ? this.#there : undefined;
    const id = there?.id ?? ++this.#lastId;
    this.#there = undefined;
    const answer = deferred<EvaluationAnswer>();
    this.#running = { id, worker: worker.nodeId, answer };
    try {
      if (there === undefined) await this.#sendWeights(worker, id, weights);
      await send(worker, id);
      const judged = await within(answer.promise, EVALUATION_TIMEOUT_MS, "the evaluation");
      this.#there = { id, worker, weights };
      return judged;
    } finally {
      this.#running = undefined;
    }
  }

  async #sendWeights({ link }: PoolWorker, evaluationId: number, weights: Float32Array): Promise<void> {
    for (const { at, part } of piecesOf(weights)) {
      if (this.#isOver) throw over();
      await link.send(EvaluationPiece, { evaluationId, offset: at, values: part });
    }
  }

  take(worker: PoolWorker, answer: EvaluationAnswer): void {
    const running = this.#running;
    if (running?.id === answer.evaluationId && running.worker === worker.nodeId)
      running.answer.resolve(answer);
  }

  left(worker: PoolWorker): void {
    if (this.#running?.worker !== worker.nodeId) return;
    this.#running.answer.reject(
      new AppError("unavailable", `worker "${worker.name}" left while it evaluated`),
    );
  }
}

function over(): AppError {
  return new AppError("cancelled", "the training is over");
}
