import { becomeMove, ownSteps } from "../../shared/training/own-steps.ts";
import type { OwnRule } from "../../shared/training/replica.ts";
import type { MessageOf } from "../../shared/wire/message.ts";
import type { RunRound } from "../../shared/wire/messages/training.ts";
import type { ChunksResult, Compute } from "./compute.ts";

/**
 * A member's steps by itself, in rounds that average weights instead of gradients. Its optimizer goes on from round to
 * round, through other rings too; it is forgotten with the first round that is made together.
 */
export class OwnLearning {
  readonly #compute: Compute;
  readonly #weights: Float32Array;
  readonly #rule: OwnRule;

  constructor(compute: Compute) {
    this.#compute = compute;
    this.#weights = new Float32Array(compute.parameterCount);
    this.#rule = compute.ownRule();
  }

  get rule(): OwnRule {
    return this.#rule;
  }

  /**
   * Learns from its chunks of a round, step by step.
   *
   * @param common the weights that all members begin the round with
   * @returns as `sum`, its summand of how far the weights of all move; the caller's to change until it learns again
   */
  async learn(
    common: Float32Array,
    message: MessageOf<typeof RunRound>,
    signal: AbortSignal,
  ): Promise<ChunksResult> {
    const { round, firstChunk, chunkCount, chunksTotal, steps, progress } = message;
    const weights = this.#weights;
    weights.set(common);
    const loss: Record<string, number> = {};
    for (const { chunks, after } of ownSteps({ first: firstChunk, count: chunkCount }, steps)) {
      const next = chunks.first + chunks.count;
      const isLast = next === firstChunk + chunkCount;
      const result = await this.#compute.computeChunks(
        {
          weights,
          firstChunk: chunks.first,
          chunkCount: chunks.count,
          nextChunk: isLast ? firstChunk + chunksTotal : next,
          progress,
          scale: 1 / chunks.count,
        },
        signal,
      );
      this.#rule.step(weights, result.sum, round + after, progress);
      for (const [name, value] of Object.entries(result.loss)) loss[name] = (loss[name] ?? 0) + value;
    }
    becomeMove(weights, common, chunkCount / chunksTotal);
    return { sum: weights, loss };
  }
}
