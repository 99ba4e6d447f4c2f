import type { LearningPlan } from "../../shared/learn/plan.ts";
import type { EngineOptions } from "../../shared/nn/engine.ts";
import type { SampleRow, Scores } from "../../shared/wire/messages/training.ts";

/** Words between the worker and its learning thread. Large vectors are in shared memory and only named here. */

/** A shard in the worker's store. */
export interface ShardFile {
  readonly path: string;
  readonly split: SampleRow["split"];
}

export type LearningRequest =
  | {
      readonly kind: "open";
      readonly plan: LearningPlan;
      readonly shards: readonly ShardFile[];
      readonly engine: EngineOptions;
      /** The weights that go in, and the sum of gradients that comes out. */
      readonly weights: SharedArrayBuffer;
      readonly sum: SharedArrayBuffer;
      /** One int32: the number of the last request that is to be given up. */
      readonly cancelled: SharedArrayBuffer;
    }
  | {
      readonly kind: "chunks";
      readonly id: number;
      readonly firstChunk: number;
      readonly chunkCount: number;
      readonly nextChunk: number;
      readonly progress: number;
      readonly scale: number;
    }
  | { readonly kind: "evaluate"; readonly id: number; readonly split: SampleRow["split"] };

export type LearningReply =
  | { readonly kind: "opened"; readonly engine: string }
  | { readonly kind: "chunks"; readonly id: number; readonly loss: Record<string, number> }
  | { readonly kind: "evaluated"; readonly id: number; readonly scores: Scores }
  | { readonly kind: "cancelled"; readonly id: number }
  /** `id` 0: it cannot be opened. */
  | {
      readonly kind: "failed";
      readonly id: number;
      readonly errorKind: string;
      readonly message: string;
      readonly stack: string | undefined;
    };
