import type { PicturePack } from "../../shared/learn/picture-pack.ts";
import type { LearningPlan } from "../../shared/learn/plan.ts";
import type { EngineOptions } from "../../shared/nn/engine.ts";
import type { Levels } from "../../shared/nn/quantize/activations.ts";
import type { SampleRow, Scores } from "../../shared/wire/messages/training.ts";

/** Words between the worker and its learning threads. Large vectors are in shared memory and only named here. */

/** A shard in the worker's store. */
export interface ShardFile {
  readonly path: string;
  readonly split: SampleRow["split"];
}

/** What all learning threads of a worker see. */
export interface SharedMemory {
  /** The weights that go in, and the sum of gradients that comes out. */
  readonly weights: SharedArrayBuffer;
  readonly sum: SharedArrayBuffer;
  /** Two int32, by the places below. */
  readonly signs: SharedArrayBuffer;
}

/** The number of the last request that is to be given up. */
export const CANCELLED = 0;
/** Chunks of the running request that are in the sum. */
export const SUMMED = 1;

export interface ChunksRequest {
  readonly kind: "chunks";
  readonly id: number;
  /** This thread's place among those that compute, and how many they are: chunk i is thread i mod `threads`'s. */
  readonly place: number;
  readonly threads: number;
  readonly firstChunk: number;
  readonly chunkCount: number;
  readonly nextChunk: number;
  readonly progress: number;
  readonly scale: number;
}

export type LearningRequest =
  | {
      readonly kind: "open";
      readonly plan: LearningPlan;
      readonly shards: readonly ShardFile[];
      readonly engine: EngineOptions;
      readonly memory: SharedMemory;
      /** The training pictures, where another thread has packed them already. */
      readonly pack: PicturePack | undefined;
    }
  | ChunksRequest
  | {
      readonly kind: "evaluate";
      readonly id: number;
      readonly split: SampleRow["split"];
      readonly thresholds: readonly number[];
    }
  | { readonly kind: "quantize"; readonly id: number };

export type LearningReply =
  | { readonly kind: "opened"; readonly engine: string; readonly pack: PicturePack }
  | { readonly kind: "chunks"; readonly id: number; readonly loss: Record<string, number> }
  | { readonly kind: "evaluated"; readonly id: number; readonly scores: Scores }
  | { readonly kind: "quantized"; readonly id: number; readonly levels: readonly Levels[] }
  | { readonly kind: "cancelled"; readonly id: number }
  /** `id` 0: it cannot be opened. */
  | {
      readonly kind: "failed";
      readonly id: number;
      readonly errorKind: string;
      readonly message: string;
      readonly stack: string | undefined;
    };
