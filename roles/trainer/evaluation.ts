import { AppError } from "../../shared/base/errors.ts";
import { PIECE_SIZE_BYTES_MAX } from "../../shared/base/limits.ts";
import { type Deferred, deferred, within } from "../../shared/base/wait.ts";
import type { MessageOf } from "../../shared/wire/message.ts";
import {
  Evaluate,
  type Evaluated,
  EvaluationPiece,
  type SampleRow,
  type Scores,
} from "../../shared/wire/messages/training.ts";
import type { PoolWorker } from "./worker-pool.ts";

/** A split may be large and a worker slow; a worker that is gone is noticed by its link, long before. */
const EVALUATION_TIMEOUT_MS = 15 * 60_000;

/** Asks workers to score weights, one at a time. */
export class Evaluator {
  #lastId = 0;
  #running: { readonly id: number; readonly worker: string; readonly scores: Deferred<Scores> } | undefined;

  /** Throws `unavailable` when the worker leaves. */
  async score(worker: PoolWorker, weights: Float32Array, split: SampleRow["split"]): Promise<Scores> {
    const evaluationId = ++this.#lastId;
    const scores = deferred<Scores>();
    this.#running = { id: evaluationId, worker: worker.nodeId, scores };
    try {
      const step = PIECE_SIZE_BYTES_MAX / 4;
      for (let offset = 0; offset < weights.length; offset += step) {
        const values = weights.subarray(offset, offset + step);
        await worker.link.send(EvaluationPiece, { evaluationId, offset, values });
      }
      await worker.link.send(Evaluate, { evaluationId, split });
      return await within(scores.promise, EVALUATION_TIMEOUT_MS, "the evaluation");
    } finally {
      this.#running = undefined;
    }
  }

  take(worker: PoolWorker, { evaluationId, scores }: MessageOf<typeof Evaluated>): void {
    const running = this.#running;
    if (running?.id === evaluationId && running.worker === worker.nodeId) running.scores.resolve(scores);
  }

  left(worker: PoolWorker): void {
    if (this.#running?.worker !== worker.nodeId) return;
    this.#running.scores.reject(
      new AppError("unavailable", `worker "${worker.name}" left while it evaluated`),
    );
  }
}
